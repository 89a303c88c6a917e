"""Tests of the generated rules for `promtool test rules`, made of the same objective.

They hold the rules to what `callsla slo explain` says: each alert about a promise fires just above
its threshold with the right numbers in its words, keeps silent just below, and keeps silent however
bad it is while too few are concerned.
"""

from collections.abc import Iterator
from math import ceil, floor, gcd
from typing import Any, Final

from streams.instants import SECOND
from streams.slo.alerts import RUNBOOK
from streams.slo.counters import PROMISES, Promise
from streams.slo.durations import brief, compact, last
from streams.slo.keys import Burn
from streams.slo.objective import Objective
from streams.slo.recordings import default_objective
from streams.slo.rulesfile import HEADER, dump
from streams.slo.timing import STANDARD, Timing, burns

__all__ = ["RULES_FILE", "render_tests", "threshold"]

RULES_FILE: Final = "callsla-rules.yaml"
QUEUE: Final = "sales"
PER_STEP: Final = 1000

_NAMES: Final = {
    "answer": ("AnswerPromiseFastBurn", "callers are not answered in time"),
    "callback": ("CallbackPromiseFastBurn", "customers are not called back in time"),
    "whole": ("PromiseFastBurn", "customers are neither answered nor called back in time"),
}


def threshold(burn: Burn, objective: float) -> float:
    """Return the share of broken promises above which a fast burn alert fires."""
    return min(burn.factor * (1 - objective), burn.cap)


def render_tests(
    objective: Objective, timing: Timing = STANDARD, rules_file: str = RULES_FILE
) -> str:
    """Return the tests as YAML text; `rules_file` is relative to where they will stand."""
    tests = [
        *_burn_tests(objective, timing),
        *_interval_tests(objective, timing),
        *_sight_tests(timing),
    ]
    return HEADER + dump(
        {
            "rule_files": [rules_file],
            "evaluation_interval": compact(_step(objective, timing)),
            "tests": tests,
        }
    )


def _step(objective: Objective, timing: Timing) -> int:
    """The coarsest step that every window is a multiple of: steps add up at any pace."""
    asked = [length for burn in burns(objective.alerts) for length in (burn.window, burn.short)]
    asked.append(objective.alerts.below_target.window)
    return gcd(*(timing.wait(length) for length in asked))


def _burn_tests(objective: Objective, timing: Timing) -> Iterator[dict[str, Any]]:
    for promise, burn in zip(PROMISES, burns(objective.alerts), strict=True):
        limit = threshold(burn, default_objective(promise, objective)) * PER_STEP
        above, below = floor(limit + 1e-6) + 1, ceil(limit - 1e-6) - 1
        steps = timing.wait(burn.window) // _step(objective, timing)
        least = timing.at_least(burn.min_broken)
        scene = _Scene(objective, timing, promise, steps)
        name = _NAMES[promise.key][0]
        fires = scene.burning(above * steps, PER_STEP * steps, timing.wait(burn.window))
        yield scene.test(f"{name} fires just above its threshold", above, PER_STEP, [fires])
        yield scene.test(f"{name} is silent just below its threshold", below, PER_STEP, [])
        yield scene.once(f"{name} is silent while too few are broken", least - 1, [])
        yield scene.once(
            f"{name} fires when enough are broken",
            least,
            [scene.burning(least, least, timing.wait(burn.window))],
        )


def _interval_tests(objective: Objective, timing: Timing) -> Iterator[dict[str, Any]]:
    name = "AnswerServiceLevelBelowTarget"
    window = timing.wait(objective.alerts.below_target.window)
    wanted = objective.promises.answer.objective
    just = floor((1 - wanted) * PER_STEP + 1e-6)
    above = just + 1
    in_window = window // _step(objective, timing)
    scene = _Scene(objective, timing, PROMISES[0], 2 * in_window + 2)
    kept, total = (PER_STEP - above) * in_window, PER_STEP * in_window
    words = (
        f"{kept} of {total} calls in {last(window)} were answered by a human within "
        f"{brief(objective.promises.answer.target)} ({100 * kept / total:.1f} %); "
        f"the objective is {100 * wanted:.3g} %."
    )
    alert = scene.alert(name, "warning", "the service level is below the objective", words)
    yield scene.test(f"{name} fires after two intervals below", above, PER_STEP, [alert], name)
    yield scene.test(f"{name} is silent while the objective is just kept", just, PER_STEP, [], name)
    few = timing.at_least(objective.alerts.below_target.min_calls) - 1
    yield scene.once(f"{name} is silent while there are few calls", few, [], name)


