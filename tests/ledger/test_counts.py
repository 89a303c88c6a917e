"""Counts by place: the same of the compiled kernel and as they are written."""

import runpy
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger.counts import Counts

WRITTEN: Final = Path(__file__).parents[2] / "streams" / "ledger" / "counts.py"
"""Run as a file, it is never the compiled one."""
_Written: Final = runpy.run_path(str(WRITTEN))["Counts"]

_NUMBERS: Final = st.sampled_from([0, 1, -1, 5, 2**62, -(2**62), 2**63 - 1, -(2**63), 2**63, 2**70])
_SIZES: Final = st.integers(0, 9)
_PLACES: Final = st.integers(-2, 10)
_PAIRS: Final = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([1, -1, 2**60 - 1]))).map(
    lambda pairs: [number for pair in pairs for number in pair]
)


def _outcome(counts: Any, name: str, *given: Any) -> Any:
    try:
        return getattr(counts, name)(*given)
    except (IndexError, OverflowError, ValueError) as error:
        return type(error)


_WITHIN = st.sampled_from(["merge_within", "take_away_within"])
_STEPS: Final = st.one_of(
    st.tuples(st.just("add"), _PLACES, _NUMBERS),
    st.tuples(st.just("add_one"), _PLACES, _PLACES),
    st.tuples(st.just("set"), st.lists(_NUMBERS, max_size=9)),
    st.tuples(st.just("set_pairs"), st.lists(st.one_of(_PLACES, _NUMBERS), max_size=6)),
    st.tuples(st.just("set_pairs"), _PAIRS),
    st.tuples(st.sampled_from(["merge", "take_away"])),
    st.tuples(st.just("take_away_all")),
    st.tuples(_WITHIN, st.integers(-1, 4), st.integers(-1, 4)),
    st.tuples(st.just("longest"), st.integers(-(2**40), 2**40)),
    st.tuples(st.sampled_from(["numbers", "pairs"])),
)


@given(_SIZES, _SIZES, st.lists(_STEPS, max_size=30))
def test_whatever_is_done_gives_the_same(mine: int, theirs: int, steps: list[Any]) -> None:
    """Also what cannot be done, of which nothing or as much is left behind."""
    pairs = [(Counts(mine), _Written(mine)), (Counts(theirs), _Written(theirs))]
    for number, (name, *arguments) in enumerate(steps):
        one, other = pairs[number % 2], pairs[1 - number % 2]
        if name in ("merge", "take_away"):
            told = [_outcome(a, name, b) for a, b in zip(one, other, strict=True)]
        elif name in ("merge_within", "take_away_all", "take_away_within"):
            some = [dict.fromkeys((3, 0, 2), each) for each in other]
            told = [_outcome(a, name, b, *arguments) for a, b in zip(one, some, strict=True)]
        elif name == "longest":
            one[0].longest, one[1].longest = arguments * 2
            told = [None, None]
        else:
            told = [_outcome(each, name, *arguments) for each in one]
        assert told[0] == told[1]
        assert one[0].numbers() == one[1].numbers()
        assert one[0].longest == one[1].longest


def test_only_counts_go_together_with_counts() -> None:
    """A list of numbers is none."""
    with pytest.raises((TypeError, AttributeError)):
        Counts(2).merge([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [(), ([],), ([], 1), ({0: 1}, -1), ({"a": 1}, -1)])
def test_only_numbered_counts_are_added_together(given: tuple[Any, ...]) -> None:
    """No list, no other keys, no other values; and with a number, where one is asked for."""
    for name in ("merge_within", "take_away_within"):
        with pytest.raises((TypeError, AttributeError)):
            getattr(Counts(2), name)(*given, 5)
    for values in ([1], None, {0: 1}):
        with pytest.raises((TypeError, AttributeError)):
            Counts(2).take_away_all(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [(), (1, 2), ("1",), (None,)])
def test_counts_are_made_of_their_size(given: tuple[Any, ...]) -> None:
    """All of them 0, and nothing is told twice."""
    for make in (Counts, _Written):
        assert make(3).numbers() == [0, 0, 0]
        with pytest.raises(TypeError):
            make(*given)


def test_pairs_are_read_back() -> None:
    """What `pairs` gives is what `set_pairs` takes, and nothing of what was there stays."""
    one, other = Counts(5), Counts(5)
    one.set([0, 7, 0, -3, 1])
    other.set([9, 9, 9, 9, 9])
    other.set_pairs(one.pairs())
    assert other.numbers() == one.numbers() == [0, 7, 0, -3, 1]
