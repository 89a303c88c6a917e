"""Rolling windows in event time, per queue: only parts that add up, never a ratio."""

from bisect import bisect_left
from itertools import accumulate
from typing import Final, TypeAlias

from msgspec import Struct, field

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.ledger.rules import Rules

__all__ = ["WINDOWS", "NoWindows", "QueueWindows", "WindowSums", "Windows"]

_FINE: Final = 5 * SECOND
_COARSE: Final = 30 * MINUTE

WINDOWS: Final[dict[str, tuple[int, int]]] = {
    "1m": (MINUTE, _FINE),
    "5m": (5 * MINUTE, _FINE),
    "15m": (15 * MINUTE, _FINE),
    "1h": (HOUR, _FINE),
    "1d": (DAY, _COARSE),
    "30d": (30 * DAY, _COARSE),
}
"""The windows: length and width of a slice, in microseconds. A window is exact to one slice."""

_SPANS: Final = tuple(WINDOWS.values())
_WAIT_BOUNDS: Final = (1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_WAIT_SUM: Final = "wait_sum"
_BUCKETS: Final = tuple(str(number) for number in range(len(_WAIT_BOUNDS) + 2))
_WAITS: Final = frozenset({*_BUCKETS, _WAIT_SUM})
_MAX_UNFOLDED: Final = 4096

_Counts: TypeAlias = dict[str, int]
"""Classes by name, wait buckets by number, the sum of waits in microseconds by its name."""


class WindowSums(Struct):
    """What happened within one window of one queue."""

    classes: dict[str, int] = field(default_factory=dict)
    """how many of each class: `offered`, `answer_kept`, `outcome_diverted`, ..."""
    wait_sum: float = 0.0
    """seconds waited by those answered"""
    wait_count: int = 0
    wait_max: float = 0.0
    wait_buckets: list[int] = field(default_factory=list)
    """cumulative counts of waits up to each bound and, last, of all"""


class Slice(Struct):
    """What happened within one slice of time."""

    counts: _Counts = field(default_factory=dict)
    wait_max: int = 0

    def merge(self, other: "Slice") -> None:
        """Add what is in `other`."""
        _merge(self.counts, other.counts, 1)
        self.wait_max = max(self.wait_max, other.wait_max)


class QueueWindows(Struct):
    """The slices of one queue and the running sum of each window."""

    fine: dict[int, Slice] = field(default_factory=dict)
    coarse: dict[int, Slice] = field(default_factory=dict)
    sums: list[_Counts] = field(default_factory=lambda: [{} for _ in _SPANS])
    maxima: list[int] = field(default_factory=lambda: [0] * len(_SPANS))
    tails: list[int] = field(default_factory=lambda: [0] * len(_SPANS))
    """the last slice that has left each window"""

    def expire(self, end: int) -> None:
        """Let every window end at `end`."""
        for index, (length, width) in enumerate(_SPANS):
            tail = (end - length) // width
            if tail > self.tails[index]:
                self._leave(index, self._slices(width), tail)
                self.tails[index] = tail
        for slices, tail in ((self.fine, self.tails[3]), (self.coarse, self.tails[5])):
            for number in [number for number in slices if number <= tail]:
                del slices[number]

    def add(self, added: Slice, number: int) -> None:
        """Add the fine slice `number` wherever it has not left the window."""
        at = number * _FINE
        for index, (_, width) in enumerate(_SPANS):
            if at // width > self.tails[index]:
                _merge(self.sums[index], added.counts, 1)
                self.maxima[index] = max(self.maxima[index], added.wait_max)
        if number > self.tails[3]:
            self.fine.setdefault(number, Slice()).merge(added)
        if at // _COARSE > self.tails[5]:
            self.coarse.setdefault(at // _COARSE, Slice()).merge(added)

    def rebucket(self, old: list[float], new: list[float]) -> None:
        """Sort waits counted under `old` bounds into the buckets of `new`.

        One whose bucket is divided counts for as long as it may have been.
        """
        places = [(number, bisect_left(new, bound)) for number, bound in enumerate(old)]
        places.append((len(old), len(new)))
        slices = (*self.fine.values(), *self.coarse.values())
        for counts in (*self.sums, *(part.counts for part in slices)):
            waits = [(place, counts.pop(_BUCKETS[number], 0)) for number, place in places]
            for place, waited in waits:
                if waited:
                    counts[_BUCKETS[place]] = counts.get(_BUCKETS[place], 0) + waited

    def _leave(self, index: int, slices: dict[int, Slice], tail: int) -> None:
        last = self.tails[index]
        stay_max = 0
        for number, gone in slices.items():
            if last < number <= tail:
                _merge(self.sums[index], gone.counts, -1)
            elif number > tail:
                stay_max = max(stay_max, gone.wait_max)
        self.maxima[index] = stay_max

    def _slices(self, width: int) -> dict[int, Slice]:
        return self.fine if width == _FINE else self.coarse


class Windows:
    """All windows of one partition.

    What is counted is collected by queue and fine slice and folded into the windows when they
    are read: counting costs the same however many windows there are.
    """

    def __init__(self, rules: Rules) -> None:
        self.end = 0
        self.queues: dict[str, QueueWindows] = {}
        self._rules = rules
        self._bounds: dict[str, list[float]] = {}
        self._unfolded: dict[tuple[str, int], Slice] = {}

    def bounds(self, label: str) -> list[float]:
        """Return the bounds of the wait buckets of a queue in seconds, one at its target."""
        bounds = self._bounds.get(label)
        if bounds is None:
            target = self._rules.of(label).answer_target / SECOND
            bounds = self._bounds[label] = sorted({*_WAIT_BOUNDS, target})
        return bounds

    def count(self, label: str, name: str, at: int, change: int) -> None:
        """Add `change` (1, or -1 for what was corrected) to a class at event time `at`."""
        key = (label, at // _FINE)
        added = self._unfolded.get(key)
        if added is None:
            added = self._unfolded[key] = Slice()
        added.counts[name] = added.counts.get(name, 0) + change

    def wait(self, label: str, wait: int, at: int, change: int) -> None:
        """Add, or with -1 take away, one answered call that waited `wait` microseconds."""
        added = self._unfolded.setdefault((label, at // _FINE), Slice())
        bucket = _BUCKETS[bisect_left(self.bounds(label), wait / SECOND)]
        added.counts[bucket] = added.counts.get(bucket, 0) + change
        added.counts[_WAIT_SUM] = added.counts.get(_WAIT_SUM, 0) + change * wait
        if change > 0:
            added.wait_max = max(added.wait_max, wait)

    def answered_in_target(self, label: str, wait: int, at: int) -> None:
        """Count a call answered in target: its outcome, both promises and its wait."""
        key = (label, at // _FINE)
        added = self._unfolded.get(key)
        if added is None:
            added = self._unfolded[key] = Slice()
        counts = added.counts
        counts["outcome_answered_in_target"] = counts.get("outcome_answered_in_target", 0) + 1
        counts["answer_kept"] = counts.get("answer_kept", 0) + 1
        counts["promise_kept"] = counts.get("promise_kept", 0) + 1
        bucket = _BUCKETS[bisect_left(self.bounds(label), wait / SECOND)]
        counts[bucket] = counts.get(bucket, 0) + 1
        counts[_WAIT_SUM] = counts.get(_WAIT_SUM, 0) + wait
        added.wait_max = max(added.wait_max, wait)

    def advance(self, end: int) -> None:
        """Let the windows end at `end` (event time); never goes back."""
        self.end = max(self.end, end)
        if len(self._unfolded) > _MAX_UNFOLDED:
            self.fold()

    def fold(self) -> None:
        """Bring every window up to what was counted and to `end`."""
        for queue in self.queues.values():
            queue.expire(self.end)
        for (label, number), added in self._unfolded.items():
            queue = self.queues.get(label) or self._new_queue(label)
            queue.add(added, number)
        self._unfolded.clear()

    def read(self) -> dict[tuple[str, str], WindowSums]:
        """Return the sums by queue label and name of window, as of the last `advance`."""
        self.fold()
        return {
            (label, name): self._sums(label, queue.sums[index], queue.maxima[index])
            for label, queue in self.queues.items()
            for index, name in enumerate(WINDOWS)
        }

    def _new_queue(self, label: str) -> QueueWindows:
        queue = self.queues[label] = QueueWindows()
        queue.expire(self.end)
        return queue

    def _sums(self, label: str, counts: _Counts, wait_max: int) -> WindowSums:
        waits = accumulate(counts.get(b, 0) for b in _BUCKETS[: len(self.bounds(label)) + 1])
        # A wait taken back under another target than it was counted under leaves a hole.
        cumulative = list(accumulate(waits, max, initial=0))[1:]
        return WindowSums(
            classes={name: n for name, n in counts.items() if n and name not in _WAITS},
            wait_sum=counts.get(_WAIT_SUM, 0) / SECOND,
            wait_count=cumulative[-1],
            wait_max=wait_max / SECOND,
            wait_buckets=cumulative,
        )


class NoWindows(Windows):
    """Keeps none: for a replay, which tells of the whole stretch."""

    def count(self, label: str, name: str, at: int, change: int) -> None:
        """Do nothing."""

    def wait(self, label: str, wait: int, at: int, change: int) -> None:
        """Do nothing."""

    def answered_in_target(self, label: str, wait: int, at: int) -> None:
        """Do nothing."""


def _merge(into: _Counts, counts: _Counts, sign: int) -> None:
    for name, number in counts.items():
        into[name] = into.get(name, 0) + sign * number
