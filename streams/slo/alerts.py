"""Alert rules: a promise that is being broken, and a pipeline that cannot see.

The usual factor of 14.4 asks for 144 % failures where the objective is 90 %, so it could never
fire; `cap` bounds it to a share that can be reached. A minimum count keeps a single call from
raising an alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from streams.instants import MINUTE, SECOND
from streams.slo.counters import PROMISES, Promise
from streams.slo.durations import brief, compact, words
from streams.slo.keys import Burn
from streams.slo.objective import Objective
from streams.slo.recordings import LEVELS, allowed, increase, ratio
from streams.slo.timing import Timing, burns
from streams.slo.words import below_target, broken, who

__all__ = ["RUNBOOK", "Alert", "Severity", "promise_alerts", "sight_alerts"]

RUNBOOK: Final = "deploy/runbooks.md"
KEEP: Final = 2 * MINUTE
"""How long an alert stays after its condition is gone, so that it does not flap."""

Severity = Literal["critical", "warning", "info"]

_TITLES: Final = {
    "answer": ("AnswerPromiseFastBurn", "callers are not answered in time"),
    "callback": ("CallbackPromiseFastBurn", "customers are not called back in time"),
    "whole": ("PromiseFastBurn", "customers are neither answered nor called back in time"),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert rule. `waits` and `keeps` in microseconds."""

    name: str
    severity: Severity
    expression: str
    summary: str
    description: str
    waits: int = 0
    keeps: int = 0
    labels: dict[str, str] = field(default_factory=dict)

    def as_rule(self) -> dict[str, object]:
        """Return the rule as Prometheus has it."""
        rule: dict[str, object] = {"alert": self.name, "expr": self.expression}
        if self.waits:
            rule["for"] = compact(self.waits)
        if self.keeps:
            rule["keep_firing_for"] = compact(self.keeps)
        rule["labels"] = {"severity": self.severity, "app": "callsla", **self.labels}
        rule["annotations"] = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{RUNBOOK}#{self.name.lower()}",
        }
        return rule


def promise_alerts(objective: Objective, timing: Timing) -> list[Alert]:
    """Return the alerts about promises, per queue first and then in all."""
    alerts = []
    for promise, burn in zip(PROMISES, burns(objective.alerts), strict=True):
        alerts += [_fast_burn(level, promise, burn, objective, timing) for level in LEVELS]
    alerts += [_below_target(level, objective, timing) for level in LEVELS]
    return [*alerts, _overdue(timing)]


def _fast_burn(
    level: str, promise: Promise, burn: Burn, objective: Objective, timing: Timing
) -> Alert:
    name, what = _TITLES[promise.key]
    window = timing.wait(burn.window)
    return Alert(
        name,
        "critical",
        _unless_a_queue_says_so(level, name, _burning(level, promise, burn, timing)),
        f"{who(level)}: {what}",
        broken(level, promise, objective, window),
        keeps=timing.wait(KEEP),
        labels={"promise": promise.key, "scope": level},
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


def _unless_a_queue_says_so(level: str, name: str, expression: str) -> str:
    """What one queue's alert already tells is not told once more for all queues."""
    if level == "queue":
        return expression
    told = f'ALERTS{{alertname="{name}",scope="queue",alertstate="firing"}}'
    return f"({expression})\nunless on () {told}"


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
        _unless_a_queue_says_so(level, name, expression),
        f"{who(level)}: the service level is below the objective",
        below_target(level, answer, objective, window),
        waits=window,
        keeps=timing.wait(KEEP),
        labels={"promise": "answer", "scope": level},
    )


def _overdue(timing: Timing) -> Alert:
    return Alert(
        "CallbacksOverdue",
        "warning",
        "sum by (queue) (callcenter_callbacks_overdue) > 0",
        f"{who('queue')}: callbacks are overdue",
        '{{ printf "%.0f" $value }} callback{{ if gt $value 1.0 }}s are{{ else }} is{{ end }} '
        "overdue: promised, not made, and the time is up. Call these customers now.",
        waits=timing.wait(MINUTE),
        keeps=timing.wait(KEEP),
        labels={"promise": "callback", "scope": "queue"},
    )


