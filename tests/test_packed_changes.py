"""Changes as the log hashes them: the same bytes of the compiled kernel and of msgspec."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger import Change
from streams.packed_changes import packed

_EDGES = [0, 31, 32, 127, 128, 255, 256, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63 - 1]
_INTEGERS = st.sampled_from([each for edge in _EDGES for each in (edge, -1 - edge)])
_NUMBERS = _INTEGERS | st.integers(-(2**63), 2**64 - 1)
_LONG = st.sampled_from([31, 32, 255, 256, 65_535, 65_536]).map("x".__mul__)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | _LONG
_CHANGES = st.builds(
    Change,
    at=_NUMBERS,
    call_id=st.none() | _TEXTS,
    customer=st.none() | _TEXTS,
    due_at=st.none() | _NUMBERS,
    key=_TEXTS,
    queue=st.none() | _TEXTS,
    revision=_NUMBERS,
    state=_TEXTS,
    verdict=_TEXTS,
    wait=st.none() | _NUMBERS,
    was=st.none() | _TEXTS,
    was_wait=st.none() | _NUMBERS,
)


@given(st.lists(_CHANGES, max_size=20))
def test_any_changes_are_packed_as_msgspec_does(changes: list[Change]) -> None:
    """Numbers and texts on both sides of each length that the format knows."""
    assert packed(changes) == msgspec.msgpack.encode(changes)


@pytest.mark.parametrize("count", [0, 15, 16, 65_535, 65_536])
def test_any_number_of_changes_is_packed(count: int) -> None:
    """On both sides of each length of an array."""
    changes = [Change(1, "a", None, None, "a", "sales", 1, "kept", "answer")] * count
    assert packed(changes) == msgspec.msgpack.encode(changes)


@pytest.mark.parametrize("odd", [1.5, True, b"x", [1], {"a": 1}])
def test_what_no_change_holds_is_packed_too(odd: Any) -> None:
    """Left to msgspec, wherever it stands."""
    usual = Change(1, "a", None, None, "a", "sales", 1, "kept", "answer")
    other = Change(odd, "a", None, None, "a", "sales", 1, "kept", "answer", wait=odd)
    assert packed([usual, other]) == msgspec.msgpack.encode([usual, other])
    assert packed([usual, odd]) == msgspec.msgpack.encode([usual, odd])


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_a_number_that_the_format_does_not_know_is_refused(number: int) -> None:
    """Of more than 64 bits."""
    with pytest.raises(OverflowError):
        packed([Change(number, "a", None, None, "a", "sales", 1, "kept", "answer")])


def test_a_text_that_is_none_is_refused() -> None:
    """Half a character."""
    with pytest.raises(UnicodeEncodeError):
        packed([Change(1, "\ud800", None, None, "a", "sales", 1, "kept", "answer")])
