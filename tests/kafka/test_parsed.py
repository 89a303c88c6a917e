"""Records handed on a batch at a time are those that aiokafka hands on one by one."""

import gc
import struct
import weakref
from types import MappingProxyType
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchError, FetchResult
from aiokafka.consumer.fetcher import PartitionRecords as Records
from aiokafka.errors import CorruptRecordException, UnknownError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.header_names import TolerantRecords
from streams.kafka.parsed import hand_on_as_parsed, parsed

TP = TopicPartition("events", 0)


def _batch(first: int, number: int, codec: int = 0) -> bytes:
    """A batch of `number` records from offset `first` on, as a broker stores it."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for n in range(number):
        value = None if n % 7 == 6 else f"value {first + n}".encode()
        builder.append(
            n, 1_767_571_200_000 + n, f"key {n}".encode(), value, [("h", b"1")] * (n % 2)
        )
    return struct.pack(">q", first) + bytes(builder.build())[8:]


def _records(
    data: bytes, fetch_offset: int, isolation: int = READ_UNCOMMITTED, of: Any = MemoryRecords
) -> Records:
    return Records(TP, of(data), [], fetch_offset, None, None, True, isolation)


def _said(record: Any) -> tuple[Any, ...]:
    fields = record.offset, record.timestamp, record.key, record.value
    return (*fields, tuple(record.headers))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(0, 1)), max_size=6),
    st.integers(0, 60),
)
def test_the_same_records_are_handed_on(parts: list[tuple[int, int, int]], asked: int) -> None:
    """With gaps between batches, packed ones, and from the middle of the first one."""
    data, end = b"", 0
    asked = min(asked, sum(parts[0][:2]) - 1) if parts else asked
    for gap, number, codec in parts:
        data += _batch(end + gap, number, codec)
        end += gap + number
    theirs, ours = _records(data, asked), _records(data, asked, of=TolerantRecords)
    assert [_said(one) for one in parsed(ours)] == [_said(one) for one in theirs]
    if parts:
        assert ours.next_fetch_offset == theirs.next_fetch_offset


class _State:
    paused = False

    def __init__(self, position: int) -> None:
        self.position = position

    def consumed_to(self, position: int) -> None:
        self.position = position


class _Assignment:
    """What aiokafka knows of an assigned partition."""

    active = True

    def __init__(self, position: int) -> None:
        self.state = _State(position)

    def state_value(self, tp: TopicPartition) -> _State:
        assert tp == TP
        return self.state


def _result(data: bytes, position: int, isolation: int = READ_UNCOMMITTED) -> FetchResult:
    assignment, records = _Assignment(position), _records(data, position, isolation)
    return FetchResult(TP, assignment=assignment, partition_records=records, backoff=0)


def test_a_result_is_handed_on_once_and_moves_the_position() -> None:
    """However often a fetch looks at results that nobody has asked for yet."""
    result = _result(_batch(10, 5), 12)
    fetched = MappingProxyType({TP: result, "other": FetchError(error=UnknownError(), backoff=0)})
    hand_on_as_parsed(fetched)
    hand_on_as_parsed(fetched)
    assert [record.offset for record in result.getall(None)] == [12, 13, 14]
    assert result._assignment.state.position == 15
    assert not result.has_more()
    assert result.getall() == []


def test_what_was_handed_on_is_freed_without_the_collector() -> None:
    """A megabyte of a fetch, some hundred times a second, would wait for it."""
    result = _result(_batch(10, 5), 10)
    hand_on_as_parsed({TP: result})
    there = weakref.ref(result), weakref.ref(result._partition_records)
    gc.disable()
    try:
        assert len(result.getall()) == 5
        del result
        assert [one() for one in there] == [None, None]
    finally:
        gc.enable()


def test_records_of_a_position_that_moved_are_not_handed_on() -> None:
    """A seek came between the fetch and the question."""
    result = _result(_batch(10, 5), 10)
    hand_on_as_parsed({TP: result})
    result._assignment.state.position = 3
    assert result.getall() == []
    assert result._assignment.state.position == 3


def test_who_asks_for_a_few_gets_a_few() -> None:
    """Faust's `broker_max_poll_records`."""
    result = _result(_batch(10, 5), 10)
    hand_on_as_parsed({TP: result})
    assert [record.offset for record in result.getall(2)] == [10, 11]
    assert [record.offset for record in result.getall()] == [12, 13, 14]


def test_a_wrong_checksum_is_never_read_past() -> None:
    """What came before it is fetched again as well."""
    damaged = bytearray(_batch(3, 3))
    damaged[-1] ^= 1
    result = _result(_batch(0, 3) + bytes(damaged) + _batch(6, 3), 0)
    hand_on_as_parsed({TP: result})
    with pytest.raises(CorruptRecordException):
        result.getall()
    assert result.getall() == []
    assert result._assignment.state.position == 0


def test_who_reads_committed_records_is_left_to_aiokafka() -> None:
    """It knows which ones were aborted."""
    result = _result(_batch(0, 3), 0, READ_COMMITTED)
    hand_on_as_parsed({TP: result})
    assert "getall" not in vars(result)
