"""What stands in the log: written, read, and refused when it is not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.instants import SECOND
from streams.kafka.ledgerlog.records import (
    FORMAT,
    Chunk,
    End,
    Epoch,
    LogDamagedError,
    LogRecord,
    NewerFormatError,
    Tick,
    decode,
    encode,
)
from streams.ledger import QueueRules, Rules

STRICT = QueueRules(answer_target=5 * SECOND, callback_clock="breach")
RULES = Rules(queues={"sales-*": STRICT, "*": QueueRules(), "help": STRICT}, grace=0)
OFFSETS = st.integers(0, 2**63 - 1)
SUMS = st.integers(0, 2**32 - 1)
RECORDS: st.SearchStrategy[LogRecord] = st.one_of(
    st.builds(Epoch, st.sampled_from([Rules(), RULES]), st.text(), st.text(), st.none() | OFFSETS),
    st.builds(
        Tick,
        OFFSETS,
        OFFSETS,
        st.lists(st.tuples(OFFSETS, OFFSETS), min_size=1, max_size=5).map(tuple),
        SUMS,
    ),
    st.builds(Chunk, OFFSETS, st.integers(0, 1000), st.binary()),
    st.builds(End, OFFSETS, st.integers(0, 1000), SUMS),
)


@given(RECORDS)
def test_what_was_written_is_read(record: LogRecord) -> None:
    """Every record, whatever is in it."""
    assert decode(encode(record)) == record


def test_the_order_of_queue_patterns_is_kept() -> None:
    """The first pattern that matches decides, so their order is part of the rules."""
    read = decode(encode(Epoch(RULES, "1", "one")))
    assert isinstance(read, Epoch)
    assert list(read.rules.queues) == ["sales-*", "*", "help"]
    assert read.rules.of("sales-1") == STRICT


def test_a_tick_is_small() -> None:
    """Four a second and partition: some 60 bytes."""
    tick = Tick(1_000_000, 2**31, ((2**33, 1_772_445_600 * SECOND),), 2**32 - 1)
    assert len(encode(tick)) < 60


@given(RECORDS, st.data())
def test_a_record_cut_short_is_damaged(record: LogRecord, data: st.DataObject) -> None:
    """Wherever it breaks off."""
    value = encode(record)
    with pytest.raises(LogDamagedError):
        decode(value[: data.draw(st.integers(0, len(value) - 1))])


@given(st.binary() | st.binary().map(lambda rest: b"CL" + bytes([FORMAT]) + rest))
def test_any_bytes_are_a_record_or_damaged(value: bytes) -> None:
    """Nothing else is raised, whatever another program wrote into the topic."""
    try:
        record = decode(value)
    except LogDamagedError:
        return
    assert decode(encode(record)) == record


@pytest.mark.parametrize("value", [None, b"", b"{}", b"CL", b"CL\x01", b"XX\x01\x93"])
def test_a_record_that_callsla_did_not_write_is_told_apart(value: bytes | None) -> None:
    """A tombstone, JSON, an empty value: the text says what it is not."""
    with pytest.raises(LogDamagedError, match="that callsla did not write"):
        decode(value)


def test_a_tick_without_a_step_is_damaged() -> None:
    """Every tick says at least how far it went."""
    with pytest.raises(LogDamagedError):
        decode(encode(Tick(1, 0, (), 0)))


def test_a_newer_format_is_refused_by_name() -> None:
    """The worker must say that it is too old, not that the log is broken."""
    value = bytearray(encode(End(0, 0, 0)))
    value[2] = FORMAT + 1
    with pytest.raises(NewerFormatError, match=f"format {FORMAT + 1}, this version reads {FORMAT}"):
        decode(bytes(value))


def test_what_is_damaged_is_told_in_one_line() -> None:
    """Also if the record has a line end where its kind should be."""
    value = encode(Tick(1, 0, ((1, 1),), 0)).replace(b"\xa4tick", b"\xa4t\r\nk")
    with pytest.raises(LogDamagedError, match=r"\A[^\n]+\Z"):
        decode(value)
