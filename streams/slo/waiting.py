"""Alerts about people who wait now: for an answer, or for the callback that they are owed."""

from collections.abc import Iterator

from streams.instants import MINUTE, SECOND
from streams.slo.alert import KEEP, Alert, while_open
from streams.slo.counters import DEALT_WITH
from streams.slo.durations import brief, words
from streams.slo.names import increase
from streams.slo.objective import Objective
from streams.slo.recordings import DEALT_WINDOWS
from streams.slo.timing import Timing
from streams.slo.words import number, who

__all__ = ["backlog_alerts", "waiting_alerts"]

_OVERDUE = "sum by (queue) (callcenter_callbacks_overdue)"


def waiting_alerts(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """Return the alerts about callers in the queue and about overdue callbacks, per queue."""
    yield _waits_too_long(objective, timing)
    yield _overdue(objective, timing)


def backlog_alerts(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """Return the alerts about more callbacks being due than are made, per queue."""
    yield _due_faster_than_made(objective, timing)
    yield _backlog(objective, timing)


def _waits_too_long(objective: Objective, timing: Timing) -> Alert:
    """The caller whom nobody notices because every tool counts a call only when it ends."""
    limit = timing.wait(objective.alerts.longest_wait)
    waiting = "sum by (queue) (callcenter_calls_waiting_beyond_target{})"
    return _about(
        "CallerWaitsTooLong",
        "critical",
        "answer",
        while_open(
            objective,
            "queue",
            "time() - min by (queue) (callcenter_oldest_waiting_timestamp_seconds) "
            f"> {limit / SECOND:g}\n"
            "and on (queue) sum by (queue) (callcenter_calls_waiting_beyond_target) > 0",
        ),
        "a caller has been waiting far too long",
        "One caller has been waiting for {{ humanizeDuration $value }} and is waiting still; "
        f"callers waiting beyond the target: {number(waiting, 'queue')}. "
        f"This is told from {brief(limit)} on.",
        0,
        timing,
    )


def _overdue(objective: Objective, timing: Timing) -> Alert:
    return _about(
        "CallbacksOverdue",
        "warning",
        "callback",
        while_open(objective, "queue", f"{_OVERDUE} > 0"),
        "callbacks are overdue",
        '{{ printf "%.0f" $value }} callback{{ if gt $value 1.0 }}s are{{ else }} is{{ end }} '
        "overdue: promised, not made, and the time is up. Call these customers now.",
        timing.wait(MINUTE),
        timing,
    )


def _due_faster_than_made(objective: Objective, timing: Timing) -> Alert:
    length = timing.wait(DEALT_WINDOWS[0])
    done = increase("queue", DEALT_WITH.name, length)
    due = 'sum by (queue) (callcenter_callbacks_due{within="900"})'
    return _about(
        "CallbacksDueFasterThanMade",
        "warning",
        "callback",
        _more_due(objective, due, done),
        "callbacks fall due faster than they are made",
        '{{ printf "%.0f" $value }} callbacks fall due in the next 15 minutes; in the last '
        f"{words(length)} {number(_or_none(done + '{}'), 'queue')} were dealt with.",
        timing.wait(5 * MINUTE),
        timing,
    )


def _backlog(objective: Objective, timing: Timing) -> Alert:
    """What can still be made within the hour, at twice what half an hour has done.

    Not what is overdue: that cannot be made in time any more and has its own alert. Callbacks that
    were forgotten stay overdue for a day, and in a quiet hour few others are dealt with.
    """
    length = timing.wait(DEALT_WINDOWS[1])
    done = increase("queue", DEALT_WITH.name, length)
    due = 'sum by (queue) (callcenter_callbacks_due{within="3600"})'
    return _about(
        "CallbackBacklogCannotBeCleared",
        "critical",
        "callback",
        _more_due(objective, due, f"2 * {done}"),
        "the callbacks owed cannot be made in time",
        '{{ printf "%.0f" $value }} callbacks fall due within the hour; in the last '
        f"{words(length)} {number(_or_none(done + '{}'), 'queue')} were dealt with, so at this "
        "rate customers will not be called back in time.",
        timing.wait(10 * MINUTE),
        timing,
    )


def _more_due(objective: Objective, due: str, done: str) -> str:
    """As many as `min_due` are due, and more than are done; none are done where none ever were."""
    least = objective.alerts.backlog.min_due
    return while_open(
        objective,
        "queue",
        f"({due} >= {least})\n> ({_or_none(done)})",
    )


def _or_none(done: str) -> str:
    """Where none was ever dealt with there is no count, and that is zero."""
    mark = "{}" if "{}" in done else ""
    return f"{done} or sum by (queue) (callcenter_callbacks_open{mark}) * 0"


def _about(
    name: str,
    severity: str,
    promise: str,
    expression: str,
    summary: str,
    description: str,
    waits: int,
    timing: Timing,
) -> Alert:
    return Alert(
        name,
        "critical" if severity == "critical" else "warning",
        expression,
        f"{who('queue')}: {summary}",
        description,
        waits=waits,
        keeps=timing.wait(KEEP),
        labels={"promise": promise, "scope": "queue"},
    )
