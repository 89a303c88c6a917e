"""Batches: cutting off what is known, and cutting into parts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from records import Raw, batch

OFFSETS = st.lists(st.integers(0, 500), min_size=1, max_size=60, unique=True).map(sorted)


@given(OFFSETS, st.integers(1, 70), st.integers(1, 20))
def test_parts_are_the_batch_and_follow_each_other(
    offsets: list[int], size: int, beyond: int
) -> None:
    """Put together they are the batch; each begins where the one before it ended."""
    whole = batch([Raw(n, b"") for n in offsets], offsets[-1] + beyond)
    parts = list(whole.parts(size))
    assert [record for part in parts for record in part.records] == list(whole.records)
    assert all(0 < len(part.records) <= size for part in parts)
    assert parts[-1].next_offset == whole.next_offset
    for before, after in pairwise(parts):
        assert before.next_offset == after.first_offset


def test_a_batch_without_records_has_one_part() -> None:
    """Its end still counts."""
    empty = batch([], 7)
    assert list(empty.parts(10)) == [empty]
    assert empty.first_offset == 7


@given(OFFSETS, st.integers(0, 510))
def test_since_leaves_out_exactly_what_lies_below(offsets: list[int], start: int) -> None:
    """No record below the offset stays, none from it on is lost."""
    cut = batch([Raw(n, b"") for n in offsets]).since(start)
    assert [record.offset for record in cut.records] == [n for n in offsets if n >= start]
    assert cut.next_offset == offsets[-1] + 1
