"""Instants in order: against a plain sorted list."""

import tracemalloc
from bisect import bisect_right, insort

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger.ordered import Ordered

_steps = st.lists(st.tuples(st.sampled_from(("add", "add", "remove", "pop")), st.integers(0, 60)))


def _agree(found: Ordered, plain: list[int], at: int) -> None:
    later = plain[bisect_right(plain, at) :]
    assert len(found) == len(plain)
    assert found.after(at) == len(later)
    assert found.first_after(at) == (later[0] if later else None)


@given(_steps, st.integers(-1, 61))
def test_it_is_a_sorted_list(steps: list[tuple[str, int]], asked: int) -> None:
    """Whatever comes and goes, the same instant many times over: counts and the next are right."""
    found, plain = Ordered(), list[int]()
    for what, at in steps:
        if what == "add":
            found.add(at)
            insort(plain, at)
        elif what == "pop":
            if plain:
                assert found.pop_first() == plain.pop(0)
        elif at in plain:
            found.remove(at)
            plain.remove(at)
        _agree(found, plain, asked)


@pytest.mark.parametrize("step", [1, -1, 7919])
def test_more_than_a_block_of_them(step: int) -> None:
    """Tens of thousands, coming in order, against it and mixed; then all go, in another order."""
    number = 20_000
    found, plain = Ordered(), list[int]()
    for turn in range(number):
        at = turn * step % number // 3
        found.add(at)
        insort(plain, at)
        if turn % 997 == 0:
            _agree(found, plain, at)
    for turn in range(0, number, 3):
        assert found.pop_first() == plain.pop(0)
        if turn % 997 == 0:
            _agree(found, plain, plain[turn % len(plain)])
    for turn in range(len(plain)):
        at = plain.pop(turn * 104_729 % len(plain))
        found.remove(at)
        if turn % 997 == 0:
            _agree(found, plain, at)
    assert len(found) == 0


def test_what_comes_in_order_takes_hardly_more_room_than_it_must() -> None:
    """Eight bytes for each of very many, and some for a block of a thousand."""
    tracemalloc.start()
    try:
        found = Ordered()
        for at in range(1_000_000, 1_100_000):
            found.add(at)
        assert tracemalloc.get_traced_memory()[0] / len(found) < 10
    finally:
        tracemalloc.stop()


def test_what_is_not_there_cannot_be_taken_away() -> None:
    """It says so, and stays as it is."""
    found = Ordered()
    for at in (5, 7):
        with pytest.raises(LookupError):
            found.remove(at)
    found.add(6)
    for at in (5, 7):
        with pytest.raises(LookupError):
            found.remove(at)
    assert len(found) == 1
    assert found.pop_first() == 6
    with pytest.raises(IndexError):
        found.pop_first()


def test_emptied_blocks_are_given_back() -> None:
    """A hundred left of a hundred thousand take the room of hundreds."""
    found = Ordered()
    for at in range(100_000):
        found.add(at)
    for at in range(100_000):
        if at % 1000:
            found.remove(at)
    assert [at for at in range(100_000) if found.first_after(at - 1) == at] == [
        *range(0, 100_000, 1000)
    ]
    assert len(found._blocks) <= 2


def test_instants_of_centuries_fit() -> None:
    """In microseconds, from the first second on."""
    found = Ordered()
    for at in (4_102_444_800_000_000, 0, 1 << 60):
        found.add(at)
    assert (found.after(-1), found.after(0), found.first_after(0)) == (3, 2, 4_102_444_800_000_000)
