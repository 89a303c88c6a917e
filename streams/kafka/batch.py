"""What the edge hands to a partition: one fetched batch of records, and how fresh it is."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

__all__ = ["Batch", "Fresh", "Record"]


class Record(Protocol):
    """The part of a consumed Kafka record that is used here; `timestamp` in milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Batch(NamedTuple):
    """The records of one partition from one fetch, in offset order.

    `next_offset` is where the next fetch begins. It may lie beyond the last record (control
    records, compaction), and a batch may have no record at all for the same reason.
    """

    topic: str
    partition: int
    records: Sequence[Record]
    next_offset: int

    @property
    def first_offset(self) -> int:
        """The offset of the first record; of a batch without any, `next_offset`."""
        return self.records[0].offset if self.records else self.next_offset

    def since(self, offset: int) -> "Batch":
        """Return the batch without the records below `offset`."""
        start = bisect_left(self.records, offset, key=attrgetter("offset"))
        return self._replace(records=self.records[start:])

    def parts(self, size: int) -> Iterator["Batch"]:
        """Yield the batch in pieces of at most `size` records, each a batch of its own."""
        for start in range(0, len(self.records) - size, size):
            end = self.records[start + size].offset
            yield self._replace(records=self.records[start : start + size], next_offset=end)
        whole = max(0, -(-len(self.records) // size) - 1) * size
        yield self._replace(records=self.records[whole:])


class Fresh(NamedTuple):
    """What a fetch confirmed about a partition.

    At `at` (microseconds, wall clock) the partition ended at `highwater` or below.
    """

    at: int
    highwater: int
