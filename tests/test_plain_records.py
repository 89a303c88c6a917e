"""Records read in C are those that aiokafka reads, or none are read."""

import struct
from typing import Any, Final

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams import KERNEL
from streams.plain_records import read_records

ATTRIBUTES_AT: Final = 21
COUNT_AT: Final = 57
LOG_APPEND_TIME: Final = 8
GZIP: Final = 1
TIME: Final = 1_767_571_200_000
compiled: Final = pytest.mark.skipif(KERNEL.name == "python", reason="nothing is in C here")

_bytes: Final = st.none() | st.binary(max_size=300)
_rows: Final = st.lists(st.tuples(st.integers(0, 2**40), _bytes, _bytes), max_size=20)


def _batch(rows: list[Any], *, codec: int = 0, headers: Any = (), first: int = 0) -> bytes:
    """A batch of records (time, key, value), as a broker stores it."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for n, (time, key, value) in enumerate(rows):
        assert builder.append(n, time, key, value, list(headers)) is not None
    return struct.pack(">q", first) + bytes(builder.build())[8:]


def _said(record: Any) -> tuple[Any, ...]:
    fields = record.offset, record.timestamp, record.key, record.value
    return (*fields, list(record.headers))


def _theirs(data: bytes) -> list[tuple[Any, ...]] | None:
    try:
        return [_said(record) for record in DefaultRecordBatch(data)]
    except (CorruptRecordException, UnicodeDecodeError):
        return None


def _ours(data: bytes) -> list[tuple[Any, ...]] | None:
    found = read_records(memoryview(data))
    return None if found is None else [_said(record) for record in found]


@compiled
@given(_rows, st.integers(0, 2**62), st.booleans())
def test_the_same_records_are_read(rows: list[Any], first: int, is_of_append: bool) -> None:
    """Also under the broker's own time, and between others in what was fetched."""
    data = bytearray(_batch(rows, first=first))
    data[ATTRIBUTES_AT + 1] |= LOG_APPEND_TIME * is_of_append
    batch = bytes(data)
    assert _ours(batch) == _theirs(batch)
    around = memoryview(b"before" + batch + b"after")[6 : 6 + len(batch)]
    found = read_records(around)
    assert found is not None
    assert [_said(record) for record in found] == _theirs(batch)


@compiled
@given(_rows, st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4))
def test_what_is_damaged_is_read_the_same_or_not_at_all(
    rows: list[Any], changes: list[tuple[int, int]]
) -> None:
    """The checksum is looked at by others: here no byte may lead astray."""
    data = bytearray(_batch(rows))
    for place, byte in changes:
        data[place % len(data)] = byte
    ours = _ours(bytes(data))
    assert ours is None or ours == _theirs(bytes(data))


@compiled
@given(_rows, st.integers(0, 400))
def test_what_was_cut_off_is_not_read(rows: list[Any], missing: int) -> None:
    """Nor what goes on after its end."""
    data = _batch(rows)
    assert _ours(data[: len(data) - 1 - missing % len(data)]) is None
    assert _ours(data + b"\0") is None


@compiled
def test_only_the_usual_batch_is_read() -> None:
    """Packed ones, headers, markers of transactions and old formats are for the whole parser."""
    rows = [(TIME, b"key", b"value" * 100)]
    assert _ours(_batch(rows)) is not None
    assert _ours(_batch(rows, codec=GZIP)) is None
    assert _ours(_batch(rows, headers=[("name", b"1")])) is None
    for place, byte in ((ATTRIBUTES_AT + 1, 0x20), (16, 1), (COUNT_AT + 3, 2), (COUNT_AT, 0x80)):
        data = bytearray(_batch(rows))
        data[place] = byte
        assert _ours(bytes(data)) is None, place


@compiled
def test_records_outlive_what_was_fetched() -> None:
    """They hold on to the bytes; those of anything that may change are not read."""
    data = _batch([(TIME, b"key", b"value")])
    view = memoryview(data)
    found = read_records(view)
    assert found is not None
    view.release()
    del data
    assert [_said(record) for record in found] == [(0, TIME, b"key", b"value", [])]
    assert read_records(memoryview(bytearray(_batch([])))) is None


@compiled
def test_only_memory_is_taken() -> None:
    """Not what would have to be looked after."""
    with pytest.raises(TypeError, match="memoryview"):
        read_records(b"")  # type: ignore[arg-type]
