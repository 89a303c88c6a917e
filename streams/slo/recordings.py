"""Recording rules: counts per window, per queue and in all, and the ratios made of them.

Levels: `queue:` per queue, `centre:` all queues together. A ratio is the sum of the broken ones
over the sum of the decided ones, never a mean of ratios, and with none decided there is no ratio.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from streams.instants import DAY, MINUTE
from streams.slo.counters import (
    ANSWERS,
    ARRIVALS,
    BACKLOG,
    CALLS,
    COUNTERS,
    DEALT_WITH,
    OUTCOMES,
    PROMISES,
    USEFULNESS,
    Counter,
    Family,
    Promise,
    Rule,
    family_of,
    step_rules,
    window,
)
from streams.slo.durations import compact
from streams.slo.formulas import SHOWN_WINDOWS, formula_rules, usefulness_rules
from streams.slo.long_windows import (
    hour_rules,
    long_window,
    settled_window,
    slow_step_rules,
    sum_rules,
)
from streams.slo.names import (
    LEVELS,
    allowed,
    budget_left,
    increase,
    objective_of,
    opening,
    ratio,
    target_of,
)
from streams.slo.objective import Objective
from streams.slo.timing import LONG_WINDOWS, PERIOD, Pace, Timing, burns, slow_burns

__all__ = [
    "DEALT_WINDOWS",
    "LEVELS",
    "allowed",
    "backlog_rules",
    "default_objective",
    "increase",
    "objective_of",
    "offered_rules",
    "outcome_rules",
    "period_rules",
    "promise_rules",
    "slow_rules",
    "target_of",
    "use_rules",
]

DEALT_WINDOWS: Final = (15 * MINUTE, 30 * MINUTE)
"""What was dealt with is compared with what is due within the same time, or twice of it."""


def promise_rules(promise: Promise, objective: Objective, timing: Timing) -> list[Rule]:
    """Return what the alerts about `promise` need, in the order of its evaluation."""
    pace, family = timing.fast, family_of(promise)
    return [
        *step_rules(family, pace),
        *sum_rules(family.counters, pace, timing.slow),
        *_settings(promise, objective, pace),
        *(_openings(objective, pace) if promise.key == "answer" else ()),
        *_counts(family.counters, pace, timing.windows(objective.alerts)),
        *_ratios(promise, timing.windows(objective.alerts)),
        *_allowances(promise, objective, timing),
    ]


def backlog_rules(timing: Timing) -> list[Rule]:
    """Return the callbacks that were dealt with, against which those due are held."""
    lengths = [timing.wait(length) for length in DEALT_WINDOWS]
    return [
        *step_rules(BACKLOG, timing.fast),
        *(
            (increase("queue", DEALT_WITH.name, length), window(DEALT_WITH, timing.fast, length))
            for length in lengths
        ),
    ]


def offered_rules(objective: Objective, timing: Timing) -> list[Rule]:
    """Return the calls that came, over each window."""
    return [
        *step_rules(ARRIVALS, timing.fast),
        *sum_rules(ARRIVALS.counters, timing.fast, timing.slow),
        *_counts(ARRIVALS.counters, timing.fast, timing.windows(objective.alerts)),
    ]


def period_rules(objective: Objective, timing: Timing) -> list[Rule]:
    """Return the promises of days and of the period, and what is left of the budgets."""
    pace = timing.slow
    return [
        *slow_step_rules(COUNTERS, pace),
        *hour_rules("period", COUNTERS, pace),
        *_long_counts(COUNTERS, pace, LONG_WINDOWS),
        *(rule for promise in PROMISES for rule in _ratios(promise, LONG_WINDOWS)),
        *_budgets(objective),
    ]


def slow_rules(family: Family, timing: Timing) -> list[Rule]:
    """Return steps and hours of a family that is followed at the slow pace alone.

    Its windows are those of another group, so that neither takes long.
    """
    pace = timing.slow
    return [*step_rules(family, pace), *hour_rules(family.name, family.counters, pace)]


def outcome_rules(timing: Timing) -> list[Rule]:
    """Return the outcomes of calls over each window, and the formulas made of them."""
    halves = [counter for family in OUTCOMES for counter in family.counters]
    return [*_settled_counts(CALLS, halves, timing.slow, SHOWN_WINDOWS), *formula_rules()]


def use_rules(objective: Objective, timing: Timing) -> list[Rule]:
    """Return useful and useless answers over days, and what they are worth."""
    lengths = sorted({*SHOWN_WINDOWS, *LONG_WINDOWS})
    return [
        *_settled_counts(ANSWERS, USEFULNESS.counters, timing.slow, lengths),
        *usefulness_rules(objective.usefulness.weight),
    ]


def _settings(promise: Promise, objective: Objective, pace: Pace) -> Iterator[Rule]:
    """Target and objective in force, remembered while no worker tells them."""
    yield objective_of(promise), _objective(promise, objective, pace)
    if promise.key != "whole":
        told = f'max by (queue) (callcenter_target_seconds{{promise="{promise.key}"}})'
        yield target_of(promise), f"{told} or {_held(target_of(promise), pace)}"


def _openings(objective: Objective, pace: Pace) -> Iterator[Rule]:
    """Since when or from when on it is open; the centre is open while any queue is."""
    if not objective.has_calendar:
        return
    queues = opening("queue")
    told = "max by (queue) (callcenter_opening_timestamp_seconds)"
    yield queues, f"{told} or {_held(queues, pace)}"
    yield opening("centre"), f"min without (queue) ({queues})"


def _objective(promise: Promise, objective: Objective, pace: Pace) -> str:
    whole = objective.promises.whole.objective
    answer = objective_of(PROMISES[0])
    if promise.key == "whole":
        return answer if whole is None else f"{answer} * 0 + {whole:g}"
    told = f'max by (queue) (callcenter_objective_ratio{{promise="{promise.key}"}})'
    return f"{told} or {_held(objective_of(promise), pace)}"


def _held(name: str, pace: Pace) -> str:
    return f"last_over_time({name}[{compact(pace.memory)}])"


def _counts(counted: Iterable[Counter], pace: Pace, lengths: tuple[int, ...]) -> Iterator[Rule]:
    for counter in counted:
        for length in lengths:
            yield increase("queue", counter.name, length), window(counter, pace, length)
            yield increase("centre", counter.name, length), _all_queues(counter, length)


def _long_counts(counters: Iterable[Counter], pace: Pace, lengths: Sequence[int]) -> Iterator[Rule]:
    for counter in counters:
        for length in lengths:
            yield increase("queue", counter.name, length), long_window(counter, pace, length)
            yield increase("centre", counter.name, length), _all_queues(counter, length)


def _settled_counts(
    shown: Counter, halves: Iterable[Counter], pace: Pace, lengths: Sequence[int]
) -> Iterator[Rule]:
    """The counts of `shown`, whose steps are those of `halves`."""
    for length in lengths:
        yield increase("queue", shown.name, length), settled_window(halves, pace, length)
        yield increase("centre", shown.name, length), _all_queues(shown, length)


def _ratios(promise: Promise, lengths: tuple[int, ...]) -> Iterator[Rule]:
    for length in lengths:
        for level in LEVELS:
            yield ratio(level, promise, length), _share_broken(level, promise, length)


def _all_queues(counter: Counter, length: int) -> str:
    return f"sum without (queue) ({increase('queue', counter.name, length)})"


def _share_broken(level: str, promise: Promise, length: int) -> str:
    broken = increase(level, promise.broken.name, length)
    decided = increase(level, promise.decided.name, length)
    return f"clamp_max({broken} / ({decided} > 0), 1)"


def _allowances(promise: Promise, objective: Objective, timing: Timing) -> Iterator[Rule]:
    """What may be broken in each window that an alert looks at."""
    alerts, place = objective.alerts, PROMISES.index(promise)
    both = burns(alerts)[place], slow_burns(alerts)[place]
    lengths = {timing.wait(each) for burn in both for each in (burn.window, burn.short)}
    if promise.key == "answer":
        lengths.add(timing.wait(alerts.below_target.window))
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
        for length in (DAY, PERIOD):
            yield from _allowance(promise, objective, length)
        for level in LEVELS:
            broken = increase(level, promise.broken.name, PERIOD)
            yield (
                budget_left(level, promise),
                f"1 - {broken} / ({allowed(level, promise, PERIOD)} > 0)",
            )
