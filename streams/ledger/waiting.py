"""Callers who wait, in the order in which they began to, by queue label."""

from streams.ledger.calls import Call
from streams.ledger.ordered import Ordered
from streams.ledger.terms import Terms
from streams.ledger.totals import NO_QUEUE

__all__ = ["Waiting"]


class Waiting:
    """The calls without an outcome of which nothing new is known, kept up to date.

    A call stands here as it was judged; so it has to be taken away before it is told anything.
    """

    __slots__ = ("starts",)

    def __init__(self) -> None:
        self.starts: dict[tuple[str, int], Ordered] = {}
        """when they began to wait, by label and target (microseconds)"""

    def add(self, call: Call, terms: Terms) -> None:
        """Note `call`, which has been judged and has no outcome."""
        key = _key(call, terms)
        starts = self.starts.get(key)
        if starts is None:
            starts = self.starts[key] = Ordered()
        starts.add(call.start(terms))
        call.is_waiting = True

    def remove(self, call: Call, terms: Terms) -> None:
        """Note `call` no longer, if it is noted."""
        if call.is_waiting:
            self.starts[_key(call, terms)].remove(call.start(terms))
            call.is_waiting = False


def _key(call: Call, terms: Terms) -> tuple[str, int]:
    # One that is counted nowhere yet named no queue: the others have their label by now.
    return call.label or NO_QUEUE, terms.answer_target
