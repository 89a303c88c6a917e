"""Runs a target on many inputs and collects what must not have happened."""

import resource
import signal
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import FrameType, TracebackType
from typing import Final

__all__ = [
    "Finding",
    "Report",
    "SlowInputError",
    "Target",
    "bounded_memory",
    "fuzz",
    "made",
    "one_line",
]

MAX_CPU_SECONDS: Final = 2.0
"""For one input; the slowest honest one takes a tenth of it, on a busy machine too."""
MAX_MORE_MEMORY: Final = 1 << 30
MAX_MESSAGE: Final = 2_000


class Target(ABC):
    """Something that reads bytes from outside.

    Inputs are plain bytes, so that any of them can be kept in a file and that a coverage-guided
    fuzzer can make its own.
    """

    name: str

    @abstractmethod
    def make(self, random: Random) -> bytes:
        """Return an input that only `random` decides on."""

    def close(self) -> None:  # noqa: B027 - most have nothing to clean up
        """Clean up."""

    @abstractmethod
    def check(self, data: bytes) -> bool:
        """Have `data` read and return whether it could be.

        Raises whatever is not documented, or AssertionError.
        """


class SlowInputError(BaseException):
    """An input took too long; no `except Exception` may swallow it."""


@dataclass
class Finding:
    """One way in which inputs failed: where and how, the first such input and their number."""

    what: str
    index: int
    data: bytes
    trace: str
    times: int = 1


@dataclass
class Report:
    """What a run came to; seconds of this process."""

    inputs: int = 0
    read: int = 0
    """inputs that could be read; the others were refused"""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    slowest_seconds: float = 0.0
    slowest_index: int = 0
    more_memory: int = 0
    """by how many bytes the greatest memory of the process grew"""
    findings: dict[str, Finding] = field(default_factory=dict)


def made(target: Target, seed: int, index: int) -> bytes:
    """Return input number `index` of `seed`: the same whatever came before it."""
    return target.make(Random(f"{target.name}/{seed}/{index}"))


def fuzz(
    target: Target,
    seed: int,
    first: int,
    count: int,
    told: Callable[[Report], None] | None = None,
) -> Report:
    """Check inputs `first` to `first + count - 1` of `seed`; `told` looks in now and then."""
    report = Report()
    memory = _greatest_memory()
    cpu, wall = time.process_time(), time.perf_counter()
    with _deadline() as limited:
        for index in range(first, first + count):
            _one(target, report, index, made(target, seed, index), limited)
            if told is not None and not report.inputs % 1000:
                report.cpu_seconds = time.process_time() - cpu
                told(report)
    report.cpu_seconds = time.process_time() - cpu
    report.wall_seconds = time.perf_counter() - wall
    report.more_memory = _greatest_memory() - memory
    return report


def one_line(message: str, *secrets: str) -> None:
    """Assert that `message` is one for people, and tells none of `secrets`."""
    assert message
    assert len(message.splitlines()) == 1, message
    assert len(message) <= MAX_MESSAGE, len(message)
    assert not [secret for secret in secrets if secret in message]


def _one(
    target: Target, report: Report, index: int, data: bytes, limited: Callable[[float], None]
) -> None:
    began = time.process_time()
    try:
        limited(MAX_CPU_SECONDS)
        report.read += target.check(data)
        limited(0)
    except (Exception, SlowInputError) as error:
        limited(0)
        _note(report, index, data, error)
    taken = time.process_time() - began
    report.inputs += 1
    if taken > report.slowest_seconds:
        report.slowest_seconds, report.slowest_index = taken, index


def _note(report: Report, index: int, data: bytes, error: BaseException) -> None:
    what = f"{type(error).__name__} in {_place(error.__traceback__)}"
    known = report.findings.get(what)
    if known is not None:
        known.times += 1
        return
    report.findings[what] = Finding(
        what, index, data, "".join(traceback.format_exception(error, limit=-12))
    )


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if "/streams/" in frame.filename] or frames
    last = own[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.name}:{last.lineno}"


@contextmanager
def _deadline() -> Iterator[Callable[[float], None]]:
    """Give a function that raises SlowInputError after so many seconds of CPU (0: never)."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise SlowInputError

    before = signal.signal(signal.SIGPROF, ring)
    try:
        yield _set_alarm
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _set_alarm(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)


def bounded_memory() -> None:
    """From now on this process gets a GiB more and then a MemoryError, which is a finding."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + MAX_MORE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _greatest_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
