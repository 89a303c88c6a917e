"""Records read in C are those that aiokafka reads, or none are read."""

import struct
from pathlib import Path
from runpy import run_path
from typing import Any, Final

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c_py
from hypothesis import given
from hypothesis import strategies as st

import streams
from streams import KERNEL
from streams.events import encode
from streams.plain_events import read_plain, read_record
from streams.plain_records import read_batches
from streams.simulate import Centre, large_centre

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


def _ours(data: bytes, *, checked: bool = False) -> list[tuple[Any, ...]] | None:
    """What is read of one batch; None: nothing of it."""
    found, place, _ = read_batches(data, 0, -1, checked)
    assert place in (0, len(data))
    if not place:
        assert found == []
    return [_said(record) for record in found] if place else None


def _checked(data: bytearray) -> bytes:
    """A batch that was changed, with the checksum it should have then."""
    return bytes(data[:17]) + struct.pack(">I", calc_crc32c_py(data[21:])) + bytes(data[21:])


@compiled
@given(_rows, st.integers(0, 2**62), st.booleans())
def test_the_same_records_are_read(rows: list[Any], first: int, is_of_append: bool) -> None:
    """Also under the broker's own time, and between others in what was fetched."""
    data = bytearray(_batch(rows, first=first))
    data[ATTRIBUTES_AT + 1] |= LOG_APPEND_TIME * is_of_append
    batch = bytes(data)
    assert _ours(batch) == _theirs(batch)
    found, place, next_offset = read_batches(b"before" + batch + b"after", 6, -1, False)
    assert [_said(record) for record in found] == _theirs(batch)
    assert (place, next_offset) == (6 + len(batch), DefaultRecordBatch(batch).next_offset)


@compiled
@given(st.lists(_rows, max_size=5), st.integers(0, 6), st.integers(0, 60))
def test_one_batch_after_the_other_is_read(
    several: list[list[Any]], damaged: int, cut_off: int
) -> None:
    """Until the first that is damaged, or not all there."""
    parts = [bytearray(_batch(rows, first=100 * n)) for n, rows in enumerate(several)]
    if damaged < len(parts):
        parts[damaged][-1] ^= 1
    sound = [bytes(part) for part in parts[:damaged]]
    data = b"".join(parts)
    found, place, next_offset = read_batches(data + data[:cut_off], 0, 7, True)
    assert [_said(record) for record in found] == [
        said for batch in sound for said in _theirs(batch) or ()
    ]
    assert place == sum(map(len, sound))
    assert next_offset == (DefaultRecordBatch(sound[-1]).next_offset if sound else 7)


@compiled
@given(_rows, st.integers(0, 8000))
def test_a_batch_with_another_checksum_is_not_read(rows: list[Any], bit: int) -> None:
    """Whichever bit of what it covers is not what it was; with the right one it is."""
    data = bytearray(_batch([*rows, (TIME, b"key", b"value")]))
    assert _ours(bytes(data), checked=True) == _theirs(bytes(data))
    data[17 + bit // 8 % (len(data) - 17)] ^= 1 << bit % 8
    assert _ours(bytes(data), checked=True) is None


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
    assert _ours(_checked(data), checked=True) == ours


@compiled
@given(_rows, st.integers(0, 400))
def test_what_was_cut_off_is_not_read(rows: list[Any], missing: int) -> None:
    """Nor what goes on after its end."""
    data = _batch(rows)
    assert _ours(data[: len(data) - 1 - missing % len(data)]) is None
    assert read_batches(data + b"\0", 0, -1, False)[1] == len(data)


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
    """They hold on to the bytes."""
    data = _batch([(TIME, b"key", b"value")])
    found, _, _ = read_batches(data, 0, 0, True)
    del data
    assert [_said(record) for record in found] == [(0, TIME, b"key", b"value", [])]


@compiled
def test_only_bytes_are_taken() -> None:
    """They stay what they are; and only a place in them."""
    data: Any = bytearray(_batch([]))
    with pytest.raises(TypeError, match="bytes"):
        read_batches(data, 0, 0, True)
    for place in (-1, len(data) + 1):
        with pytest.raises(ValueError, match="outside"):
            read_batches(bytes(data), place, 0, True)


def test_without_the_kernel_nothing_is_read_here() -> None:
    """Then all of it is aiokafka's to parse."""
    plain = run_path(str(Path(streams.__file__).parent / "plain_records.py"))
    assert plain["read_batches"](_batch([(TIME, None, None)]), 3, 5, True) == ([], 3, 5)


def _same_as_its_value(record: Any) -> None:
    value = record.value
    assert read_record(record) == (None if record.headers or value is None else read_plain(value))


@compiled
def test_an_event_is_read_where_it_lies() -> None:
    """As its value is, also from a record of aiokafka; one with headers is left to the reader."""
    values = [encode(event) for event in Centre(large_centre(), 5).events(100)]
    rows = [(TIME, None, value) for value in values]
    views, _, _ = read_batches(_batch(rows), 0, -1, False)
    assert [read_record(view) for view in views] == [read_plain(value) for value in values]
    assert None not in map(read_record, views[:5])
    for record in DefaultRecordBatch(_batch(rows[:5])):
        assert read_record(record) == read_plain(record.value)
    for record in DefaultRecordBatch(_batch(rows[:5], headers=[("ce_id", b"1")])):
        assert read_record(record) is None


@compiled
@given(_rows, st.data())
def test_whatever_lies_there_is_read_as_its_value(rows: list[Any], data: st.DataObject) -> None:
    """Also nothing, and an event that is cut off before what follows it."""
    whole = b'{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"c"}'
    cut = [(TIME, None, whole[: data.draw(st.integers(0, len(whole)))]) for _ in range(3)]
    views, _, _ = read_batches(_batch([*rows, *cut, (TIME, None, b"}")]), 0, -1, False)
    for view in views:
        _same_as_its_value(view)


@pytest.mark.parametrize("odd", [None, 1, b"{}"])
@compiled
def test_only_records_are_read(odd: Any) -> None:
    """What has no value and no headers is none."""
    with pytest.raises(AttributeError):
        read_record(odd)
