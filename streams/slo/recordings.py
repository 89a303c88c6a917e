"""Recording rules: counts per window, per queue and in all, and the ratios made of them.

Levels: `queue:` per queue, `centre:` all queues together. A ratio is the sum of the broken ones
over the sum of the decided ones, never a mean of ratios, and with none decided there is no ratio.
"""

from collections.abc import Iterator
from typing import Final

from streams.slo.counters import (
    ANSWERS,
    COUNTERS,
    OFFERED,
    PROMISES,
    Counter,
    Promise,
    Rule,
    memory_rules,
    step_rules,
    window,
)
from streams.slo.durations import compact
from streams.slo.objective import Objective
from streams.slo.timing import LONG_WINDOWS, PERIOD, Pace, Timing, burns

__all__ = ["LEVELS", "allowed", "fast_rules", "increase", "objective_of", "slow_rules", "target_of"]

LEVELS: Final = ("queue", "centre")
USEFULNESS_WINDOWS: Final = LONG_WINDOWS


def increase(level: str, name: str, length: int) -> str:
    """Return the name under which the growth in a window of `length` microseconds is recorded."""
    return f"{level}:{name}:increase{compact(length)}"


def ratio(level: str, promise: Promise, length: int) -> str:
    """Return the name of the recorded share of promises that were broken."""
    return f"{level}:{promise.broken.name}_per_decided:ratio{compact(length)}"


def allowed(level: str, promise: Promise, length: int) -> str:
    """Return the name of the recorded number of promises that the objective lets be broken."""
    return increase(level, f"{promise.broken.name}_allowed", length)


def objective_of(promise: Promise) -> str:
    """Return the name of the recorded objective of each queue."""
    return f"queue:callcenter_{promise.key}_objective:ratio"


def target_of(promise: Promise) -> str:
    """Return the name of the recorded target of each queue."""
    return f"queue:callcenter_{promise.key}_target:seconds"


def fast_rules(objective: Objective, timing: Timing) -> list[Rule]:
    """Return the recordings that alerts need, in the order in which they must be evaluated."""
    pace = timing.fast
    return [
        *step_rules(pace),
        *memory_rules(pace),
        *_settings(objective, pace),
        *_counts(pace, timing.windows(objective.alerts)),
        *_allowances(objective, timing),
    ]


def slow_rules(objective: Objective, timing: Timing) -> list[Rule]:
    """Return the recordings of days and of the period."""
    pace = timing.slow
    return [
        *step_rules(pace),
        *memory_rules(pace),
        *_counts(pace, LONG_WINDOWS),
        *_budgets(objective),
        *_usefulness(),
    ]


def _settings(objective: Objective, pace: Pace) -> Iterator[Rule]:
    """Targets and objectives in force, remembered while no worker tells them."""
    for promise in PROMISES:
        yield objective_of(promise), _objective(promise, objective, pace)
        if promise.key != "whole":
            told = f'max by (queue) (callcenter_target_seconds{{promise="{promise.key}"}})'
            yield target_of(promise), f"{told} or {_held(target_of(promise), pace)}"


def _objective(promise: Promise, objective: Objective, pace: Pace) -> str:
    whole = objective.promises.whole.objective
    answer = objective_of(PROMISES[0])
    if promise.key == "whole":
        return answer if whole is None else f"{answer} * 0 + {whole:g}"
    told = f'max by (queue) (callcenter_objective_ratio{{promise="{promise.key}"}})'
    return f"{told} or {_held(objective_of(promise), pace)}"


def _held(name: str, pace: Pace) -> str:
    return f"last_over_time({name}[{compact(pace.memory)}])"


def _counts(pace: Pace, lengths: tuple[int, ...]) -> Iterator[Rule]:
    for counter in COUNTERS:
        for length in lengths:
            yield increase("queue", counter.name, length), window(counter, pace, length)
            yield increase("centre", counter.name, length), _all_queues(counter, length)
    for promise in PROMISES:
        for length in lengths:
            for level in LEVELS:
                yield ratio(level, promise, length), _share_broken(level, promise, length)


def _all_queues(counter: Counter, length: int) -> str:
    return f"sum without (queue) ({increase('queue', counter.name, length)})"


def _share_broken(level: str, promise: Promise, length: int) -> str:
    broken = increase(level, promise.broken.name, length)
    decided = increase(level, promise.decided.name, length)
    return f"clamp_max({broken} / ({decided} > 0), 1)"


def _allowances(objective: Objective, timing: Timing) -> Iterator[Rule]:
    for promise, burn in zip(PROMISES, burns(objective.alerts), strict=True):
        lengths = {timing.wait(burn.window), timing.wait(burn.short)}
        if promise.key == "answer":
            lengths.add(timing.wait(objective.alerts.below_target.window))
        for length in sorted(lengths):
            yield from _allowance(promise, objective, length)


def _allowance(promise: Promise, objective: Objective, length: int) -> Iterator[Rule]:
    """A queue that no worker tells the objective of has the default one.

    Rounded, because 1 - 0.9 is a little less than 0.1, and just keeping the promise is no breach.
    """
    decided = increase("queue", promise.decided.name, length)
    default = f"{decided} * 0 + {default_objective(promise, objective):g}"
    expression = f"round({decided} * (1 - ({objective_of(promise)} or {default})), 0.000001)"
    yield allowed("queue", promise, length), expression
    yield (
        allowed("centre", promise, length),
        f"sum without (queue) ({allowed('queue', promise, length)})",
    )


def default_objective(promise: Promise, objective: Objective) -> float:
    """Return the objective of `promise` where a queue says nothing else."""
    promises = objective.promises
    if promise.key == "callback":
        return promises.callback.objective
    if promise.key == "whole" and promises.whole.objective is not None:
        return promises.whole.objective
    return promises.answer.objective


def _budgets(objective: Objective) -> Iterator[Rule]:
    """What is left of what the objective allows in a period: 1 untouched, below 0 overspent."""
    for promise in PROMISES:
        yield from _allowance(promise, objective, PERIOD)
        for level in LEVELS:
            broken = increase(level, promise.broken.name, PERIOD)
            name = f"{level}:callcenter_{promise.key}_budget_left:ratio{compact(PERIOD)}"
            yield name, f"1 - {broken} / ({allowed(level, promise, PERIOD)} > 0)"


def _usefulness() -> Iterator[Rule]:
    """Useful answers per call offered: an answer in three seconds that helps nobody is in neither.

    A verdict on usefulness comes an hour after the call, so short windows would say nothing.
    """
    for level in LEVELS:
        for length in USEFULNESS_WINDOWS:
            useful = increase(level, ANSWERS.name, length) + '{usefulness="useful"}'
            offered = increase(level, OFFERED.name, length)
            name = f"{level}:callcenter_useful_answers_per_call_offered:ratio{compact(length)}"
            yield name, f"sum without (usefulness) ({useful}) / ({offered} > 0)"
