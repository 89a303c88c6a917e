"""Records of promise events are the same bytes, with an event between or without."""

from pathlib import Path
from runpy import run_path
from typing import Any, Final, get_args

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

import streams
from streams import KERNEL
from streams.instants import EARLIEST, LATEST
from streams.ledger import Change
from streams.promise_events import State, Verdict, encode, from_change, record_key
from streams.promise_records import promise_batch, promise_record, seal

compiled: Final = pytest.mark.skipif(KERNEL.name == "python", reason="nothing is in C here")

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_INSTANTS = st.integers(EARLIEST, LATEST - 1)
_WAITS = st.none() | st.integers(0, 10**11)
_CHANGES = st.builds(
    Change,
    at=_INSTANTS,
    call_id=st.none() | _TEXTS,
    customer=st.none() | _TEXTS,
    due_at=st.none() | _INSTANTS,
    key=_TEXTS | st.builds("{}@{}".format, _TEXTS, _INSTANTS),
    queue=st.none() | _TEXTS,
    revision=st.integers(1, 2**40),
    state=st.sampled_from(get_args(State)),
    verdict=st.sampled_from(get_args(Verdict)),
    wait=_WAITS,
    was=st.none() | st.sampled_from(get_args(State)),
    was_wait=_WAITS,
)


@given(st.lists(st.sampled_from([0, 1, 2]) | _CHANGES, max_size=8), st.integers(0, 2**40))
def test_any_change_gives_the_bytes_of_its_promise_event(
    told: list[Change | int], epoch: int
) -> None:
    """Also when several are about one call: a number stands for a change told before."""
    changes = [one for one in told if isinstance(one, Change)]
    for one in told:
        change = changes[one % len(changes)] if isinstance(one, int) and changes else one
        if isinstance(change, Change):
            event = from_change(change, epoch)
            assert promise_record(change, epoch) == (record_key(event), encode(event))


def test_an_unusual_text_is_written_as_json_has_it() -> None:
    """Quotes, control characters, other alphabets."""
    text = 'a"b\\c\n\x7f\u2028ü/'
    change = Change(EARLIEST, text, text, None, text, text, 1, "kept", "answer", wait=1)
    event = from_change(change, 3)
    assert promise_record(change, 3) == (record_key(event), encode(event))


def _built(changes: list[Change], epoch: int, time: int, writer: tuple[int, int, int]) -> bytes:
    """The batch as aiokafka builds it."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, *writer, 1 << 20)
    for number, change in enumerate(changes):
        key, value = promise_record(change, epoch)
        assert builder.append(number, time, key, value, []) is not None
    return bytes(builder.build())


_WRITERS = st.tuples(st.integers(-1, 2**62), st.integers(-1, 2**15 - 1), st.integers(-1, 2**31 - 1))


@compiled
@given(
    st.lists(_CHANGES, min_size=1, max_size=70),
    st.integers(0, 2**40),
    st.integers(0, 2**42),
    _WRITERS,
)
def test_a_batch_is_the_one_that_aiokafka_builds(
    changes: list[Change], epoch: int, time: int, writer: tuple[int, int, int]
) -> None:
    """Byte for byte: records, head and checksum, whoever writes it, from any change on."""
    for first in (0, len(changes) // 2):
        made = promise_batch(changes, first, epoch, time, 1 << 20)
        assert made is not None
        batch, count = made
        assert count == len(changes) - first
        seal(batch, *writer)
        assert bytes(batch) == _built(changes[first:], epoch, time, writer)


@compiled
@given(st.lists(_CHANGES, min_size=1, max_size=40), st.integers(0, 4000))
def test_a_batch_has_as_many_records_as_have_room(changes: list[Change], room: int) -> None:
    """At least one; what is left goes into the next ones, and nothing is lost on the way."""
    place = 0
    while place < len(changes):
        made = promise_batch(changes, place, 3, 0, room)
        assert made is not None
        batch, count = made
        assert count == 1 or len(batch) <= room
        more = promise_batch(changes[: place + count + 1], place, 3, 0, 1 << 20)
        assert more is not None
        assert place + count == len(changes) or len(more[0]) > room
        seal(batch, -1, -1, 0)
        assert bytes(batch) == _built(changes[place : place + count], 3, 0, (-1, -1, 0))
        place += count


@compiled
def test_what_is_no_change_makes_no_batch() -> None:
    """It is an error, as it is for one record."""
    nothing: Any = [None]
    with pytest.raises((TypeError, AttributeError)):
        promise_batch(nothing, 0, 1, 0, 100)
    with pytest.raises(ValueError, match="no batch"):
        seal(bytearray(3), 1, 1, 1)


def test_without_the_kernel_there_is_one_record_after_the_other() -> None:
    """Whoever writes them builds the batch."""
    plain = run_path(str(Path(streams.__file__).parent / "promise_records.py"))
    assert plain["promise_batch"]([], 0, 1, 0, 100) is None
    with pytest.raises(NotImplementedError):
        plain["seal"](bytearray(100), 1, 1, 1)
