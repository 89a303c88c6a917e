"""Counters that only grow, and the corrections that make them exact."""

from bisect import bisect_left
from typing import Final

from msgspec import Struct, field

from streams.instants import SECOND
from streams.ledger.rules import QueueRules, Rules

__all__ = [
    "NO_QUEUE",
    "OTHER_QUEUES",
    "OUTCOMES",
    "VERDICTS",
    "Histogram",
    "QueueTotals",
    "Totals",
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

_WAIT_BOUNDS: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_DELAY_BOUNDS: Final = (60.0, 300.0, 600.0, 900.0, 1800.0, 2700.0, 3600.0, 7200.0, 14400.0, 86400.0)


class Histogram(Struct):
    """Counts of durations; `bounds` in seconds, the last count is for longer ones still.

    A duration equal to a bound belongs below it, as Prometheus has it.
    """

    bounds: list[float]
    counts: list[int]
    total: int = 0
    """sum of the durations in microseconds"""

    @classmethod
    def with_target(cls, bounds: tuple[float, ...], target: int) -> "Histogram":
        """Return an empty histogram with a bound exactly at `target` (microseconds)."""
        all_bounds = sorted({*bounds, target / SECOND})
        return cls(bounds=all_bounds, counts=[0] * (len(all_bounds) + 1))

    def bound_at(self, target: int) -> None:
        """Have a bound at `target` (microseconds); what its bucket held counts as longer."""
        bound = target / SECOND
        position = bisect_left(self.bounds, bound)
        if bound not in self.bounds[position : position + 1]:
            self.bounds.insert(position, bound)
            self.counts.insert(position, 0)

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
        self.counts[bisect_left(self.bounds, duration / SECOND)] += 1
        self.total += duration


class QueueTotals(Struct):
    """The counters of one queue label."""

    answer_wait: Histogram
    callback_delay: Histogram
    counts: dict[tuple[str, str], int] = field(
        default_factory=lambda: {(v, s): 0 for v, states in VERDICTS.items() for s in states}
    )
    corrections: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @classmethod
    def under(cls, rules: QueueRules) -> "QueueTotals":
        """Return zero counters whose histograms have a bound at each target of `rules`."""
        return cls(
            answer_wait=Histogram.with_target(_WAIT_BOUNDS, rules.answer_target),
            callback_delay=Histogram.with_target(_DELAY_BOUNDS, rules.callback_target),
        )

    def bound_at(self, rules: QueueRules) -> None:
        """Have a bound at each target of `rules` in its histogram."""
        self.answer_wait.bound_at(rules.answer_target)
        self.callback_delay.bound_at(rules.callback_target)

    def count(self, verdict: str, was: str | None, state: str) -> None:
        """Count `state` the first time, or its correction when it `was` another before."""
        if was is None:
            self.counts[verdict, state] += 1
        else:
            key = (verdict, was, state)
            self.corrections[key] = self.corrections.get(key, 0) + 1

    def truth(self, verdict: str, state: str) -> int:
        """Return the counter less what was corrected from it plus what was corrected to it."""
        total = self.counts.get((verdict, state), 0)
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
