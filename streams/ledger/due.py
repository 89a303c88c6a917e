"""Callbacks that are owed, in the order in which they are due, by queue label."""

from streams.ledger.changes import NONE
from streams.ledger.compiled import mypyc_attr
from streams.ledger.customers import Counted
from streams.ledger.ordered import Ordered

__all__ = ["CallbacksDue", "QueueDue"]


@mypyc_attr(acyclic=True)
class QueueDue:
    """The callbacks of one queue label that are owed."""

    __slots__ = ("open", "until")

    def __init__(self) -> None:
        self.open = Ordered()
        """when those without a verdict are due"""
        self.until = Ordered()
        """until when these, and broken ones that nobody has made good, can be made at all"""


class CallbacksDue:
    """What is owed now, kept up to date: to look through all customers takes too long.

    A promise stands here as it was when it was added; so it has to be taken away before anything
    of it changes, and added again after.
    """

    __slots__ = ("queues",)

    def __init__(self) -> None:
        self.queues: dict[str, QueueDue] = {}

    def add(self, promise: Counted) -> None:
        """Note `promise`, if it is owed."""
        is_open = _is_open(promise)
        if not is_open and not _is_overdue(promise):
            return
        queue = self.queues.get(promise.label)
        if queue is None:
            queue = self.queues[promise.label] = QueueDue()
        queue.until.add(promise.owed.late_until)
        if is_open:
            queue.open.add(promise.owed.due_at)

    def remove(self, promise: Counted) -> None:
        """Note `promise`, which was added as it is, no longer."""
        is_open = _is_open(promise)
        if not is_open and not _is_overdue(promise):
            return
        queue = self.queues[promise.label]
        queue.until.remove(promise.owed.late_until)
        if is_open:
            queue.open.remove(promise.owed.due_at)


def _is_open(promise: Counted) -> bool:
    # One whose verdict vanished again is as open as one that never had any.
    return promise.state is None or promise.state == NONE


def _is_overdue(promise: Counted) -> bool:
    return promise.state == "broken" and not promise.owed.late_at
