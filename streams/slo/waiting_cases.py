"""Tests of the alerts about people who wait now, and of those about workers and sight."""

from collections.abc import Iterator
from typing import Any, Final

from streams.instants import MINUTE, SECOND
from streams.slo.alert import KEEP
from streams.slo.durations import brief, words
from streams.slo.objective import Objective
from streams.slo.testkit import (
    QUEUE,
    Expected,
    Series,
    go_duration,
    held,
    owned,
    queue_alert,
    scene,
    total,
)
from streams.slo.timing import Timing

__all__ = ["waiting_tests"]

Test = dict[str, Any]

_SETTLED: Final = "callcenter_callback_promises_settled_total"


def waiting_tests(objective: Objective, timing: Timing, step: int) -> Iterator[Test]:
    """Each fires just above its limit, is silent just below, with nobody there, and afterwards."""
    yield from _longest_wait(objective, timing, step)
    yield from _overdue(timing, step)
    yield from _due_faster(objective, timing, step)
    yield from _backlog(objective, timing, step)


def _gone(timing: Timing, step: int) -> int:
    """Steps after which an alert whose reason is gone is gone, too."""
    return timing.wait(KEEP) // step + 3


def _longest_wait(objective: Objective, timing: Timing, step: int) -> Iterator[Test]:
    name, limit = "CallerWaitsTooLong", timing.wait(objective.alerts.longest_wait)
    look = limit // step + 2
    later = look + _gone(timing, step)
    arrived = (look * step - limit) // SECOND
    gauge = "callcenter_oldest_waiting_timestamp_seconds"
    many = held("callcenter_calls_waiting_beyond_target", f"3x{later}", queue=QUEUE, instance="a")
    said = (
        f"One caller has been waiting for {go_duration(limit // SECOND + 1)} and is waiting still; "
        f"callers waiting beyond the target: 3. This is told from {brief(limit)} on."
    )
    fires = queue_alert(name, "critical", "answer", "a caller has been waiting far too long", said)

    def oldest(at: int, then: str = "") -> list[Series]:
        return [held(gauge, f"{at}x{look}{then}", queue=QUEUE, instance="a"), many]

    yield scene(step, "fires just above the limit", oldest(arrived - 1), name, [(look, [fires])])
    yield scene(step, "is silent at the limit", oldest(arrived), name, [(look, [])])
    yield scene(step, "is silent while nobody waits", [many], name, [(look, [])])
    answered = oldest(arrived - 1, " stale")
    yield scene(step, "ends when the call is answered", answered, name, [(later, [])])


def _overdue(timing: Timing, step: int) -> Iterator[Test]:
    name, waits = "CallbacksOverdue", timing.wait(MINUTE)
    look = waits // step + 3
    later = look + _gone(timing, step)
    said = (
        "1 callback is overdue: promised, not made, and the time is up. Call these customers now."
    )
    fires = queue_alert(name, "warning", "callback", "callbacks are overdue", said)

    def gauge(values: str) -> list[Series]:
        return [held("callcenter_callbacks_overdue", values, queue=QUEUE, instance="a")]

    lasting = gauge(f"0x1 1x{look}")
    yield scene(step, "fires for a single customer", lasting, name, [(look, [fires])])
    yield scene(step, "is silent before its time", lasting, name, [(2, [])])
    yield scene(step, "is silent while none is", gauge(f"0x{look}"), name, [(look, [])])
    made = gauge(f"0x1 1x{look} 0x{later}")
    yield scene(step, "ends when they are made", made, name, [(look + later, [])])


def _due_faster(objective: Objective, timing: Timing, step: int) -> Iterator[Test]:
    name, waits = "CallbacksDueFasterThanMade", timing.wait(5 * MINUTE)
    least, window = objective.alerts.backlog.min_due, words(timing.wait(15 * MINUTE))

    def fires(due: int, done: int) -> Expected:
        said = (
            f"{due} callbacks fall due in the next 15 minutes; in the last {window} {done} were "
            "dealt with."
        )
        summary = "callbacks fall due faster than they are made"
        return queue_alert(name, "warning", "callback", summary, said)

    def due(count: int) -> list[Series]:
        return [held("callcenter_callbacks_due", f"{count}x99", queue=QUEUE, within="900")]

    look = waits // step + 4
    yield from _against(name, step, look, least, 1, due, fires)


def _backlog(objective: Objective, timing: Timing, step: int) -> Iterator[Test]:
    name, waits = "CallbackBacklogCannotBeCleared", timing.wait(10 * MINUTE)
    least, window = objective.alerts.backlog.min_due, words(timing.wait(30 * MINUTE))

    def fires(due: int, done: int) -> Expected:
        said = (
            f"{due} callbacks are overdue or fall due within the hour; in the last {window} {done} "
            "were dealt with, so at this rate customers will not be called back in time."
        )
        summary = "the callbacks owed cannot be made in time"
        return queue_alert(name, "critical", "callback", summary, said)

    def due(count: int) -> list[Series]:
        return [
            held("callcenter_callbacks_due", f"{count - 1}x99", queue=QUEUE, within="3600"),
            held("callcenter_callbacks_overdue", "1x99", queue=QUEUE),
        ]

    look = waits // step + 4
    yield from _against(name, step, look, least, 2, due, fires)


def _against(
    name: str, step: int, look: int, least: int, rate: int, due: Any, fires: Any
) -> Iterator[Test]:
    """`due` callbacks against those dealt with, which count `rate` times."""
    done = -(-least // rate)
    enough = rate * done

    def dealt(values: str) -> list[Series]:
        still = held("callcenter_callbacks_open", "1x99", queue=QUEUE)
        return [owned(99), still, total(_SETTLED, values, state="kept")]

    grown = dealt(f"500 500 {500 + done}x99")
    above = [*due(enough + 1), *grown]
    yield scene(step, "fires just above", above, name, [(look, [fires(enough + 1, done)])])
    yield scene(step, "is silent just below", [*due(enough), *grown], name, [(look, [])])
    none = [*due(least), dealt("0x99")[1]]
    yield scene(step, "fires if none was ever made", none, name, [(look, [fires(least, 0)])])
    few = [*due(least - 1), *dealt("0x99")]
    yield scene(step, "is silent while few are due", few, name, [(look, [])])
    anew = [*due(enough), *dealt(f"500 500 {done}x99")]
    yield scene(step, "counts on over a restart", anew, name, [(look, [])])
