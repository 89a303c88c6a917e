"""Tests of the generated rules for `promtool test rules`, made of the same objective.

They hold the rules to what `callsla slo explain` says: each alert about a promise fires just above
its threshold with the right numbers in its words, keeps silent just below, keeps silent however
bad it is while too few are concerned, and counts on when a worker begins anew.
"""

from collections.abc import Iterator
from math import floor, gcd
from typing import Any, Final, Literal

from streams.slo.counters import PROMISES, Promise
from streams.slo.durations import brief, compact, last
from streams.slo.keys import Burn
from streams.slo.objective import Objective
from streams.slo.recordings import DEALT_WINDOWS, default_objective
from streams.slo.rulesfile import GROUPS, HEADER, dump
from streams.slo.sight_cases import sight_tests
from streams.slo.testkit import (
    Case,
    Expected,
    as_objective_has_it,
    owned,
    queue_alert,
    scene,
    total,
)
from streams.slo.timing import STANDARD, Timing, burns, slow_burns
from streams.slo.waiting_cases import waiting_tests

__all__ = ["RULES_FILE", "render_tests", "threshold"]

RULES_FILE: Final = "callsla-rules.yaml"
PER_STEP: Final = 1000
SPENT: Final = "The budget of 30 days is spent."

_NAMES: Final = {
    "answer": ("AnswerPromise", "callers are not answered in time"),
    "callback": ("CallbackPromise", "customers are not called back in time"),
    "whole": ("Promise", "customers are neither answered nor called back in time"),
}


def threshold(burn: Burn, objective: float) -> float:
    """Return the share of broken promises above which a fast burn alert fires."""
    return min(burn.factor * (1 - objective), burn.cap)


def render_tests(
    objective: Objective, timing: Timing = STANDARD, rules_file: str = RULES_FILE
) -> str:
    """Return the tests as YAML text; `rules_file` is relative to where they will stand."""
    step = _step(objective, timing)
    tests = [
        *_burn_tests(objective, timing),
        *_interval_tests(objective, timing),
        *waiting_tests(objective, timing, step),
        *sight_tests(objective, timing, step),
    ]
    return HEADER + dump(
        {
            "rule_files": [rules_file],
            "evaluation_interval": compact(step),
            "group_eval_order": list(GROUPS),
            "tests": as_objective_has_it(objective, tests),
        }
    )


def _step(objective: Objective, timing: Timing) -> int:
    """The coarsest step that every window is a multiple of: steps add up at any pace."""
    every = (*burns(objective.alerts), *slow_burns(objective.alerts))
    asked: list[int] = [length for burn in every for length in (burn.window, burn.short)]
    asked += [objective.alerts.below_target.window, *DEALT_WINDOWS]
    return gcd(*(timing.wait(length) for length in asked))


def _burn_tests(objective: Objective, timing: Timing) -> Iterator[dict[str, Any]]:
    for promise, burn in zip(PROMISES, burns(objective.alerts), strict=True):
        limit = threshold(burn, default_objective(promise, objective)) * PER_STEP
        most = floor(limit + 1e-6)
        window = timing.wait(burn.window)
        steps = window // _step(objective, timing)
        scene = _Scene(objective, timing, promise, steps)
        fires = scene.burning((most + 1) * steps, PER_STEP * steps, window, SPENT)
        yield scene.test("fires", "just above its threshold", most + 1, PER_STEP, [fires])
        yield scene.test("just below", "silent at its threshold", most, PER_STEP, [])
        short = _Scene(objective, timing, promise, 4)
        yield from _few_tests(short, timing.at_least(burn.min_broken), window)
    for promise, burn in zip(PROMISES, slow_burns(objective.alerts), strict=True):
        yield from _slow_tests(_Scene(objective, timing, promise, 4, "Slow"), burn, timing)


def _few_tests(scene: "_Scene", least: int, window: int) -> Iterator[dict[str, Any]]:
    fires = scene.burning(least, least, window)
    yield scene.once("low traffic", "silent while too few are broken", least - 1, [])
    yield scene.once("fires", "when enough are broken", least, [fires])
    yield scene.anew("counts on over a restart", least, [fires])
    yield scene.anew("a restart is no broken promise", least - 1, [])


def _slow_tests(scene: "_Scene", burn: Burn, timing: Timing) -> Iterator[dict[str, Any]]:
    """A window of hours is filled by one moment, for the sum is the same."""
    least, window = timing.at_least(burn.min_broken), timing.wait(burn.window)
    limit = threshold(burn, scene.objective)
    calls = PER_STEP * (floor(least / limit / PER_STEP) + 1)
    most = floor(limit * calls + 1e-6)
    fires = scene.burning(most + 1, calls, window)
    yield scene.once("fires", "just above its threshold", most + 1, [fires], of=calls)
    yield scene.once("just below", "silent at its threshold", most, [], of=calls)
    yield from _few_tests(scene, least, window)


