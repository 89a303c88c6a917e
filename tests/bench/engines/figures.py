"""What is measured of a run, and what is told of several: minimum, median, maximum, ratios."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from msgspec import Struct

__all__ = ["Run", "Spread", "paired_ratios", "spread"]


class Run(Struct, frozen=True):
    """One engine's run over one topic whose result was right. Times in seconds since 1970."""

    events: int
    began: float
    """when the process was started"""
    first: float
    """the first record was taken"""
    half: float
    """half of the records, or some more, were applied"""
    half_events: int
    """how many by then"""
    done: float
    """all were"""
    told: float
    """the first result was there"""
    cpu_to_start: float
    """of the whole process tree, until the first record was taken, in seconds"""
    cpu_seconds: float
    """of the whole process tree, until all were applied"""
    peak_bytes: int

    @property
    def rate(self) -> float:
        """Events a second from the first record to the last."""
        return self.events / (self.done - self.first)

    @property
    def rate_with_start(self) -> float:
        """Events a second from the start of the process."""
        return self.events / (self.done - self.began)

    @property
    def warm_rate(self) -> float | None:
        """Events a second over the second half; None: it was over before anybody looked."""
        if self.half >= self.done:
            return None
        return (self.events - self.half_events) / (self.done - self.half)

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds per million events, the start of the process left out."""
        return (self.cpu_seconds - self.cpu_to_start) / self.events * 1e6

    @property
    def to_first_result(self) -> float:
        """Seconds from the start of the process to its first result."""
        return self.told - self.began


class Spread(NamedTuple):
    """The least, the middle and the largest of some numbers."""

    least: float
    middle: float
    largest: float


def spread(numbers: Iterable[float]) -> Spread:
    """Return the spread of at least one number."""
    found = sorted(numbers)
    return Spread(found[0], median(found), found[-1])


def paired_ratios(ours: Sequence[Run], theirs: Sequence[Run]) -> list[float]:
    """Return how many times faster ours was, round by round."""
    return [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]
