"""Columns of text: what stays the same is not compressed again, and never shown when it is old."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.metrics import columns
from streams.metrics.columns import RUN_BYTES, Column, compressed, plain
from streams.metrics.deflate import Packed, packed

TEXTS = st.lists(st.binary(max_size=RUN_BYTES // 2), max_size=8)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what is compressed from now on."""
    texts: list[bytes] = []

    def noted(text: bytes) -> Packed:
        texts.append(text)
        return packed(text)

    monkeypatch.setattr(columns, "packed", noted)
    return texts


def pieces(number: int, size: int = RUN_BYTES // 4) -> list[bytes]:
    """Texts of `size` bytes each."""
    return [bytes([index]) * size for index in range(number)]


@given(st.lists(TEXTS))
def test_a_column_is_always_its_newest_text(history: list[list[bytes]]) -> None:
    """Compressed and not, whatever it was before."""
    column = Column(())
    for texts in history:
        column = column.followed_by(texts)
        whole = b"".join(texts)
        assert b"".join(plain([column])) == whole
        assert gzip.decompress(b"".join(compressed([column, column]))) == 2 * whole


def test_the_same_text_is_the_same_column(done: list[bytes]) -> None:
    """It is compressed once."""
    column = Column(pieces(8))
    compressed([column])
    assert column.followed_by(pieces(8)) is column
    compressed([column])
    assert b"".join(done) == b"".join(pieces(8))


def test_a_change_costs_its_run_alone(done: list[bytes]) -> None:
    """The others are as they were."""
    column, after = Column(pieces(12)), pieces(12)
    compressed([column])
    done.clear()
    after[5] = b"x" * (RUN_BYTES // 4 + 10)
    compressed([column.followed_by(after)])
    assert done == [b"".join(after[4:8])]


def test_a_column_that_has_grown_is_cut_anew(done: list[bytes]) -> None:
    """Runs that were large enough for small texts would be far too large."""
    column = Column([b"x"] * 40)
    compressed([column])
    done.clear()
    compressed([column.followed_by(pieces(40))])
    assert {len(text) for text in done} == {RUN_BYTES}


def test_nothing_is_compressed_for_who_does_not_ask(done: list[bytes]) -> None:
    """A text in full needs no compressed one."""
    assert plain([Column(pieces(4)).followed_by(pieces(8))]) == [b"".join(pieces(8))]
    assert done == []


def test_a_text_is_joined_once_for_who_asks_for_it() -> None:
    """Until it is compressed: Prometheus has it that way, and the joined text is large."""
    column = Column(pieces(8))
    first = column.joined()
    assert column.joined() is first
    column.packed()
    assert column.joined() is not first


def test_no_text_is_divided(done: list[bytes]) -> None:
    """One that is longer than a run is a run."""
    compressed([Column([b"x" * 3 * RUN_BYTES, b"y"])])
    assert [len(text) for text in done] == [3 * RUN_BYTES, 1]
