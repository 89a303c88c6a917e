"""Counters that only grow, and the corrections that make them exact."""

from collections.abc import Sequence
from typing import Final

from streams.instants import SECOND
from streams.ledger.compiled import mypyc_attr
from streams.ledger.rules import QueueRules, Rules

__all__ = [
    "NO_QUEUE",
    "OTHER_QUEUES",
    "OUTCOMES",
    "PAIRS",
    "PLACES",
    "VERDICTS",
    "Histogram",
    "QueueTotals",
    "Totals",
    "bucket_of",
    "limits_of",
]

OTHER_QUEUES: Final = "__other__"
NO_QUEUE: Final = "__none__"

OUTCOMES: Final = (
    "answered_in_target",
    "answered_late",
    "abandoned_in_target",
    "abandoned_late",
    "diverted",
    "callback_requested",
    "rejected",
    "lost",
)
VERDICTS: Final[dict[str, tuple[str, ...]]] = {
    "offered": ("offered",),
    "outcome": OUTCOMES,
    "answer": ("kept", "broken", "excluded"),
    "opened": ("opened",),
    "callback": ("kept", "kept_by_recall", "broken", "unreachable", "uncallable", "cancelled"),
    "late": ("late",),
    "promise": ("kept", "broken", "outside"),
    "usefulness": ("useful", "useless", "unknown"),
}
"""Every verdict and its states."""

_WAIT_BOUNDS: Final[tuple[float, ...]] = (
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1800.0,
)
_DELAY_BOUNDS: Final[tuple[float, ...]] = (
    60.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    2700.0,
    3600.0,
    7200.0,
    14400.0,
    86400.0,
)


PAIRS: Final[list[tuple[str, str]]] = [
    (verdict, state) for verdict in VERDICTS for state in VERDICTS[verdict]
]
PLACES: Final[dict[str, dict[str, int]]] = {
    verdict: {state: PAIRS.index((verdict, state)) for state in VERDICTS[verdict]}
    for verdict in VERDICTS
}
"""Where each verdict and state stands in `PAIRS` and wherever they are counted by number."""


@mypyc_attr(acyclic=True)
class Histogram:
    """Counts of durations; `bounds` in seconds, the last count is for longer ones still.

    A duration equal to a bound belongs below it, as Prometheus has it.
    """

    __slots__ = ("_copied", "_limits", "bounds", "counts", "total")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, bounds: list[float], counts: list[int], total: int = 0,
        limits: list[int] | None = None,
    ) -> None:  # fmt: skip
        self.bounds = bounds
        self.counts = counts
        self.total = total
        """sum of the durations in microseconds"""
        self._limits = limits_of(bounds) if limits is None else limits
        self._copied: Histogram | None = None
        """the last copy, as long as it is like this one"""

    def copy(self) -> "Histogram":
        """Return one that does not change with this one; nobody may change it."""
        if self._copied is None:
            self._copied = Histogram(self.bounds, list(self.counts), self.total, self._limits)
        return self._copied

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return (
            self.total == other.total
            and self.counts == other.counts
            and self.bounds == other.bounds
        )

    @classmethod
    def with_target(cls, bounds: tuple[float, ...], target: int) -> "Histogram":
        """Return an empty histogram with a bound exactly at `target` (microseconds)."""
        all_bounds = sorted({*bounds, target / SECOND})
        return cls(bounds=all_bounds, counts=[0] * (len(all_bounds) + 1))

    def bound_at(self, target: int) -> None:
        """Have a bound at `target` (microseconds); what its bucket held counts as longer."""
        bound = target / SECOND
        if bound not in self.bounds:
            position = bucket_of(target, self._limits)
            # New ones, for copies share the bounds.
            self.bounds = [*self.bounds[:position], bound, *self.bounds[position:]]
            self.counts.insert(position, 0)
            self._limits = limits_of(self.bounds)
            self._copied = None

    @property
    def sum(self) -> float:
        """The sum of all durations in seconds."""
        return self.total / SECOND

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self.counts)

    def add(self, duration: int) -> None:
        """Count one `duration` (microseconds)."""
        self.counts[bucket_of(duration, self._limits)] += 1
        self.total += duration
        self._copied = None