def sight_alerts(objective: Objective, timing: Timing) -> list[Alert]:
    """Return the alerts about what cannot be seen; those with `blind` inhibit the others."""
    return [*_blind(objective, timing), *_dim(objective, timing), _watchdog()]


def _blind(objective: Objective, timing: Timing) -> Iterator[Alert]:
    settings = objective.alerts.blind
    soon = timing.wait(30 * SECOND)
    yield from _unwatched(soon)
    yield _behind(timing.wait(settings.behind), soon)
    yield _no_heartbeat(timing.wait(settings.heartbeat))


def _unwatched(soon: int) -> Iterator[Alert]:
    yield _no_sight(
        "BlindNoWorker",
        "absent(callcenter_build_info)",
        "No worker reports: nobody watches the promises",
        f"No worker has been seen for {words(soon)}. Calls may wait without being noticed; "
        "a quiet promise alert means nothing now.",
        soon,
    )
    yield _no_sight(
        "BlindPartition",
        "count(group by (partition) (max_over_time(callcenter_events_total[6h]))"
        " unless on (partition) callcenter_events_total) > 0",
        "Some calls are not watched by any worker",
        '{{ printf "%.0f" $value }} partition{{ if gt $value 1.0 }}s{{ end }} that used to be '
        "watched belong to no worker now. The numbers of their calls stand still.",
        soon,
    )


def _behind(limit: int, soon: int) -> Alert:
    """Verdicts far behind the clock; of a partition that has none yet, old events with a lag."""
    decided = "max by (partition) (callcenter_tick_decided_timestamp_seconds > 0)"
    newest = "max by (partition) (callcenter_event_time_seconds > 0)"
    lag = "max by (partition) (callcenter_consumer_lag_events) > 0"
    return _no_sight(
        "BlindBehind",
        _age(f"max(time() - {decided} or (time() - {newest} and on (partition) {lag}))", limit),
        "The numbers lag behind the calls",
        "The numbers show the centre as it was {{ humanizeDuration $value }} ago; "
        f"more than {brief(limit)} is too late for a promise of seconds.",
        soon,
    )


def _no_heartbeat(limit: int) -> Alert:
    newest = "max by (partition) (callcenter_heartbeat_timestamp_seconds > 0)"
    return _no_sight(
        "BlindHeartbeat",
        _age(f"max(time() - {newest})", limit),
        "No heartbeat comes through from the call system",
        "The last heartbeat of a source came through {{ humanizeDuration $value }} ago; it is due "
        f"at least every {brief(limit)}. The feed is broken: no news is not good news.",
        0,
    )


def _no_sight(name: str, expression: str, summary: str, description: str, waits: int) -> Alert:
    return Alert(
        name, "critical", expression, summary, description, waits, labels={"blind": "true"}
    )


def _age(expression: str, limit: int) -> str:
    return f"{expression} > {limit / SECOND:g}"


def _dim(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """What may have a harmless reason, such as the night."""
    silence = timing.wait(objective.alerts.blind.silence)
    yield Alert(
        "WorkerDown",
        "warning",
        'up{job=~".*callsla.*"} == 0',
        "A worker does not answer its scrapes",
        "The worker {{ $labels.instance }} does not answer. Others take over its calls; "
        "if none does, a Blind alert says so.",
        timing.wait(MINUTE),
    )
    yield Alert(
        "NoEvents",
        "warning",
        _age("time() - max(callcenter_event_time_seconds > 0)", silence),
        "No call events for a long time",
        "The newest event is {{ humanizeDuration $value }} old. Either nobody calls, or the feed "
        "is dead; heartbeats would tell which.",
    )


def _watchdog() -> Alert:
    return Alert(
        "Watchdog",
        "info",
        "vector(1)",
        "The alarm chain works",
        "This alert always fires. If it stops arriving, alerts about calls cannot arrive either.",
    )
