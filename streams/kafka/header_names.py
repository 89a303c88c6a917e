"""Records whose header names are no UTF-8 text, which Kafka allows and aiokafka does not.

aiokafka decodes the names while it reads a fetched batch. One record with a name in another
encoding raises there, before anybody can refuse the record, loses what was read of the batch and
does so again after every restart: any producer could stop every worker for good.
"""

from collections.abc import Iterator
from struct import unpack_from
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from streams.plain_records import read_batches

__all__ = ["TolerantRecords", "ToleratedBatch", "tolerate_odd_header_names"]

_OVERHEAD: Final = 12
"""Base offset and length, the fields that its length does not count."""
_LENGTH_AT: Final = 8


def tolerate_odd_header_names() -> None:
    """Have every consumer of this process write such names with backslashes: `\\xff`."""
    fetcher.MemoryRecords = TolerantRecords


class TolerantRecords:
    """The batches of one fetched partition, as aiokafka's fetcher takes them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def usual(self, next_offset: int, *, checked: bool) -> tuple[list[Any], int]:
        """Return the records of the usual batches that come next, and the next offset then.

        Without any `next_offset` is returned as it is; see `read_batches`.
        """
        found, self._place, next_offset = read_batches(
            self._data, self._place, next_offset, checked
        )
        return found, next_offset

    def size_in_bytes(self) -> int:
        """Return the size of all that was fetched."""
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether a whole batch is still to come."""
        return self._end() <= len(self._data)

    def next_batch(self) -> Any:
        """Return the next batch; None: no whole one is to come.

        Raises:
            CorruptRecordException: what should be one is too short.
        """
        if not self.has_next():
            return None
        start, self._place = self._place, max(self._end(), self._place + _OVERHEAD)
        batch = MemoryRecords(self._data[start : self._place]).next_batch()
        return ToleratedBatch(batch, memoryview(self._data)[start : self._place])

    def _end(self) -> int:
        """Return where the next batch ends, by what it says of itself."""
        body = self._place + _OVERHEAD
        if body > len(self._data):
            return body
        (length,) = unpack_from(">i", self._data, self._place + _LENGTH_AT)
        return body + int(length)


class ToleratedBatch:
    """One batch; nothing is decoded twice unless a name in it is odd."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batch
        except UnicodeDecodeError:
            # From the first one again: the fetcher passes over the offsets it had already.
            yield from _leniently(self._raw)

    def whole(self) -> list[Any]:
        """Return all records; without a step of a generator for each."""
        try:
            return list(self._batch)
        except UnicodeDecodeError:
            return _leniently(self._raw)


class _Lenient(bytearray):
    """Bytes every slice of which can be decoded."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Lenient(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002
        return super().decode(encoding, "backslashreplace")


def _leniently(raw: memoryview) -> list[Any]:
    batch = _DefaultRecordBatchPy(raw)
    # The first step unpacks it; what is unpacked is what the names are cut from.
    iter(batch)
    batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001
    return list(batch)
