"""Slices are the same, packed or not; a plain dictionary of sums is the oracle."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger.counts import Counts
from streams.ledger.slices import Slices

SIZE = 5
NUMBERS = st.integers(-30, 60)
COUNTED = st.tuples(
    NUMBERS, st.integers(0, SIZE - 1), st.integers(-3, 2**40), st.integers(0, 2**33)
)
STEPS = st.lists(
    st.one_of(
        COUNTED.map(lambda each: ("add", each)),
        st.just(("close", None)),
        st.tuples(NUMBERS, NUMBERS).map(lambda each: ("forget", each)),
        COUNTED.map(lambda each: ("adopt", each)),
        st.tuples(NUMBERS, NUMBERS).map(lambda each: ("take_from", each)),
        NUMBERS.map(lambda each: ("longest", each)),
        st.just(("packed", None)),
        st.just(("restored", None)),
    ),
    max_size=60,
)
Oracle = dict[int, tuple[list[int], int]]


def _slice(place: int, number: int, wait: int) -> Counts:
    one = Counts(SIZE)
    one.add(place, number)
    one.longest = wait
    return one


def _count(oracle: Oracle, number: int, place: int, change: int, wait: int) -> None:
    counts, longest = oracle.get(number, ([0] * SIZE, 0))
    counts = [each + change * (where == place) for where, each in enumerate(counts)]
    oracle[number] = counts, max(longest, wait)


def _rows(oracle: Oracle) -> list[list[int]]:
    return [
        [number, longest, *(part for pair in enumerate(counts) if pair[1] for part in pair)]
        for number, (counts, longest) in sorted(oracle.items())
    ]


def _unpacked(slices: Slices) -> Any:
    head = b"\xdd" + len(slices).to_bytes(4, "big")
    return msgspec.msgpack.decode(head + slices.packed())


def _close(slices: Slices) -> None:
    for stretch in slices.stretches():
        stretch.close()


def _restored(rows: list[list[int]]) -> Slices:
    slices = Slices(SIZE)
    slices.restore(rows)
    return slices


def _same(slices: Slices, oracle: Oracle, what: str, given: Any) -> None:
    """Do one step on both, and compare what is seen of it."""
    if what in ("add", "adopt"):
        number, *counted = given
        if what == "add":
            slices.at(number).merge(_slice(*counted))
        else:
            slices.adopt(number, _slice(*counted))
        _count(oracle, number, *counted)
    elif what == "close":
        _close(slices)
    elif what == "forget":
        slices.forget(*given)
        for number in [number for number in oracle if given[0] < number <= given[1]]:
            del oracle[number]
    elif what == "take_from":
        gone = [oracle[number] for number in oracle if given[0] < number <= given[1]]
        sums = Counts(SIZE)
        assert slices.take_from(sums, *given) == max([wait for _, wait in gone], default=0)
        rows = [[0] * SIZE, *(counts for counts, _ in gone)]
        assert sums.numbers() == [-sum(column) for column in zip(*rows, strict=True)]
    elif what == "longest":
        staying = [wait for number, (_, wait) in oracle.items() if number > given]
        assert slices.longest_after(given) == max(staying, default=0)
    else:
        assert _unpacked(slices) == _rows(oracle)
    assert len(slices) == len(oracle)


@given(STEPS)
def test_slices_are_what_was_added_to_them(steps: list[tuple[str, Any]]) -> None:
    """In whatever order they are added to, closed, read, forgotten and written."""
    slices, oracle = Slices(SIZE), dict[int, tuple[list[int], int]]()
    for what, given_ in [*steps, ("packed", None)]:
        if what == "restored":
            slices = _restored(_rows(oracle))
        else:
            _same(slices, oracle, what, given_)


@pytest.mark.parametrize(
    "rows",
    [
        [[3]],
        [[]],
        [[3, 5, 0]],
        [[3, 5, SIZE, 1]],
        [[3, 5, 0, 1, 0, 1]],
        [[3, 5, 0, 0]],
        [[4, 5, 0, 1], [3, 5, 0, 1]],
        [[3, 5, 0, 1]] * 20,
        [[3, 2**60, 0, 1]],
    ],
)
def test_damaged_rows_are_refused(rows: list[list[int]]) -> None:
    """Too short, no pairs, no such place or twice, none counted, not in order, a wait of ages."""
    with pytest.raises((IndexError, ValueError)):
        _restored(rows)


def test_closed_slices_are_written_as_they_were() -> None:
    """Also where they were opened again, to be read or to be changed."""
    slices = Slices(SIZE)
    for number in range(100):
        slices.adopt(number, _slice(number % SIZE, 7, number))
    open_ = slices.packed()
    _close(slices)
    assert slices.packed() == open_
    assert slices.take_from(Counts(SIZE), 40, 42) == 42
    assert slices.packed() == open_
    assert len(slices.change_all()) == 100
    assert slices.packed() == open_


def test_a_closed_stretch_is_closed_once() -> None:
    """Until it is read or changed."""
    slices = Slices(SIZE)
    slices.adopt(3, _slice(0, 1, 5))
    (stretch,) = slices.stretches()
    assert (stretch.close(), stretch.close()) == (True, False)
    slices.at(3).merge(_slice(0, 1, 9))
    assert (stretch.close(), stretch.longest(), len(stretch)) == (True, 9, 1)


@pytest.mark.parametrize("closed", [False, True])
def test_what_a_slice_said_last_is_what_is_written(closed: bool) -> None:
    """Bytes written before a change are not written after it."""
    slices = Slices(SIZE)
    slices.adopt(3, _slice(0, 1, 5))
    if closed:
        _close(slices)
    assert _unpacked(slices) == [[3, 5, 0, 1]]
    slices.at(3).merge(_slice(0, 2, 4))
    assert _unpacked(slices) == [[3, 5, 0, 3]]
