"""Alerts of days and of the month: the budget, and answers that are quick and of no use."""

from collections.abc import Iterator

from streams.instants import DAY
from streams.slo.alert import Alert, unless_a_queue_says_so
from streams.slo.counters import ANSWERS, PROMISES, Promise
from streams.slo.names import LEVELS, allowed, budget_left, increase, useful_share
from streams.slo.objective import Objective
from streams.slo.timing import PERIOD, Timing
from streams.slo.words import number, who

__all__ = ["period_alerts", "use_alerts"]

_MISSED = {
    "answer": "calls were not answered in time",
    "callback": "callbacks were not made in time",
    "whole": "calls were neither answered nor called back in time",
}


def period_alerts(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """Return the alerts that are evaluated beside the counts of days; `timing` is not theirs."""
    del timing
    for promise in PROMISES:
        for level in LEVELS:
            yield _exhausted(level, promise, objective)
            yield _runs_out(level, promise, objective)


def use_alerts(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """Return the alerts about answers that are quick and of no use; `timing` is not theirs."""
    del timing
    for level in LEVELS:
        yield _less_useful(level, objective)


def _exhausted(level: str, promise: Promise, objective: Objective) -> Alert:
    name = "BudgetExhausted"
    count, few = increase(level, promise.broken.name, PERIOD), allowed(level, promise, PERIOD)
    expression = (
        f"{count} > {few}\n"
        f"and {count} >= {objective.alerts.budget.min_broken}\n"
        f"and {budget_left(level, promise)} < 0"
    )
    decided = number(increase(level, promise.decided.name, PERIOD), level)
    words = (
        f'{{{{ printf "%.0f" $value }}}} of {decided} {_MISSED[promise.key]} in the last 30 days; '
        f"the objective allows {number(few, level)}."
    )
    return _ticket(name, level, promise, expression, "the budget of 30 days is spent", words)


def _runs_out(level: str, promise: Promise, objective: Objective) -> Alert:
    """At the rate of the last day the rest is gone soon; a rate within the objective is fine."""
    name, budget = "BudgetRunsOut", objective.alerts.budget
    rest = f"{allowed(level, promise, PERIOD)} - {increase(level, promise.broken.name, PERIOD)}"
    day = increase(level, promise.broken.name, DAY)
    expression = (
        f"(({rest}) > 0) / {day} < {budget.gone_within / DAY:g}\n"
        f"and {day} > {allowed(level, promise, DAY)}\n"
        f"and {day} >= {budget.min_broken}"
    )
    left = number(
        f"{allowed(level, promise, PERIOD)}{{}} - "
        f"{increase(level, promise.broken.name, PERIOD)}{{}}",
        level,
    )
    words = (
        f"{number(day, level)} {_MISSED[promise.key]} in the last day. The objective leaves room "
        f'for {left} more; at this rate it is gone in {{{{ printf "%.1f" $value }}}} days.'
    )
    return _ticket(name, level, promise, expression, "the budget of 30 days runs out", words)


def _ticket(
    name: str, level: str, promise: Promise, expression: str, summary: str, words: str
) -> Alert:
    also = f',promise="{promise.key}"'
    return Alert(
        name,
        "warning",
        unless_a_queue_says_so(level, name, expression, also),
        f"{who(level)}: {summary}",
        words,
        labels={"promise": promise.key, "scope": level},
    )


def _less_useful(level: str, objective: Objective) -> Alert:
    """Speed looks good, so nobody would look; the share of 30 days is the measure."""
    name, settings, answer = "AnswersLessUseful", objective.alerts.useful, PROMISES[0]
    day, month = useful_share(level, DAY), useful_share(level, PERIOD)
    known = f'{increase(level, ANSWERS.name, DAY)}{{usefulness=~"useful|useless"}}'
    expression = (
        f"100 * {day}\n"
        f"and round({month} - {day}, 0.000001) > {settings.drop:g}\n"
        f"and sum without (usefulness) ({known}) >= {settings.min_answers}\n"
        f"and {increase(level, answer.broken.name, DAY)} <= {allowed(level, answer, DAY)}"
    )
    words = (
        '{{ printf "%.0f" $value }} % of the answers of the last day were of use, against '
        f"{number(f'100 * {month}{{}}', level)} % in 30 days, while calls are answered in time: "
        "quick, but of no help."
    )
    return Alert(
        name,
        "warning",
        unless_a_queue_says_so(level, name, expression),
        f"{who(level)}: answers are quick but less useful than usual",
        words,
        labels={"promise": "usefulness", "scope": level},
    )
