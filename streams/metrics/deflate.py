"""Texts compressed one by one and put together to one gzip file.

A deflate stream that is flushed ends on a byte, and one that has just begun refers to nothing
before it: such streams, one after the other, are one stream. So the file has one member. One with a
member for each text would be as valid, but browsers and curl read the first member alone.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.metrics.checksums import combined

__all__ = ["NOTHING", "Packed", "gzip_file", "packed", "together"]

_LEVEL: Final = 1
_RAW: Final = -15
_JOINED: Final = 64
"""Pieces that are joined: of a thousand bytes each, as those of queues mostly are"""
_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
"""deflate, no flags, no time, fastest, no particular system (RFC 1952)"""
_END: Final = b"\x03\0"
"""the last block of a stream, with nothing in it"""


@dataclass(frozen=True, slots=True)
class Packed:
    """A compressed text in pieces, and `size` (bytes) and checksum of what it was."""

    pieces: tuple[bytes, ...]
    size: int
    checksum: int


NOTHING: Final = Packed((), 0, 0)


def packed(text: bytes) -> Packed:
    """Return `text` as a part of a deflate stream. Lets go of the interpreter meanwhile."""
    packer = zlib.compressobj(_LEVEL, wbits=_RAW)
    data = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    return Packed((data,), len(text), zlib.crc32(text))


def together(parts: Iterable[Packed]) -> Packed:
    """Return `parts` one after the other."""
    pieces: list[bytes] = []
    size, checksum = 0, 0
    for part in parts:
        pieces += part.pieces
        size += part.size
        checksum = combined(checksum, part.checksum, part.size)
    return Packed(tuple(pieces), size, checksum)


def gzip_file(whole: Packed) -> list[bytes]:
    """Return a gzip file of one member in pieces, few of them small."""
    tail = struct.pack("<II", whole.checksum, whole.size & 0xFFFFFFFF)
    pieces = [_HEAD, *whole.pieces, _END, tail]
    # Joined for all who take it, but not all of it at once, which would hold up the worker.
    return [b"".join(pieces[at : at + _JOINED]) for at in range(0, len(pieces), _JOINED)]
