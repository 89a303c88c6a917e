"""A log that is followed while it is written, rotated, truncated and half-written."""

import os
import tempfile
from pathlib import Path
from random import Random
from threading import Event
from typing import TYPE_CHECKING, Final

from fuzzing.engine import Target
from streams.sources import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Followed"]

MAX_STEPS: Final = 24


class Followed(Target):
    """Every byte of an input is one thing a writer does while nobody looks.

    Between any two of them the follower looks until it finds nothing new, so that nothing it
    cannot see happens, and every line must come out: once, in order, whole unless cut off.
    """

    name = "follow"

    def make(self, random: Random) -> bytes:
        return random.randbytes(random.randint(1, MAX_STEPS))

    def check(self, data: bytes) -> bool:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            writer = _Writer(Path(folder) / "queue_log", data[:MAX_STEPS])
            given = follow(writer.path, writer, poll_seconds=1, from_start=True)
            found = [line for line in given if line]
            writer.close()
        assert found == writer.expected, (found, writer.expected)
        return True


class _Writer(Event):
    """Does the next thing whenever the follower waits, and stops it when all is done."""

    def __init__(self, path: Path, steps: bytes) -> None:
        super().__init__()
        self.path = path
        self.expected: list[bytes] = []
        """what the follower must have given out in the end"""
        self._steps: Iterator[int] = iter(steps)
        self._number = 0
        self._half = b""
        self._old: Path | None = None
        self._old_half = b""
        self._rotated = 0
        self._ways: tuple[Callable[[int], None], ...] = (
            self._whole, self._whole, self._several, self._begin, self._finish, self._rename,
            self._late, self._create, self._truncate, self._replace,
        )  # fmt: skip

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - nothing to wait for
        step = next(self._steps, None)
        if step is None:
            self.set()
        else:
            self._ways[step % len(self._ways)](step // len(self._ways))
        return self.is_set()

    def close(self) -> None:
        """Leave nothing open; the half-written line stays unread."""

    def _line(self) -> bytes:
        self._number += 1
        return b"line %d\n" % self._number

    def _append(self, path: Path, content: bytes) -> None:
        with path.open("ab", buffering=0) as file:
            file.write(content)

    def _write(self, content: bytes) -> None:
        """Append to the log itself; the first byte in a new one makes the old one complete."""
        if content:
            self._succeed()
        self._append(self.path, content)

    def _succeed(self) -> None:
        if self._old is not None:
            self._give_up(self._old_half)
            self._old, self._old_half = None, b""

    def _give_up(self, half: bytes) -> None:
        if half:
            self.expected.append(half)

    def _whole(self, _: int) -> None:
        line = self._line()
        self._write(line)
        self.expected.append(self._half + line)
        self._half = b""

    def _several(self, size: int) -> None:
        for _ in range(size):
            self._whole(0)

    def _begin(self, size: int) -> None:
        piece = (b"half %d" % self._number)[: size + 1]
        self._write(piece)
        self._half += piece

    def _finish(self, _: int) -> None:
        if self._half:
            self._whole(0)

    def _rename(self, _: int) -> None:
        """Rotate; one that was not followed to its end yet is left as it is."""
        if self._old is not None or not self.path.exists() or not self.path.stat().st_size:
            return
        self._rotated += 1
        self._old = self.path.rename(self.path.with_name(f"queue_log.{self._rotated}"))
        self._old_half, self._half = self._half, b""

    def _late(self, _: int) -> None:
        """A writer that has not noticed the renaming goes on in the old file."""
        if self._old is not None:
            line = self._line()
            self._append(self._old, line)
            self.expected.append(self._old_half + line)
            self._old_half = b""

    def _create(self, _: int) -> None:
        self.path.touch()

    def _truncate(self, _: int) -> None:
        if self.path.exists() and self._old is None:
            os.truncate(self.path, 0)
            self._give_up(self._half)
            self._half = b""

    def _replace(self, _: int) -> None:
        """Copy and truncate, and so much written at once that the file is longer than before."""
        if not self.path.exists() or self._old is not None or not self.path.stat().st_size:
            return
        self._give_up(self._half)
        self._half = b""
        lines = [self._line() for _ in range(self.path.stat().st_size // 4 + 1)]
        self.path.write_bytes(b"".join(lines))
        self.expected += lines
