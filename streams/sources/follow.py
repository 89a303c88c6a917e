"""A log that is still being written, as lines: through rotation, truncation and pauses."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event as StopEvent
from typing import Final

from streams.sources.base import MAX_LINE_BYTES
from streams.sources.errors import SourceError

__all__ = ["follow"]

_CHUNK_BYTES: Final = 1 << 18
_HEAD_BYTES: Final = 64


def follow(
    path: str | Path,
    stop: StopEvent,
    *,
    poll_seconds: float = 0.25,
    quiet_seconds: float = 1.0,
    from_start: bool = True,
) -> Iterator[bytes]:
    """Yield the lines of a log as they are written, each with its line end, until `stop` is set.

    The file may be absent at first, may be renamed and begun anew, truncated, or copied and
    truncated. A renamed file is read until its successor has something in it: a log has one writer,
    so from then on it is complete. A half-written line is held back until its end comes. After
    `quiet_seconds` without anything new an empty line `b""` is yielded once. `from_start` false
    leaves out what the file holds at the beginning.

    What no reader by polling can see: a second rotation within `poll_seconds`, and what was written
    between the last look and a truncation.

    Raises:
        SourceError: the file is there but cannot be opened.
    """
    tail = _Tail(Path(path), from_start=from_start)
    quiet_polls = max(1, round(quiet_seconds / poll_seconds))
    idle = 0
    try:
        while not stop.is_set():
            lines = tail.read()
            if lines is not None:
                idle = 0
                yield from lines
                continue
            idle += 1
            if idle == quiet_polls:
                yield b""
            stop.wait(poll_seconds)
    finally:
        tail.close()


class _Lines:
    """Puts chunks together to lines and holds back the half-written one."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._skipping = False

    def add(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes."""
        *complete, rest = chunk.split(b"\n")
        lines = []
        for piece in complete:
            if not self._skipping:
                lines.append(bytes(self._partial) + piece + b"\n")
            self._partial.clear()
            self._skipping = False
        if not self._skipping:
            self._partial += rest
        if len(self._partial) > MAX_LINE_BYTES:
            # It goes out cut, to be refused once; its rest is skipped.
            lines.append(bytes(self._partial[: MAX_LINE_BYTES + 1]))
            self._partial.clear()
            self._skipping = True
        return lines

    def flush(self) -> list[bytes]:
        """Give out a line whose end will never come, so that it is counted."""
        cut = [bytes(self._partial)] if self._partial else []
        self._partial.clear()
        self._skipping = False
        return cut


class _LogFile:
    """One opened file; keeps to it when its name moves on to another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)
        self._head = b""

    def close(self) -> None:
        self._file.close()

    def read(self) -> bytes:
        """Return what is new, at most a chunk."""
        chunk = self._file.read(_CHUNK_BYTES) or b""
        if chunk and len(self._head) < _HEAD_BYTES:
            self._head = os.pread(self._file.fileno(), _HEAD_BYTES, 0)
        return chunk

    def rewind(self) -> None:
        self._file.seek(0)
        self._head = b""

    def has_successor(self) -> bool:
        """Whether another file has its name and something in it."""
        try:
            named = self._path.stat()
        except OSError:
            return False
        opened = os.fstat(self._file.fileno())
        return (named.st_ino, named.st_dev) != (opened.st_ino, opened.st_dev) and named.st_size > 0

    def truncated(self) -> bool:
        """Whether it is shorter than what was read of it, or begins otherwise."""
        descriptor = self._file.fileno()
        if os.fstat(descriptor).st_size < self._file.tell():
            return True
        return os.pread(descriptor, len(self._head), 0) != self._head


class _Tail:
    """The end of the log under one name, whichever file that is."""

    def __init__(self, path: Path, *, from_start: bool) -> None:
        self._path = path
        self._lines = _Lines()
        self._file = self._open()
        if self._file is not None and not from_start:
            # Not a seek to the end: a line may be half-written there.
            while chunk := self._file.read():
                self._lines.add(chunk)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def read(self) -> list[bytes] | None:
        """Return the lines that are new; None if the log is as it was at the last look."""
        self._file = self._file or self._open()
        if self._file is None:
            return None
        # Asked before reading: once the successor is written to, the old file is complete.
        replaced = self._file.has_successor()
        if self._file.truncated():
            self._file.rewind()
            return self._lines.flush()
        chunk = self._file.read()
        if chunk:
            return self._lines.add(chunk)
        return self._switch() if replaced else None

    def _switch(self) -> list[bytes]:
        self.close()
        self._file = None
        return self._lines.flush()

    def _open(self) -> _LogFile | None:
        try:
            return _LogFile(self._path)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"cannot follow {self._path}: {error.strerror}"
            raise SourceError(message) from None
