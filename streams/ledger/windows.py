"""Rolling windows in event time, per queue: only parts that add up, never a ratio."""

from bisect import bisect_left
from typing import Final

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.ledger.compiled import mypyc_attr
from streams.ledger.counts import Counts
from streams.ledger.rules import Rules
from streams.ledger.slices import Slices
from streams.ledger.totals import PAIRS, PLACES, bucket_of, limits_of
from streams.ledger.window_sums import WindowSums

__all__ = ["KINDS", "OFFERED", "WINDOWS", "NoWindows", "QueueWindows", "Windows"]

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
_FIRST_COARSE: Final = 4
"""From this window on slices are coarse."""
_LONGEST: Final = (3, 5)
"""The longest window of fine and of coarse slices: what has left it is kept no longer."""
_FINE_IN_COARSE: Final = _COARSE // _FINE
_WAIT_BOUNDS: Final[tuple[float, ...]] = (1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_MAX_UNFOLDED: Final = 4096
_NEVER: Final = 1 << 60
"""No slice has so high a number."""

_NAMES: Final[list[str]] = [
    verdict if verdict == state else f"{verdict}_{state}" for verdict, state in PAIRS
]
OFFERED: Final = PLACES["offered"]["offered"]
_IN_TARGET: Final = PLACES["outcome"]["answered_in_target"]
_KEPT: Final = PLACES["answer"]["kept"]
_WHOLE_KEPT: Final = PLACES["promise"]["kept"]
_WAIT_SUM: Final = len(PAIRS)
"""after the classes: microseconds waited by those answered, then how many by bucket"""
_BUCKETS: Final = _WAIT_SUM + 1
KINDS: Final = _BUCKETS + len(_WAIT_BOUNDS) + 2
"""How many numbers are counted: classes, the sum of waits, wait buckets."""


@mypyc_attr(acyclic=True)
class QueueWindows:
    """The slices of one queue and the running sum of each window."""

    __slots__ = ("coarse", "fine", "sums", "tails")

    def __init__(self) -> None:
        self.fine = Slices(KINDS)
        self.coarse = Slices(KINDS)
        self.sums = [Counts(KINDS) for _ in _SPANS]
        self.tails = [0] * len(_SPANS)
        """the last slice that has left each window"""

    def expire(self, end: int) -> None:
        """Let every window end at `end`."""
        for index, (length, width) in enumerate(_SPANS):
            tail = (end - length) // width
            before = self.tails[index]
            if tail > before:
                slices = self.fine if width == _FINE else self.coarse
                self._leave(index, slices, tail)
                self.tails[index] = tail
                if index in _LONGEST:
                    slices.forget(before, tail)

    def add(self, added: dict[int, Counts]) -> None:
        """Add fine slices by number, given away, wherever they have not left the window."""
        tails, total, until = self.tails, Counts(KINDS), _NEVER
        # Each window has what the shorter one before has, and more.
        for index, sums in enumerate(self.sums):
            last = tails[index]
            if index >= _FIRST_COARSE:
                last = (last + 1) * _FINE_IN_COARSE - 1
            total.merge_within(added, last, until)
            sums.merge(total)
            until = last
        self._keep(added)

    def _keep(self, added: dict[int, Counts]) -> None:
        tails, known, last = self.tails, None, -1
        for number, counts in added.items():
            coarse = number // _FINE_IN_COARSE
            if coarse > tails[5]:
                if known is None or coarse != last:
                    known, last = self.coarse.at(coarse), coarse
                known.merge(counts)
            if number > tails[3]:
                self.fine.adopt(number, counts)

    def rebucket(self, old: list[float], new: list[float]) -> None:
        """Sort waits counted under `old` bounds into the buckets of `new`.

        One whose bucket is divided counts for as long as it may have been.
        """
        places = [bisect_left(new, bound) for bound in old]
        places.append(len(new))
        for one in (*self.fine.change_all(), *self.coarse.change_all()):
            _rebucket(one, places)
        for sums in self.sums:
            _rebucket(sums, places)

    def _leave(self, index: int, slices: Slices, tail: int) -> None:
        length, width = _SPANS[index]
        if tail - self.tails[index] >= length // width and slices.last() <= tail:
            self.sums[index] = Counts(KINDS)
            return
        sums = self.sums[index]
        gone = slices.take_from(sums, self.tails[index], tail)
        if gone and gone >= sums.longest:
            sums.longest = slices.longest_after(tail)


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
        self._limits: dict[str, list[int]] = {}
        self._unfolded: dict[str, dict[int, Counts]] = {}
        self._number_unfolded = 0
        self._newest = Counts(KINDS)
        self._newest_label = ""
        self._newest_number = -1
        """Which slice was counted in last: the next count is often for the same."""

    def bounds(self, label: str) -> list[float]:
        """Return the bounds of the wait buckets of a queue in seconds, one at its target."""
        bounds = self._bounds.get(label)
        if bounds is None:
            target = self._rules.of(label).answer_target / SECOND
            bounds = self._bounds[label] = sorted({*_WAIT_BOUNDS, target})
        return bounds

    def count(self, label: str, name: str, at: int, change: int) -> None:
        """Add `change` (1, or -1 for what was corrected) to a class at event time `at`."""
        self.note(label, _NAMES.index(name), at, change)

    def note(self, label: str, place: int, at: int, change: int) -> None:
        """Add `change` to the class at `place`, as `PLACES` has it, at event time `at`."""
        self._open(label, at).add(place, change)

    def wait(self, label: str, wait: int, at: int, change: int) -> None:
        """Add, or with -1 take away, one answered call that waited `wait` microseconds."""
        added = self._open(label, at)
        limits = self._limits.get(label)
        if limits is None:
            limits = self._limits[label] = limits_of(self.bounds(label))
        added.add(_BUCKETS + bucket_of(wait, limits), change)
        added.add(_WAIT_SUM, change * wait)
        if change > 0 and wait > added.longest:
            added.longest = wait

    def answered_in_target(self, label: str, wait: int, at: int) -> None:
        """Count a call answered in target: its outcome, both promises and its wait."""
        self.wait(label, wait, at, 1)
        self._open(label, at).add_one(_IN_TARGET, _KEPT, _WHOLE_KEPT)

    def advance(self, end: int) -> None:
        """Let the windows end at `end` (event time); never goes back."""
        self.end = max(self.end, end)
        while self._number_unfolded > _MAX_UNFOLDED:
            # The one whose counts have waited longest: not all at once, and what came and went
            # meanwhile is never in a short window.
            self.fold_queue(next(iter(self._unfolded)))

    def labels(self) -> list[str]:
        """Return the labels under which something was counted."""
        return [*self.queues, *[label for label in self._unfolded if label not in self.queues]]

    def fold(self) -> None:
        """Bring every window up to what was counted and to `end`."""
        for label in self.labels():
            self.fold_queue(label)

    def fold_queue(self, label: str) -> None:
        """Bring the windows of one of the `labels` up to what was counted and to `end`."""
        queue = self.queues.get(label)
        if queue is None:
            queue = self._new_queue(label)
        else:
            queue.expire(self.end)
        slices = self._unfolded.pop(label, None)
        if slices is not None:
            queue.add(slices)
            self._number_unfolded -= len(slices)
            self._newest_number = -1

    def read(self) -> dict[tuple[str, str], WindowSums]:
        """Return the sums by queue label and name of window, as of the last `advance`."""
        self.fold()
        return {
            (label, name): self._sums(label, queue.sums[index])
            for label, queue in self.queues.items()
            for index, name in enumerate(WINDOWS)
        }

    def _open(self, label: str, at: int) -> Counts:
        number = at // _FINE
        if number == self._newest_number and label == self._newest_label:
            return self._newest
        slices = self._unfolded.get(label)
        if slices is None:
            slices = self._unfolded[label] = {}
        added = slices.get(number)
        if added is None:
            added = slices[number] = Counts(KINDS)
            self._number_unfolded += 1
        self._newest, self._newest_label, self._newest_number = added, label, number
        return added

    def _new_queue(self, label: str) -> QueueWindows:
        queue = self.queues[label] = QueueWindows()
        queue.expire(self.end)
        return queue

    def _sums(self, label: str, of_window: Counts) -> WindowSums:
        counts = of_window.numbers()
        cumulative: list[int] = []
        total = 0
        for number in counts[_BUCKETS : _BUCKETS + len(self.bounds(label)) + 1]:
            total += number
            # A wait taken back under another target than it was counted under leaves a hole.
            cumulative.append(max(total, cumulative[-1]) if cumulative else max(total, 0))
        return WindowSums(
            {name: number for name, number in zip(_NAMES, counts, strict=False) if number},
            counts[_WAIT_SUM] / SECOND,
            cumulative[-1],
            of_window.longest / SECOND,
            cumulative,
        )


class NoWindows(Windows):
    """Keeps none: for a replay, which tells of the whole stretch."""

    def note(self, label: str, place: int, at: int, change: int) -> None:
        """Do nothing."""

    def wait(self, label: str, wait: int, at: int, change: int) -> None:
        """Do nothing."""

    def answered_in_target(self, label: str, wait: int, at: int) -> None:
        """Do nothing."""


def _rebucket(counts: Counts, places: list[int]) -> None:
    numbers = counts.numbers()
    waits = numbers[_BUCKETS:]
    numbers[_BUCKETS:] = [0] * len(waits)
    for place, number in zip(places, waits, strict=False):
        numbers[_BUCKETS + place] += number
    counts.set(numbers)
