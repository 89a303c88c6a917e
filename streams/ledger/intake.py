"""From records to the ledger: the loop that every event goes through."""

from collections.abc import Sequence
from typing import Final, Protocol

from streams.events import EventDecoder, Headers, Rejected
from streams.ledger.compiled import i64
from streams.ledger.kinds import AT, told
from streams.ledger.ledger import Ledger
from streams.ledger.totals import Histogram
from streams.plain_events import read_record

__all__ = ["NEVER", "Intake", "Refusal"]

NEVER: Final = 1 << 61
"""A time in microseconds that does not come."""
_MILLISECOND: Final = 1000
_LATEST: Final = NEVER // _MILLISECOND
"""What a record is taken to be stamped with at most: no clock goes so far."""

_REFUSED: Final = {
    "future": "the event lies further in the future of its record than `max_future`",
    "too_old": "the event is older than `max_age`",
    "limit": "as much as can be remembered of this partition, customer or source is",
}


class _Record(Protocol):
    """The part of a record that is looked at; `timestamp` in milliseconds."""

    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Refusal:
    """A record that was refused: which one of those handed in, by whom and why."""

    __slots__ = ("detail", "position", "reason", "stage")

    def __init__(self, position: int, stage: str, reason: str, detail: str) -> None:
        self.position = position
        self.stage = stage
        self.reason = reason
        self.detail = detail


class Intake:
    """Reads records and tells a ledger what they say."""

    def __init__(self) -> None:
        self.newest_record = 0
        """the highest timestamp (microseconds) of the records applied"""
        self.refused: list[Refusal] = []
        self._decoder = EventDecoder()

    @property
    def unknown_fields(self) -> int:
        """Fields of events that were tolerated without being understood."""
        return self._decoder.unknown_fields

    def take(
        self,
        ledger: Ledger,
        records: Sequence[_Record],
        start: int,
        ends: int,
        latency: Histogram | None,
        wall: int,
    ) -> int:
        """Apply the records from `start` on; return how many of all are applied then.

        Stops after one that brings the watermark past `ends`. `latency` counts how old each
        event was at `wall`. All times in microseconds.
        """
        for position in range(start, len(records)):
            record = records[position]
            try:
                said = read_record(record)
                if said is None:
                    said = told(self._decoder.decode(record.value or b"", record.headers))
            except Rejected as error:
                self.refused.append(Refusal(position, "decode", error.reason, str(error)))
                continue
            stamp = _stamp(record.timestamp)
            if stamp > self.newest_record:  # noqa: PLR1730 - twice as fast as max()
                self.newest_record = stamp
            fate = ledger.take(said, stamp)
            if fate in _REFUSED:
                self.refused.append(Refusal(position, "ledger", fate, _REFUSED[fate]))
            elif latency is not None:
                at: int = said[AT]
                latency.add(wall - at if wall > at else 0)
            if ledger.watermark > ends:
                return position + 1
        return len(records)


def _stamp(timestamp: int) -> int:
    """Return a record's timestamp (milliseconds) in microseconds; below 0 there is none."""
    at = i64(timestamp)
    if at < 0:
        return -1
    return (at if at < _LATEST else _LATEST) * _MILLISECOND  # noqa: FURB136
