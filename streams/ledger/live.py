"""What is the case right now: who waits, who is owed a callback."""

from typing import Final

from streams.instants import SECOND
from streams.ledger.calls import Call
from streams.ledger.changes import NONE
from streams.ledger.customers import Customer
from streams.ledger.deadlines import Waiter
from streams.ledger.due import QueueDue
from streams.ledger.ordered import Ordered
from streams.ledger.settle import Settlement

__all__ = ["DUE_WITHIN", "LiveQueue", "is_awaited", "live_queues"]

DUE_WITHIN: Final = (300, 900, 3600)
"""Horizons in seconds for callbacks that fall due soon."""
_MANY: Final = 10_000
"""Among so many deadlines at one time some promise is broken, or it does not matter."""


class LiveQueue:
    """The gauges of one queue label."""

    __slots__ = (
        "callbacks_due", "callbacks_open", "callbacks_overdue", "next_due_at",
        "oldest_waiting_at", "waiting", "waiting_beyond_target",
    )  # fmt: skip
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.waiting = 0
        self.waiting_beyond_target = 0
        self.oldest_waiting_at: int | None = None
        """when the caller who waits longest arrived, microseconds"""
        self.callbacks_open = 0
        """owed and not due yet"""
        self.callbacks_overdue = 0
        """past due and still not made, for as long as it would count as late"""
        self.callbacks_due = dict.fromkeys(DUE_WITHIN, 0)
        """open ones due within so many seconds"""
        self.next_due_at: int | None = None
        """when the next open callback is due, microseconds"""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LiveQueue) and self._values() == other._values()

    def _values(self) -> tuple[object, ...]:
        return (
            self.waiting, self.waiting_beyond_target, self.oldest_waiting_at, self.callbacks_open,
            self.callbacks_overdue, self.callbacks_due, self.next_due_at,
        )  # fmt: skip


def live_queues(book: Settlement, at: int) -> dict[str, LiveQueue]:
    """Return the gauges by queue label as of `at` (microseconds); changes nothing."""
    queues = {label: LiveQueue() for label in book.tally.totals.queues}
    for (label, target), starts in book.waiting.starts.items():
        if starts.first is not None:
            _add_waiting(queues.setdefault(label, LiveQueue()), starts, target, at)
    for call in book.touched_calls():
        # The next tick will count what the facts say already.
        found = book.judged(call, book.terms.of(call.queue))
        if found is not None and found.outcome is None:
            _add_caller(queues, book, call, at)
    for label, due in book.due.queues.items():
        if due.until.first is not None:
            _add_callbacks(queues.setdefault(label, LiveQueue()), due, at)
    return queues


def _add_caller(queues: dict[str, LiveQueue], book: Settlement, call: Call, at: int) -> None:
    label = call.label or book.tally.totals.shown(call.queue)
    terms = book.terms.of(call.queue)
    queue = queues.setdefault(label, LiveQueue())
    _note_waiting(queue, 1, call.start(terms))
    queue.waiting_beyond_target += at > call.start(terms) + terms.answer_target


def _add_waiting(queue: LiveQueue, starts: Ordered, target: int, at: int) -> None:
    number = len(starts)
    _note_waiting(queue, number, starts.first)
    queue.waiting_beyond_target += number - starts.after(at - target - 1)


def _note_waiting(queue: LiveQueue, number: int, start: int | None) -> None:
    queue.waiting += number
    known = queue.oldest_waiting_at
    if known is None or (start is not None and start < known):
        queue.oldest_waiting_at = start


def _add_callbacks(queue: LiveQueue, due: QueueDue, at: int) -> None:
    still = due.open.after(at)
    queue.callbacks_open = still
    # What is owed can be made until a time after it is due: so those are among these, too.
    queue.callbacks_overdue = due.until.after(at - 1) - still
    for seconds in DUE_WITHIN:
        queue.callbacks_due[seconds] = still - due.open.after(at + seconds * SECOND)
    queue.next_due_at = due.open.first_after(at)


def is_awaited(book: Settlement, at: int) -> bool:
    """Return whether at `at` (microseconds) nothing but the time breaks a promise.

    Somebody waits to be told. Of other deadlines nobody knows: they tidy up, or count what is
    over. Now and then it is said of a moment at which none is broken after all.
    """
    due = book.deadlines.due(at, _MANY)
    return due is None or any(_may_break(waiter, at) for waiter in due)


def _may_break(waiter: Waiter, at: int) -> bool:
    if isinstance(waiter, Call):
        # Its target passes, or it is given up as lost, which may owe a callback that is late.
        return waiter.outcome in (None, NONE)
    if isinstance(waiter, Customer):
        for promise in waiter.promises:
            if promise.state is None and promise.owed.due_at <= at:
                return True
    return False
