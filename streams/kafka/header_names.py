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

from streams.plain_records import read_records

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
        self._position = 0
        self._records = MemoryRecords(data)
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        start = self._position
        (length,) = unpack_from(">i", self._data, start + _LENGTH_AT)
        self._position = start + _OVERHEAD + length
        return ToleratedBatch(batch, memoryview(self._data)[start : self._position])


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
        # Without headers there are no names to tolerate, and it is much faster.
        found = read_records(self._raw)
        if found is not None:
            return found
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
