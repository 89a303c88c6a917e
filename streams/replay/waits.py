"""How long callers waited, exactly: the ledger itself keeps only buckets."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from streams.instants import SECOND
from streams.ledger import Change
from streams.ledger.calls import ANSWERED

__all__ = ["QueueWaits"]

SHORT_ABANDON: Final = 5 * SECOND
"""Up to here an abandonment is "short" in the formulas that leave such calls out."""


class QueueWaits:
    """Waits of the calls of one queue, in microseconds."""

    __slots__ = ("answered", "requested_in_target", "short_abandoned")

    def __init__(self) -> None:
        self.answered: Counter[int] = Counter()
        self.short_abandoned = 0
        self.requested_in_target = 0

    def note(self, change: Change, target: int) -> None:
        """Take in a change of an outcome; `target` is the answer target of its queue."""
        if change.wait is not None:
            self._count(change.state, change.wait, target, 1)
        if change.was is not None and change.was_wait is not None:
            self._count(change.was, change.was_wait, target, -1)

    def _count(self, outcome: str, wait: int, target: int, number: int) -> None:
        if outcome in ANSWERED:
            self.answered[wait] += number
        elif outcome.startswith("abandoned"):
            self.short_abandoned += number * (wait <= SHORT_ABANDON)
        elif outcome == "callback_requested":
            self.requested_in_target += number * (wait <= target)

    @classmethod
    def total(cls, parts: Iterable["QueueWaits"]) -> "QueueWaits":
        """Return the sum of `parts`."""
        total = cls()
        for part in parts:
            total.answered.update(part.answered)
            total.short_abandoned += part.short_abandoned
            total.requested_in_target += part.requested_in_target
        return total

    def seconds(self) -> dict[str, Any]:
        """Return count, mean, nearest-rank quantiles and maximum of the waits, in seconds."""
        count = self.answered.total()
        if not count:
            return {"count": 0, "mean": 0.0, "p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0}
        waits = sorted(wait for wait, number in self.answered.items() if number)
        whole = sum(wait * number for wait, number in self.answered.items())
        ranks = {f"p{percent}": self._rank(waits, percent, count) for percent in (50, 90, 99)}
        return {"count": count, "mean": whole / count / SECOND, **ranks, "max": waits[-1] / SECOND}

    def _rank(self, waits: list[int], percent: int, count: int) -> float:
        """The smallest wait that at least `percent` of the calls did not exceed."""
        rank, seen = -(-percent * count // 100), 0
        for wait in waits:
            seen += self.answered[wait]
            if seen >= rank:
                return wait / SECOND
        return waits[-1] / SECOND
