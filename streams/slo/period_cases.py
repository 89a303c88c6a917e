"""Tests of what takes days: budgets, usefulness, and a week ago as the measure of today."""

from collections.abc import Iterator
from math import floor, gcd
from typing import Any, Final

from streams.instants import DAY, MINUTE
from streams.slo.counters import PROMISES, Promise
from streams.slo.durations import compact, last
from streams.slo.objective import Objective
from streams.slo.recordings import default_objective
from streams.slo.rulesfile import GROUPS, HEADER, dump
from streams.slo.testkit import (
    Case,
    Expected,
    Series,
    as_objective_has_it,
    expected,
    owned,
    queue_alert,
    scene,
    total,
)
from streams.slo.timing import Timing

__all__ = ["render_period_tests"]

Test = dict[str, Any]

WEEK: Final = 7 * DAY
_MISSED: Final = {
    "answer": "calls were not answered in time",
    "callback": "callbacks were not made in time",
    "whole": "calls were neither answered nor called back in time",
}
_OLD: Final = 100_000
"""Calls of the weeks before, against which a day is little."""


def render_period_tests(objective: Objective, timing: Timing, rules_file: str) -> str:
    """Return the tests as YAML text; their steps are half an hour, or a divisor of it."""
    length = timing.wait(objective.alerts.blind.no_calls)
    step = gcd(30 * MINUTE, length)
    tests = [
        *(test for promise in PROMISES for test in _budget(promise, objective, step)),
        *_useful(objective, step),
        *_no_calls(objective, length, step),
    ]
    steps = {
        "rule_files": [rules_file],
        "evaluation_interval": compact(step),
        "group_eval_order": list(GROUPS),
        "tests": as_objective_has_it(objective, tests),
    }
    return HEADER + dump(steps)


def _budget(promise: Promise, objective: Objective, step: int) -> Iterator[Test]:
    allowed = 1 - default_objective(promise, objective)
    least = objective.alerts.budget.min_broken
    total_calls = 1000 * (floor(least / allowed / 1000) + 1)
    room = floor(total_calls * allowed + 1e-6)
    yield from _exhausted(promise, step, total_calls, room, allowed, least)
    yield from _runs_out(promise, objective, step, allowed, least)


def _judged(promise: Promise, decided: str, broken: str, steps: int) -> list[Series]:
    return [
        owned(steps),
        total(promise.decided.metric, decided),
        total(promise.broken.metric, broken),
    ]


def _exhausted(
    promise: Promise, step: int, calls: int, room: int, allowed: float, least: int
) -> Iterator[Test]:
    name, about = "BudgetExhausted", f", {promise.key}"

    def fires(broken: int, decided: int) -> Expected:
        said = (
            f"{broken} of {decided} {_MISSED[promise.key]} in the last 30 days; the objective "
            f"allows {round(decided * allowed, 6):.0f}."
        )
        return queue_alert(name, "warning", promise.key, "the budget of 30 days is spent", said)

    def once(broken: int, decided: int) -> list[Series]:
        return _judged(promise, f"0 0 {decided}x4", f"0 0 {broken}x4", 6)

    spent, kept = once(room + 1, calls), once(room, calls)
    few = once(least - 1, least - 1)
    # The worker began anew between the looks: what it shows is lower, what was counted is not.
    anew = _judged(promise, f"0 0 {calls} 0x4", f"0 0 {room + 1} 0x4", 7)
    none = _judged(promise, f"0 0 {calls} 0x4", f"0 0 {room} 0x4", 7)
    told = fires(room + 1, calls)
    yield scene(step, "fires", f"just above{about}", spent, name, [(4, [told])])
    yield scene(step, "just below", f"silent while just kept{about}", kept, name, [(4, [])])
    yield scene(step, "low traffic", f"silent while few are broken{about}", few, name, [(4, [])])
    yield scene(step, "reset", f"counts on over a restart{about}", anew, name, [(5, [told])])
    yield scene(step, "reset", f"a restart spends nothing{about}", none, name, [(5, [])])