def _interval_tests(objective: Objective, timing: Timing) -> Iterator[dict[str, Any]]:
    name = "AnswerServiceLevelBelowTarget"
    window = timing.wait(objective.alerts.below_target.window)
    wanted = objective.promises.answer.objective
    just = floor((1 - wanted) * PER_STEP + 1e-6)
    above = just + 1
    in_window = window // _step(objective, timing)
    scene = _Scene(objective, timing, PROMISES[0], 2 * in_window + 2)
    scene.name = name
    kept, total = (PER_STEP - above) * in_window, PER_STEP * in_window
    words = (
        f"{kept} of {total} calls in {last(window)} were answered by a human within "
        f"{brief(objective.promises.answer.target)} ({100 * kept / total:.1f} %); "
        f"the objective is {100 * wanted:.3g} %."
    )
    alert = scene.alert(name, "warning", "the service level is below the objective", words, SPENT)
    yield scene.test("fires", "after two intervals below", above, PER_STEP, [alert])
    yield scene.test("just below", "silent while just kept", just, PER_STEP, [])
    few = timing.at_least(objective.alerts.below_target.min_calls) - 1
    yield scene.twice("silent while there are few calls", few, in_window)
    yield scene.test("reset", "counts on over restarts", above, PER_STEP, [alert], restarts=True)
    yield scene.test("reset", "restarts are no breach", just, PER_STEP, [], restarts=True)


class _Scene:
    """Counters of one promise in one queue that grow for some steps."""

    def __init__(
        self,
        objective: Objective,
        timing: Timing,
        promise: Promise,
        steps: int,
        speed: Literal["Fast", "Slow"] = "Fast",
    ) -> None:
        self._objective = objective
        self._timing = timing
        self._promise = promise
        self._steps = steps
        self._speed = speed
        self.name = f"{_NAMES[promise.key][0]}{speed}Burn"
        self.objective = default_objective(promise, objective)

    def test(
        self,
        case: Case,
        title: str,
        broken: int,
        decided: int,
        expected: list[Any],
        *,
        restarts: bool = False,
    ) -> dict[str, Any]:
        """Each step `decided` promises, `broken` of them broken; the counters may begin anew."""

        def growing(by: int) -> str:
            # After each restart the first look finds what one step has added to zero.
            again = f" {by}+{by}x{self._steps // 3}"
            return f"0+{by}x{self._steps // 3}" + 3 * again if restarts else f"0+{by}x{count}"

        count = self._steps + 1
        return self._shown(case, title, growing(decided), growing(broken), expected)

    def once(
        self, case: Case, title: str, broken: int, expected: list[Any], of: int | None = None
    ) -> dict[str, Any]:
        """One batch of promises right before the look, `broken` ones of all or of `of`."""
        values, before = f"0x{self._steps - 1} {{0}} {{0}}", broken if of is None else of
        return self._shown(case, title, values.format(before), values.format(broken), expected)

    def twice(self, title: str, broken: int, apart: int) -> dict[str, Any]:
        """Batches of broken promises so far apart that a window always holds one of them."""
        values = f"0 0 {broken}x{apart - 1} {2 * broken}x{self._steps}"
        return self._shown("low traffic", title, values, values, [])

    def anew(self, title: str, broken: int, expected: list[Any]) -> dict[str, Any]:
        """A counter that had come far begins anew at zero, and `broken` are added."""
        values = f"9000x{self._steps - 1} {broken} {broken}"
        return self._shown("reset", title, values, values, expected)

    def burning(self, broken: int, decided: int, window: int, budget: str = "") -> dict[str, Any]:
        """The alert about `broken` of `decided` in `window`; a batch is in no budget at once."""
        summary = _NAMES[self._promise.key][1]
        slow = self._speed == "Slow"
        summary += ", a little too often for hours" if slow else ""
        words = (
            f"{broken} of {decided} {self._what(window)}; the promise allows "
            f"{100 * (1 - self.objective):.3g} %."
        )
        return self.alert(self.name, "warning" if slow else "critical", summary, words, budget)

    def alert(self, name: str, severity: str, summary: str, words: str, budget: str) -> Expected:
        return queue_alert(name, severity, self._promise.key, summary, words, budget)

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
        self, case: Case, title: str, decided: str, broken: str, expected: list[Any]
    ) -> dict[str, Any]:
        series = [
            total(self._promise.decided.metric, decided),
            total(self._promise.broken.metric, broken),
            owned(self._steps + 1),
        ]
        step = _step(self._objective, self._timing)
        return scene(step, case, title, series, self.name, [(self._steps, expected)])
