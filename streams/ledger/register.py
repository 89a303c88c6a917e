"""All calls that are remembered, and which of them wait for an outcome."""

from streams.ledger.by_source import BySource
from streams.ledger.calls import Call

__all__ = ["Register"]


class Register:
    """The calls of one partition by their ids, each in one of two places."""

    def __init__(self) -> None:
        self.undecided: dict[str, Call] = {}
        """calls that were judged and have no outcome"""
        self.rest: dict[str, Call] = {}
        """those that have one, or were not judged yet"""
        self.by_source = BySource()

    def everything(self) -> dict[str, Call]:
        """Return all calls, as they are now."""
        calls = self.rest.copy()
        calls.update(self.undecided)
        return calls

    def find(self, call_id: str) -> Call | None:
        """Return the call of that id; None if there is none."""
        call = self.undecided.get(call_id)
        return call if call is not None else self.rest.get(call_id)

    def named(self, call_id: str) -> Call:
        """Return the call of that id.

        Raises:
            KeyError: there is none.
        """
        call = self.find(call_id)
        return self.rest[call_id] if call is None else call

    def remember(self, call: Call, *, is_open: bool = False) -> None:
        """Keep a new call, among those that wait for an outcome if it `is_open`."""
        call.is_open = is_open
        calls = self.undecided if is_open else self.rest
        calls[call.id] = call
        self.by_source.add(call.source)

    def forget(self, call: Call) -> None:
        """Keep `call` no longer."""
        del (self.undecided if call.is_open else self.rest)[call.id]
        self.by_source.remove(call.source)

    def leave_open(self, call: Call) -> None:
        """Have `call` among those that wait for an outcome."""
        if not call.is_open:
            call.is_open = True
            self.undecided[call.id] = call
            del self.rest[call.id]

    def close(self, call: Call) -> None:
        """Have `call` among the rest."""
        if call.is_open:
            call.is_open = False
            del self.undecided[call.id]
            self.rest[call.id] = call

    def of(self, source: str) -> list[Call]:
        """Return the calls of one source, in no order."""
        calls = [call for call in self.undecided.values() if call.source == source]
        calls += [call for call in self.rest.values() if call.source == source]
        return calls
