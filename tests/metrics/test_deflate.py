"""Texts compressed one by one are one gzip file of one member."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from streams.metrics.deflate import NOTHING, Packed, gzip_file, packed, together

GZIP = 31
RAW = -15


@given(st.lists(st.binary(max_size=400)))
def test_parts_are_read_as_one_text(texts: list[bytes]) -> None:
    """The checksum and the size at the end are those of the whole."""
    file = b"".join(gzip_file(together(map(packed, texts))))
    assert gzip.decompress(file) == b"".join(texts)


def test_there_is_one_member() -> None:
    """Who stops after the first has read all there is: browsers and curl do."""
    reader = zlib.decompressobj(GZIP)
    file = b"".join(gzip_file(together([packed(b"one\n"), packed(b"two\n")])))
    assert (reader.decompress(file), reader.eof, reader.unused_data) == (b"one\ntwo\n", True, b"")


def test_a_part_refers_to_nothing_before_it() -> None:
    """Or it could be put behind no other."""
    text = b'callcenter_calls_offered_total{partition="0",queue="sales"} 1\n' * 50
    (piece,) = packed(text).pieces
    assert zlib.decompressobj(RAW).decompress(piece) == text
    assert len(piece) < len(text) / 10


def test_parts_of_parts_are_the_same() -> None:
    """However they are put together."""
    one, two, three = map(packed, (b"one\n", b"", b"three\n"))
    assert together([together([one, two]), NOTHING, together([three])]) == together(
        [one, two, three]
    )


def test_a_text_may_have_more_bytes_than_the_file_can_say() -> None:
    """Its size is told modulo 2^32 (RFC 1952)."""
    assert gzip_file(Packed((), 2**32 + 5, 1))[-1].endswith(b"\1\0\0\0\5\0\0\0")


def test_a_file_has_few_pieces() -> None:
    """Many take it at the same time, and each of them looks at every piece."""
    whole = together([packed(b"%d\n" % number) for number in range(1000)])
    assert len(gzip_file(whole)) < 20
