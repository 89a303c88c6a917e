"""Canonical events, one JSON object a line (plain or as structured CloudEvents)."""

from collections.abc import Iterable, Iterator

from streams.events import Event, EventDecoder, Rejected
from streams.ledger.kinds import Told, told
from streams.plain_events import read_plain
from streams.sources.base import Options, Source

__all__ = ["CanonicalEvents"]


class CanonicalEvents(Source):
    """Reads events in the project's own form."""

    format = "events"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._decoder = EventDecoder()

    @property
    def unknown_fields(self) -> int:
        return self._decoder.unknown_fields

    def read(self, lines: Iterable[bytes]) -> Iterator[Event]:
        decode = self._decoder.decode
        for number, line in enumerate(lines, 1):
            self.records += 1
            try:
                event = decode(line)
            except Rejected as error:
                self._refuse_unless_blank(number, line, error)
                continue
            yield event

    def told(self, lines: Iterable[bytes]) -> Iterator[Told]:
        """Yield what a ledger takes of the events in `lines`: of the usual ones at once."""
        decode = self._decoder.decode
        for number, line in enumerate(lines, 1):
            self.records += 1
            said = read_plain(line)
            if said is None:
                try:
                    said = told(decode(line))
                except Rejected as error:
                    self._refuse_unless_blank(number, line, error)
                    continue
            yield said

    def _refuse_unless_blank(self, number: int, line: bytes, error: Rejected) -> None:
        if line.strip():
            self.refuse(number, error)
        else:
            self.records -= 1
