"""All calls that are remembered, and which of them wait for an outcome."""

from streams.ledger.by_source import BySource
from streams.ledger.calls import Call

__all__ = ["Register"]


class Register:
    """The calls of one partition by their ids.

    One that was judged and has no outcome `is_open`; it has one, or was not judged yet, if not.
    """

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self.by_source = BySource()

    def open_calls(self) -> list[Call]:
        """Return the calls that wait for an outcome, in no order."""
        return [call for call in self.calls.values() if call.is_open]

    def find(self, call_id: str) -> Call | None:
        """Return the call of that id; None if there is none."""
        return self.calls.get(call_id)

    def named(self, call_id: str) -> Call:
        """Return the call of that id.

        Raises:
            KeyError: there is none.
        """
        return self.calls[call_id]

    def remember(self, call: Call, *, is_open: bool = False) -> None:
        """Keep a new call, which waits for an outcome if it `is_open`."""
        call.is_open = is_open
        self.calls[call.id] = call
        self.by_source.add(call.source)

    def forget(self, call: Call) -> None:
        """Keep `call` no longer."""
        del self.calls[call.id]
        self.by_source.remove(call.source)

    def of(self, source: str) -> list[Call]:
        """Return the calls of one source, in no order."""
        return [call for call in self.calls.values() if call.source == source]
