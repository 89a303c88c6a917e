"""Alerts about what cannot be seen: a pipeline that is blind must not look like a good day."""

from collections.abc import Iterator

from streams.instants import SECOND
from streams.slo.alert import Alert, while_open
from streams.slo.counters import OFFERED
from streams.slo.durations import brief, last, words
from streams.slo.names import increase
from streams.slo.objective import Objective
from streams.slo.timing import Timing

__all__ = ["sight_alerts"]


def sight_alerts(objective: Objective, timing: Timing) -> list[Alert]:
    """Return the alerts about what cannot be seen; those with `blind` inhibit the others."""
    return [*_blind(objective, timing), *_dim(objective, timing), _watchdog()]


def _blind(objective: Objective, timing: Timing) -> Iterator[Alert]:
    settings = objective.alerts.blind
    soon = timing.wait(30 * SECOND)
    yield from _unwatched(soon)
    yield _behind(timing.wait(settings.behind), soon)
    yield _no_heartbeat(timing.wait(settings.heartbeat))
    yield _no_calls(objective, timing.wait(settings.no_calls))


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


def _no_calls(objective: Objective, length: int) -> Alert:
    """The same weekday tells what is usual; a summer-time change shifts it by an hour."""
    offered = increase("centre", OFFERED.name, length)
    usual = f"{offered} offset 1w >= {objective.alerts.blind.usual_calls}"
    return _no_sight(
        "BlindNoCalls",
        while_open(objective, "centre", f"{usual}\nand {offered} == 0", length),
        "No calls come in at a time when many usually do",
        f"Not one call came in {last(length)}; a week ago there were "
        '{{ printf "%.0f" $value }} in that time. The feed is likely to be dead.',
        0,
    )


def _no_sight(name: str, expression: str, summary: str, description: str, waits: int) -> Alert:
    return Alert(
        name, "critical", expression, summary, description, waits, labels={"blind": "true"}
    )


def _age(expression: str, limit: int) -> str:
    return f"{expression} > {limit / SECOND:g}"


def _dim(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """What may have a harmless reason; heartbeats that come through prove that it has one."""
    silence = timing.wait(objective.alerts.blind.silence)
    beat = timing.wait(objective.alerts.blind.heartbeat) / SECOND
    silent = _age("time() - max(callcenter_event_time_seconds > 0)", silence)
    alive = f"time() - max(callcenter_heartbeat_timestamp_seconds > 0) <= {beat:g}"
    yield Alert(
        "NoEvents",
        "warning",
        while_open(
            objective,
            "centre",
            f"{silent}\nunless on () ({alive})",
            silence,
        ),
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