def _runs_out(
    promise: Promise, objective: Objective, step: int, allowed: float, least: int
) -> Iterator[Test]:
    """Many good calls, and a day later so many broken ones that the rest is gone soon."""
    name, about = "BudgetRunsOut", f", {promise.key}"
    within = objective.alerts.budget.gone_within / DAY
    room = round(_OLD * allowed, 6)
    # Broken ones alone add to the room, too: (room + n * allowed - n) / n < within.
    enough = floor(room / (within + 1 - allowed) + 1e-6) + 1
    day = DAY // step + 4

    def bad(number: int, *, anew: bool = False) -> list[Series]:
        """A counter that begins anew shows what has come since, and is then lower."""
        decided = f"0 0 {_OLD}x{day - 3} {number if anew else _OLD + number}x2"
        return _judged(promise, decided, f"0x{day - 1} {number}x2", day + 2)

    left = round((_OLD + enough) * allowed, 6) - enough
    said = (
        f"{enough} {_MISSED[promise.key]} in the last day. The objective leaves room for "
        f"{left:.0f} more; at this rate it is gone in {left / enough:.1f} days."
    )
    fires = queue_alert(name, "warning", promise.key, "the budget of 30 days runs out", said)
    looks = [(day + 1, [fires])] if enough >= least else []
    silent: list[tuple[int, list[Expected]]] = [(day + 1, [])]
    yield scene(step, "fires", f"just above{about}", bad(enough), name, looks)
    yield scene(step, "just below", f"silent{about}", bad(enough - 1), name, silent)
    yield scene(step, "low traffic", f"silent while few{about}", bad(least - 1), name, silent)
    yield scene(step, "reset", f"counts on over one{about}", bad(enough, anew=True), name, looks)


def _useful(objective: Objective, step: int) -> Iterator[Test]:
    name, settings = "AnswersLessUseful", objective.alerts.useful
    answers = max(settings.min_answers, 100)
    worst = _most_useful(answers, settings.drop)
    day = DAY // step + 4

    def answered(useful: int, known: int, broken: int = 0, *, anew: bool = False) -> list[Series]:
        def then(before: int, more: int) -> str:
            return f"0 0 {before}x{day - 3} {more if anew else before + more}x2"

        metric = "callcenter_answers_total"
        return [
            *_judged(PROMISES[0], then(_OLD, known), then(0, broken), day + 2),
            total(metric, then(_OLD, useful), usefulness="useful"),
            total(metric, then(0, known - useful), usefulness="useless"),
        ]

    said = (
        f"{100 * worst / answers:.0f} % of the answers of the last day were of use, against "
        f"{100 * (_OLD + worst) / (_OLD + answers):.0f} % in 30 days, while calls are answered in "
        "time: quick, but of no help."
    )
    summary = "answers are quick but less useful than usual"
    fires = queue_alert(name, "warning", "usefulness", summary, said)
    look = day + 1
    below, above = answered(worst, answers), answered(worst + 1, answers)
    yield scene(step, "fires", "just below the usual", below, name, [(look, [fires])])
    yield scene(step, "just below", "silent while the drop is small", above, name, [(look, [])])
    few, late = answered(0, settings.min_answers - 1), answered(worst, answers, answers)
    yield scene(step, "low traffic", "silent with few answers", few, name, [(look, [])])
    yield scene(step, "just below", "silent while speed is bad, too", late, name, [(look, [])])
    again = answered(worst, answers, anew=True)
    yield scene(step, "reset", "counts on over a restart", again, name, [(look, [fires])])
    slight = answered(worst + 1, answers, anew=True)
    yield scene(step, "reset", "a restart is no drop", slight, name, [(look, [])])


def _most_useful(answers: int, drop: float) -> int:
    """The most useful answers of a day that are too few, when all before were useful."""
    shares = (
        useful
        for useful in range(answers, -1, -1)
        if round((_OLD + useful) / (_OLD + answers) - useful / answers, 6) > drop
    )
    return next(shares, 0)


def _no_calls(objective: Objective, length: int, step: int) -> Iterator[Test]:
    name, usual = "BlindNoCalls", objective.alerts.blind.usual_calls
    week, hour = WEEK // step, length // step
    said = f"Not one call came in {last(length)}; a week ago there were {usual} in that time. "
    summary = "No calls come in at a time when many usually do"
    words = said + "The feed is likely to be dead."
    fires = expected(name, "critical", summary, words, blind="true")
    # A week ago: enough calls, then one too few, then enough again. Now: none, none, one.
    stretch = 2 * hour
    before = "0"
    for calls, lasts in ((usual, stretch), (2 * usual - 1, stretch)):
        before += f" {calls}x{lasts - 1}"
    came = 3 * usual - 1
    missing, quiet, one = (week + number * stretch + 1 for number in range(3))

    def then(now: str) -> list[Series]:
        return [owned(week + 4 * stretch), total("callcenter_calls_offered_total", before + now)]

    as_ever = then(f" {came}x{week - 1} {came + 1}x{stretch}")
    anew = then(f" {came}x{week - 2 * stretch - 1} 0x{2 * stretch - 1} 1x{stretch}")
    fired = [(missing, [fires]), (missing + hour, [])]
    cases: tuple[Case, ...] = ("fires", "just below", "low traffic")
    looks = [*fired, (quiet, []), (one, [])]
    yield scene(step, cases, "silent with one call or where few call", as_ever, name, looks)
    yield scene(step, "reset", "calls after it count", anew, name, [*fired, (one, [])])