def _sight_tests(timing: Timing) -> Iterator[dict[str, Any]]:
    """A worker that shows itself, and none."""
    soon = timing.wait(30 * SECOND)
    there = [{"series": 'callcenter_build_info{instance="a"}', "values": f"1x{2 * soon // SECOND}"}]
    gone: dict[str, Any] = {
        "exp_labels": {"severity": "critical", "app": "callsla", "blind": "true"},
        "exp_annotations": {
            "summary": "No worker reports: nobody watches the promises",
            "description": f"No worker has been seen for {soon // SECOND} seconds. Calls may wait "
            "without being noticed; a quiet promise alert means nothing now.",
            "runbook_url": f"{RUNBOOK}#blindnoworker",
        },
    }
    for title, series, expected in (
        ("BlindNoWorker fires when no worker is there", [], [gone]),
        ("BlindNoWorker is silent while a worker is there", there, []),
    ):
        yield _test(SECOND, title, series, [("BlindNoWorker", 2 * soon, expected)])


class _Scene:
    """Counters of one promise in one queue that grow for some steps."""

    def __init__(self, objective: Objective, timing: Timing, promise: Promise, steps: int) -> None:
        self._objective = objective
        self._timing = timing
        self._promise = promise
        self._steps = steps

    def test(
        self, title: str, broken: int, decided: int, expected: list[Any], name: str = ""
    ) -> dict[str, Any]:
        """Each step `decided` promises, `broken` of them broken."""
        count = self._steps + 1
        return self._shown(title, f"0+{decided}x{count}", f"0+{broken}x{count}", expected, name)

    def once(self, title: str, broken: int, expected: list[Any], name: str = "") -> dict[str, Any]:
        """One batch of `broken` promises right before the look, and no other."""
        values = f"0x{self._steps - 1} {broken} {broken}"
        return self._shown(title, values, values, expected, name)

    def burning(self, broken: int, decided: int, window: int) -> dict[str, Any]:
        """The alert about `broken` of `decided` in `window`."""
        name, summary = _NAMES[self._promise.key]
        share = 100 * (1 - default_objective(self._promise, self._objective))
        words = f"{broken} of {decided} {self._what(window)}; the promise allows {share:.3g} %."
        return self.alert(name, "critical", summary, words)

    def alert(self, name: str, severity: str, summary: str, words: str) -> dict[str, Any]:
        return {
            "exp_labels": {
                "severity": severity,
                "app": "callsla",
                "promise": self._promise.key,
                "scope": "queue",
                "queue": QUEUE,
            },
            "exp_annotations": {
                "summary": f"Queue {QUEUE}: {summary}",
                "description": words,
                "runbook_url": f"{RUNBOOK}#{name.lower()}",
            },
        }

    def _what(self, window: int) -> str:
        promises = self._objective.promises
        if self._promise.key == "answer":
            target = brief(promises.answer.target)
            return (
                f"calls in {last(window)} waited longer than {target} for a human or never got one"
            )
        if self._promise.key == "callback":
            target = brief(promises.callback.target)
            return f"callbacks due in {last(window)} were not made within {target}"
        missed = "were neither answered by a human in time nor called back in time"
        return f"calls in {last(window)} {missed}"

    def _shown(
        self, title: str, decided: str, broken: str, expected: list[Any], name: str
    ) -> dict[str, Any]:
        labels = f'{{queue="{QUEUE}",partition="0",instance="a"}}'
        count = self._steps + 1
        series = [
            {"series": f"{self._promise.decided.metric}{labels}", "values": decided},
            {"series": f"{self._promise.broken.metric}{labels}", "values": broken},
            {
                "series": 'callcenter_events_total{fate="applied",partition="0",instance="a"}',
                "values": f"0x{count}",
            },
        ]
        step = _step(self._objective, self._timing)
        alert = name or _NAMES[self._promise.key][0]
        return _test(step, title, series, [(alert, self._steps * step, expected)])


def _test(
    step: int, title: str, series: list[dict[str, str]], looks: list[tuple[str, int, list[Any]]]
) -> dict[str, Any]:
    return {
        "name": title,
        "interval": compact(step),
        "input_series": series,
        "alert_rule_test": [
            {"eval_time": compact(at), "alertname": name, "exp_alerts": expected}
            for name, at, expected in looks
        ],
    }
