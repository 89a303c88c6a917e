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
    """Each fires just above its limit, is silent just below, and ends.

    A single customer is enough for those that are about one; the others ask for some. What is open
    is in the ledger, so that a worker that begins anew shows it again, a little later.
    """
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

    above, at_limit = oldest(arrived - 1), oldest(arrived)
    yield scene(step, "fires", "just above the limit", above, name, [(look, [fires])])
    yield scene(step, "just below", "silent at the limit", at_limit, name, [(look, [])])
    yield scene(step, "low traffic", "silent while nobody waits", [many], name, [(look, [])])
    answered = oldest(arrived - 1, " stale")
    yield scene(step, "ends", "when the call is answered", answered, name, [(later, [])])
    anew, short = ([_away(one, look) for one in series] for series in (above, at_limit))
    yield scene(step, "reset", "a wait goes on over a restart", anew, name, [(look, [fires])])
    yield scene(step, "reset", "a restart makes no wait longer", short, name, [(look, [])])


def _away(one: Series, look: int) -> Series:
    """The same gauge, of a worker that is away right before the look."""
    value = one["values"].partition("x")[0]
    return {**one, "values": f"{value}x{look - 2} stale {value}"}


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

    lasting, none = gauge(f"0x1 1x{look}"), gauge(f"0x{look}")
    yield scene(step, "fires", "when one is", lasting, name, [(look, [fires])])
    yield scene(step, "just below", "silent before its time", lasting, name, [(2, [])])
    yield scene(step, "just below", "silent while none is", none, name, [(look, [])])
    # At night nobody else is owed one: the single customer counts all the same.
    night = [*lasting, held("callcenter_callbacks_open", f"0x1 1x{look}", queue=QUEUE)]
    yield scene(step, "low traffic", "fires for one customer", night, name, [(look, [fires])])
    made = gauge(f"0x1 1x{look} 0x{later}")
    yield scene(step, "ends", "when they are made", made, name, [(look + later, [])])
    anew = gauge(f"0x1 1x{look} stale 1")
    looks = [(look + 1, [fires]), (look + 2, [fires])]
    yield scene(step, "reset", "told on over a restart", anew, name, looks)
    empty = gauge(f"0x{look} stale 0x2")
    yield scene(step, "reset", "a restart is no debt", empty, name, [(look + 2, [])])


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
            f"{due} callbacks fall due within the hour; in the last {window} {done} "
            "were dealt with, so at this rate customers will not be called back in time."
        )
        summary = "the callbacks owed cannot be made in time"
        return queue_alert(name, "critical", "callback", summary, said)

    def due(count: int) -> list[Series]:
        # Those that are overdue cannot be made in time any more, however many they are.
        return [
            held("callcenter_callbacks_due", f"{count}x99", queue=QUEUE, within="3600"),
            held("callcenter_callbacks_overdue", "50x99", queue=QUEUE),
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

    grown, anew = dealt(f"500 500 {500 + done}x99"), dealt(f"500 500 {done}x99")
    above = [(look, [fires(enough + 1, done)])]
    yield scene(step, "fires", "just above", [*due(enough + 1), *grown], name, above)
    yield scene(step, "just below", "silent", [*due(enough), *grown], name, [(look, [])])
    none = [*due(least), dealt("0x99")[1]]
    yield scene(step, "fires", "if none was ever made", none, name, [(look, [fires(least, 0)])])
    few = [*due(least - 1), *dealt("0x99")]
    yield scene(step, "low traffic", "silent while few are due", few, name, [(look, [])])
    yield scene(step, "reset", "counts on over one", [*due(enough + 1), *anew], name, above)
    yield scene(
        step, "reset", "what was made still counts", [*due(enough), *anew], name, [(look, [])]
    )
