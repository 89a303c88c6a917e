"""Checksums put together, against those of the whole text."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.metrics.checksums import combined


@given(st.binary(), st.binary())
def test_checksums_of_parts_make_that_of_the_whole(first: bytes, second: bytes) -> None:
    """As if the whole had been read."""
    found = combined(zlib.crc32(first), zlib.crc32(second), len(second))
    assert found == zlib.crc32(first + second)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 1_000_003, 16_777_216])
def test_a_large_text_counts_as_a_small_one_does(size: int) -> None:
    """Its size is what matters, in all of its bytes."""
    first, second = b"before", b"queue" * (size // 5) + b"q" * (size % 5)
    found = combined(zlib.crc32(first), zlib.crc32(second), size)
    assert found == zlib.crc32(first + second)