@mypyc_attr(acyclic=True)
class QueueTotals:
    """The counters of one queue label."""

    __slots__ = ("answer_wait", "callback_delay", "corrections", "is_changed", "numbers")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        answer_wait: Histogram,
        callback_delay: Histogram,
        numbers: list[int] | None = None,
        corrections: dict[tuple[str, str, str], int] | None = None,
    ) -> None:
        self.answer_wait = answer_wait
        self.callback_delay = callback_delay
        self.corrections = {} if corrections is None else corrections
        self.numbers = [0] * len(PAIRS) if numbers is None else numbers
        """how many of each of `PAIRS`, without corrections"""
        self.is_changed = True
        """since `copy` was last called"""

    def bound_at(self, rules: QueueRules) -> None:
        """Have a bound at each target of `rules` in its histogram."""
        self.answer_wait.bound_at(rules.answer_target)
        self.callback_delay.bound_at(rules.callback_target)

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """How many of each verdict and state, without corrections."""
        return dict(zip(PAIRS, self.numbers, strict=True))

    def copy(self) -> "QueueTotals":
        """Return counters that do not change with these."""
        self.is_changed = False
        return QueueTotals(
            self.answer_wait.copy(),
            self.callback_delay.copy(),
            list(self.numbers),
            dict(self.corrections),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueueTotals):
            return NotImplemented
        return (
            self.answer_wait == other.answer_wait
            and self.callback_delay == other.callback_delay
            and self.numbers == other.numbers
            and self.corrections == other.corrections
        )

    @classmethod
    def under(cls, rules: QueueRules) -> "QueueTotals":
        """Return zero counters whose histograms have a bound at each target of `rules`."""
        return cls(
            answer_wait=Histogram.with_target(_WAIT_BOUNDS, rules.answer_target),
            callback_delay=Histogram.with_target(_DELAY_BOUNDS, rules.callback_target),
        )

    def count(self, place: int) -> None:
        """Count the verdict and state at `place` of `PAIRS` for the first time."""
        self.numbers[place] = self.numbers[place] + 1
        self.is_changed = True

    def correct(self, verdict: str, was: str, state: str) -> None:
        """Count that a verdict counted as `was` is `state`."""
        self.is_changed = True
        key = (verdict, was, state)
        self.corrections[key] = self.corrections.get(key, 0) + 1

    def truth(self, verdict: str, state: str) -> int:
        """Return the counter less what was corrected from it plus what was corrected to it."""
        place = PLACES.get(verdict, {}).get(state)
        total = 0 if place is None else self.numbers[place]
        for (corrected, was, became), number in self.corrections.items():
            if corrected == verdict:
                total += number * ((became == state) - (was == state))
        return total


class Totals:
    """The counters of all queues under a bounded set of labels.

    The first `max_queues` names get a label of their own, and so do the configured ones; the
    rest share `__other__`. `overflowed` counts the names that had to share it, each time seen.
    """

    def __init__(self, rules: Rules) -> None:
        self.queues: dict[str, QueueTotals] = {}
        self.overflowed = 0
        self._rules = rules
        self._labels: dict[str | None, str] = {None: NO_QUEUE}

    def label(self, queue: str | None) -> str:
        """Return the label under which `queue` is counted."""
        label = self._labels.get(queue)
        if label is None:
            label = self._new_label(queue)
        return label

    def shown(self, queue: str | None) -> str:
        """Return the label of `queue` to who only looks: `__none__` until it was given one."""
        return self._labels.get(queue, NO_QUEUE)

    def names(self) -> list[str]:
        """Return the names that have a label of their own, in the order they got it."""
        return [name for name in self._labels if name is not None]

    def learn(self, names: list[str]) -> None:
        """Give each of `names` a label of its own."""
        self._labels.update({name: name for name in names})

    def of(self, label: str) -> QueueTotals:
        """Return the counters of `label`, at zero if it is new."""
        totals = self.queues.get(label)
        if totals is None:
            totals = self.queues[label] = QueueTotals.under(self._rules.of(label))
        return totals

    def _new_label(self, queue: str | None) -> str:
        if queue is None:
            return NO_QUEUE
        if len(self._labels) > self._rules.max_queues and queue not in self._rules.queues:
            self.overflowed += 1
            return OTHER_QUEUES
        self._labels[queue] = queue
        return queue


def limits_of(bounds: Sequence[float]) -> list[int]:
    """Return `bounds` in microseconds."""
    return [round(bound * SECOND) for bound in bounds]


def bucket_of(duration: int, limits: list[int]) -> int:
    """Return the place of the first of `limits` that is not below `duration` (microseconds)."""
    place = 0
    for limit in limits:
        if duration <= limit:
            break
        place += 1
    return place
