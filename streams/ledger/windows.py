"""Rolling windows in event time, per queue: only parts that add up, never a ratio."""

from bisect import bisect_left
from typing import Final

from msgspec import Struct, field

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.ledger.rules import Rules

__all__ = ["WINDOWS", "WindowSums", "Windows"]

WINDOWS: Final[dict[str, tuple[int, int]]] = {
    "1m": (MINUTE, SECOND),
    "5m": (5 * MINUTE, 5 * SECOND),
    "15m": (15 * MINUTE, 15 * SECOND),
    "1h": (HOUR, MINUTE),
    "1d": (DAY, 30 * MINUTE),
    "30d": (30 * DAY, 12 * HOUR),
}
"""The windows: length and width of a slice, in microseconds. A window is exact to one slice."""

_BASE: Final = SECOND
_WAIT_BOUNDS: Final = (1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


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


class _Slice(Struct, gc=False):
    counts: dict[str, int]
    waits: list[int]
    wait_sum: int = 0
    wait_max: int = 0


class _Ring:
    """The slices of one window of one queue, and their running sum."""

    def __init__(self, length: int, width: int, buckets: int) -> None:
        self._length = length
        self._width = width
        self._buckets = buckets
        self.slices: dict[int, _Slice] = {}
        self.sums: dict[str, int] = {}
        self.waits = [0] * buckets
        self.wait_sum = 0
        self._expired = -1

    def add(self, added: _Slice, at: int, end: int) -> None:
        number = at // self._width
        if number <= (end - self._length) // self._width:
            return
        kept = self.slices.get(number)
        if kept is None:
            kept = self.slices[number] = _Slice({}, [0] * self._buckets)
        for name, count in added.counts.items():
            kept.counts[name] = kept.counts.get(name, 0) + count
            self.sums[name] = self.sums.get(name, 0) + count
        if any(added.waits):
            for index, count in enumerate(added.waits):
                kept.waits[index] += count
                self.waits[index] += count
        kept.wait_sum += added.wait_sum
        self.wait_sum += added.wait_sum
        kept.wait_max = max(kept.wait_max, added.wait_max)

    def expire(self, end: int) -> None:
        oldest = (end - self._length) // self._width
        if oldest == self._expired:
            return
        self._expired = oldest
        for number in [number for number in self.slices if number <= oldest]:
            gone = self.slices.pop(number)
            for name, count in gone.counts.items():
                self.sums[name] -= count
            for index, count in enumerate(gone.waits):
                self.waits[index] -= count
            self.wait_sum -= gone.wait_sum

    def read(self) -> WindowSums:
        cumulative: list[int] = []
        for count in self.waits:
            cumulative.append(count + (cumulative[-1] if cumulative else 0))
        return WindowSums(
            classes={name: count for name, count in self.sums.items() if count},
            wait_sum=self.wait_sum / SECOND,
            wait_count=cumulative[-1],
            wait_max=max((s.wait_max for s in self.slices.values()), default=0) / SECOND,
            wait_buckets=cumulative,
        )


class Windows:
    """All windows of one partition.

    What is added is collected by second and reaches the rings with the next `advance`: an
    addition costs the same however many windows there are.
    """

    def __init__(self, rules: Rules) -> None:
        self.end = 0
        self._rules = rules
        self._bounds: dict[str, list[float]] = {}
        self._rings: dict[str, dict[str, _Ring]] = {}
        self._added: dict[tuple[str, int], _Slice] = {}

    def bounds(self, label: str) -> list[float]:
        """Return the bounds of the wait buckets of a queue in seconds, one at its target."""
        bounds = self._bounds.get(label)
        if bounds is None:
            target = self._rules.of(label).answer_target / SECOND
            bounds = self._bounds[label] = sorted({*_WAIT_BOUNDS, target})
        return bounds

    def count(self, label: str, name: str, at: int, change: int) -> None:
        """Add `change` (1, or -1 for what was corrected) to a class at event time `at`."""
        counts = self._slice(label, at).counts
        counts[name] = counts.get(name, 0) + change

    def wait(self, label: str, wait: int, at: int, change: int) -> None:
        """Add, or with -1 take away, one answered call that waited `wait` microseconds."""
        added = self._slice(label, at)
        added.waits[bisect_left(self.bounds(label), wait / SECOND)] += change
        added.wait_sum += change * wait
        if change > 0:
            added.wait_max = max(added.wait_max, wait)

    def advance(self, end: int) -> None:
        """Let the windows end at `end` (event time); never goes back."""
        self.end = max(self.end, end)
        for (label, second), added in self._added.items():
            for ring in self._of(label).values():
                ring.add(added, second * _BASE, self.end)
        self._added.clear()
        for rings in self._rings.values():
            for ring in rings.values():
                ring.expire(self.end)

    def read(self) -> dict[tuple[str, str], WindowSums]:
        """Return the sums by queue label and name of window, as of the last `advance`."""
        return {
            (label, name): ring.read()
            for label, rings in self._rings.items()
            for name, ring in rings.items()
        }

    def _slice(self, label: str, at: int) -> _Slice:
        key = (label, at // _BASE)
        added = self._added.get(key)
        if added is None:
            added = self._added[key] = _Slice({}, [0] * (len(self.bounds(label)) + 1))
        return added

    def _of(self, label: str) -> dict[str, _Ring]:
        rings = self._rings.get(label)
        if rings is None:
            buckets = len(self.bounds(label)) + 1
            rings = self._rings[label] = {
                name: _Ring(length, width, buckets) for name, (length, width) in WINDOWS.items()
            }
        return rings
