"""What is the case right now: who waits, who is owed a callback."""

from typing import Final

from msgspec import Struct, field

from streams.instants import SECOND
from streams.ledger.settle import Settlement

__all__ = ["DUE_WITHIN", "LiveQueue", "live_queues"]

DUE_WITHIN: Final = (300, 900, 3600)
"""Horizons in seconds for callbacks that fall due soon."""


class LiveQueue(Struct):
    """The gauges of one queue label."""

    waiting: int = 0
    waiting_beyond_target: int = 0
    oldest_waiting_at: int | None = None
    """when the caller who waits longest arrived, microseconds"""
    callbacks_open: int = 0
    """owed and not due yet"""
    callbacks_overdue: int = 0
    """past due and still not made, for as long as it would count as late"""
    callbacks_due: dict[int, int] = field(default_factory=lambda: dict.fromkeys(DUE_WITHIN, 0))
    """open ones due within so many seconds"""
    next_due_at: int | None = None
    """when the next open callback is due, microseconds"""


def live_queues(book: Settlement, at: int) -> dict[str, LiveQueue]:
    """Return the gauges by queue label as of `at` (microseconds); changes nothing."""
    queues = {label: LiveQueue() for label in book.tally.totals.queues}
    for call in book.undecided.values():
        label = call.label or book.tally.totals.shown(call.queue)
        rules = book.rules_of(call.queue)
        start = call.start(rules) or 0
        _add_waiting(queues.setdefault(label, LiveQueue()), start, start + rules.answer_target, at)
    for customer in book.owing.values():
        for promise in customer.promises:
            queue = queues.setdefault(promise.label, LiveQueue())
            if promise.state is None and promise.owed.due_at > at:
                _add_open(queue, promise.owed.due_at, at)
            elif promise.owed.late_at is None and promise.state in (None, "broken"):
                queue.callbacks_overdue += at <= promise.owed.late_until
    return queues


def _add_waiting(queue: LiveQueue, start: int, due: int, at: int) -> None:
    queue.waiting += 1
    queue.waiting_beyond_target += at > due
    if queue.oldest_waiting_at is None or start < queue.oldest_waiting_at:
        queue.oldest_waiting_at = start


def _add_open(queue: LiveQueue, due_at: int, at: int) -> None:
    queue.callbacks_open += 1
    for seconds in DUE_WITHIN:
        queue.callbacks_due[seconds] += due_at - at <= seconds * SECOND
    if queue.next_due_at is None or due_at < queue.next_due_at:
        queue.next_due_at = due_at
