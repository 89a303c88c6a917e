"""Alerts about promises that are being broken: fast, slowly, or for an interval.

The usual factor of 14.4 asks for 144 % failures where the objective is 90 %, so it could never
fire; `cap` bounds it to a share that can be reached. A minimum count keeps a single call from
raising an alarm.
"""

from typing import Final, Literal

from streams.slo.alert import KEEP, RUNBOOK, Alert, Severity, unless_a_queue_says_so, while_open
from streams.slo.budget import period_alerts, use_alerts
from streams.slo.counters import PROMISES, Promise
from streams.slo.health import health_alerts
from streams.slo.keys import Burn
from streams.slo.names import LEVELS, allowed, increase, ratio
from streams.slo.objective import Objective
from streams.slo.sight import sight_alerts
from streams.slo.timing import Timing, burns, slow_burns
from streams.slo.waiting import backlog_alerts, waiting_alerts
from streams.slo.words import below_target, broken, budget, who

__all__ = [
    "RUNBOOK",
    "Alert",
    "Severity",
    "backlog_alerts",
    "burn_name",
    "every_alert",
    "health_alerts",
    "period_alerts",
    "promise_alerts",
    "sight_alerts",
    "use_alerts",
]

Speed = Literal["Fast", "Slow"]

_TITLES: Final = {
    "answer": ("AnswerPromise", "callers are not answered in time"),
    "callback": ("CallbackPromise", "customers are not called back in time"),
    "whole": ("Promise", "customers are neither answered nor called back in time"),
}


def burn_name(promise: str, speed: Speed) -> str:
    """Return the name of a burn alert."""
    return f"{_TITLES[promise][0]}{speed}Burn"


def every_alert(objective: Objective, timing: Timing) -> list[Alert]:
    """Return all alerts in the order of the rules."""
    groups = (backlog_alerts, period_alerts, use_alerts, sight_alerts, health_alerts)
    return [
        *(alert for promise in PROMISES for alert in promise_alerts(promise, objective, timing)),
        *(alert for group in groups for alert in group(objective, timing)),
    ]


def promise_alerts(promise: Promise, objective: Objective, timing: Timing) -> list[Alert]:
    """Return the alerts about a promise and about who waits for it, per queue and then in all."""
    place, settings = PROMISES.index(promise), objective.alerts
    chosen: tuple[tuple[Speed, Burn], ...] = (
        ("Fast", burns(settings)[place]),
        ("Slow", slow_burns(settings)[place]),
    )
    alerts = [
        _burn(level, promise, burn, speed, objective, timing)
        for speed, burn in chosen
        for level in LEVELS
    ]
    if promise.key == "answer":
        alerts += [_below_target(level, objective, timing) for level in LEVELS]
    waiting = waiting_alerts(objective, timing)
    return [*alerts, *(each for each in waiting if each.labels["promise"] == promise.key)]


def _burn(
    level: str,
    promise: Promise,
    burn: Burn,
    speed: Speed,
    objective: Objective,
    timing: Timing,
) -> Alert:
    name, window = burn_name(promise.key, speed), timing.wait(burn.window)
    burning = while_open(
        objective, level, _burning(level, promise, burn, timing), timing.wait(burn.short)
    )
    slowly = "" if speed == "Fast" else ", a little too often for hours"
    return Alert(
        name,
        "critical" if speed == "Fast" else "warning",
        unless_a_queue_says_so(level, name, burning),
        f"{who(level)}: {_TITLES[promise.key][1]}{slowly}",
        broken(level, promise, objective, window),
        keeps=timing.wait(KEEP),
        labels={"promise": promise.key, "scope": level},
        budget=budget(level, promise),
    )


def _burning(level: str, promise: Promise, burn: Burn, timing: Timing) -> str:
    window, short = timing.wait(burn.window), timing.wait(burn.short)
    count = increase(level, promise.broken.name, window)
    return (
        f"{count} >= {timing.at_least(burn.min_broken)}\n"
        f"and ({_too_many(level, promise, burn, window)})\n"
        f"and ({_too_many(level, promise, burn, short)})"
    )


def _too_many(level: str, promise: Promise, burn: Burn, length: int) -> str:
    """More than `factor` times what is allowed, or more than `cap` of all: the lower of both."""
    count = increase(level, promise.broken.name, length)
    return (
        f"{count} > {burn.factor:g} * {allowed(level, promise, length)}"
        f" or {count} > {burn.cap:g} * {increase(level, promise.decided.name, length)}"
    )


def _below_target(level: str, objective: Objective, timing: Timing) -> Alert:
    answer, interval = PROMISES[0], objective.alerts.below_target
    name, window = "AnswerServiceLevelBelowTarget", timing.wait(interval.window)
    decided = increase(level, answer.decided.name, window)
    expression = (
        f"100 * (1 - {ratio(level, answer, window)})\n"
        f"and {increase(level, answer.broken.name, window)} > {allowed(level, answer, window)}\n"
        f"and {decided} >= {timing.at_least(interval.min_calls)}"
    )
    return Alert(
        name,
        "warning",
        unless_a_queue_says_so(level, name, while_open(objective, level, expression, window)),
        f"{who(level)}: the service level is below the objective",
        below_target(level, answer, objective, window),
        waits=window,
        keeps=timing.wait(KEEP),
        labels={"promise": "answer", "scope": level},
        budget=budget(level, answer),
    )
