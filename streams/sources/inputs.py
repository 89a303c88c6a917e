"""Files as lines: plain or gzip, several as one, standard input as `-`."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from streams.sources.base import MAX_LINE_BYTES
from streams.sources.errors import SourceError

__all__ = ["lines_of", "open_input"]

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_BUFFER_BYTES: Final = 1 << 20


def open_input(*paths: str | Path) -> Iterator[bytes]:
    """Yield the lines of all `paths` in that order, each with its line end; `-` is standard input.

    Only the last line of a file may lack its end. A line beyond `MAX_LINE_BYTES` is cut one byte
    later and its rest is skipped, so that memory stays bounded.

    Raises:
        SourceError: a file cannot be read; one line that names it.
    """
    for path in paths:
        yield from _one(str(path))


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a binary stream, cut as `open_input` says."""
    readline = stream.readline
    while line := readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip_rest(stream)
        yield line


def _skip_rest(stream: IO[bytes]) -> None:
    while rest := stream.readline(_BUFFER_BYTES):
        if rest.endswith(b"\n"):
            return


def _one(path: str) -> Iterator[bytes]:
    try:
        if path == "-":
            yield from _decoded(sys.stdin.buffer)
            return
        with Path(path).open("rb", buffering=_BUFFER_BYTES) as file:
            yield from _decoded(file)
    except EOFError:
        message = f"{path}: the gzip file ends too early; fetch it again or unpack what is there"
        raise SourceError(message) from None
    except (gzip.BadGzipFile, zlib.error):
        message = f"{path}: the gzip file is damaged; fetch it again"
        raise SourceError(message) from None
    except OSError as error:
        message = f"cannot read {path}: {error.strerror or error}"
        raise SourceError(message) from None


def _decoded(file: BinaryIO) -> Iterator[bytes]:
    if cast("io.BufferedReader", file).peek(2)[:2] == _GZIP_MAGIC:
        with gzip.open(file) as unpacked:
            yield from _without_mark(lines_of(io.BufferedReader(unpacked, _BUFFER_BYTES)))
    else:
        yield from _without_mark(lines_of(file))


def _without_mark(lines: Iterator[bytes]) -> Iterator[bytes]:
    for first in lines:
        yield first.removeprefix(_BYTE_ORDER_MARK)
        break
    yield from lines
