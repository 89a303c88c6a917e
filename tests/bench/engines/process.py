"""One engine as a process of its own: started, pinned to a core, watched and ended."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

import msgspec

__all__ = ["Process", "Told", "pinned", "running"]

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM, _USER_ENDED, _SYSTEM_ENDED = 11, 12, 13, 14
"""where /proc/PID/stat has them, counted behind the name"""


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """Return the command, kept on one core where that can be done."""
    if core is None or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(core), *command]


class Told(msgspec.Struct, frozen=True):
    """A line that a peer wrote on stdout: what happened and when (seconds since 1970)."""

    what: str
    at: float
    result: msgspec.Raw = msgspec.Raw(b"null")


class Process:
    """A running engine and all of its children."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, core: int | None
    ) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.began = time.time()
            self._popen = subprocess.Popen(
                pinned(command, core), env={**os.environ, **environment},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream,
            )  # fmt: skip
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.put(line)

    def told(self, seconds: float) -> Told | None:
        """Return the next line that is a report, None if none comes in time.

        Raises:
            RuntimeError: the process has ended.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=min(left, 0.2))
            except Empty:
                self.check()
            else:
                if line.startswith(b'{"what"'):
                    return msgspec.json.decode(line, type=Told)
        return None

    def check(self) -> None:
        """Raise with the end of its log if the process has ended."""
        code = self._popen.poll()
        if code is not None and self._lines.empty():
            last = self.log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"it ended with {code}:\n{last}")

    def cpu_seconds(self) -> float:
        """Return the processor time of the process and all its children so far."""
        return sum(map(_cpu_seconds, self._tree()))

    def peak_bytes(self) -> int:
        """Return the largest resident memory of the process so far (children added up)."""
        return sum(map(_peak_bytes, self._tree()))

    def _tree(self) -> Iterator[int]:
        waiting = [self._popen.pid]
        while waiting:
            process = waiting.pop()
            yield process
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())

    def children(self) -> list[int]:
        """Return the process ids of all below it."""
        return [process for process in self._tree() if process != self._popen.pid]

    def end(self) -> None:
        """End the process at once; its numbers have been read."""
        children = self.children()
        self._popen.kill()
        self._popen.wait()
        for child in children:
            _kill(child)
        self._reader.join()
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.close()
        self._popen.stdout.close()


def _kill(process: int) -> None:
    try:
        os.kill(process, 9)
    except ProcessLookupError:
        return


def _cpu_seconds(process: int) -> float:
    text = Path(f"/proc/{process}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    parts = (fields[n] for n in (_USER, _SYSTEM, _USER_ENDED, _SYSTEM_ENDED))
    return sum(map(int, parts)) / _TICKS_A_SECOND


def _peak_bytes(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, core: int | None
) -> Iterator[Process]:
    """Run an engine for the time of the block."""
    process = Process(command, environment, log, core)
    try:
        yield process
    finally:
        process.end()
