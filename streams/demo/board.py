"""What there is to see: the queues now, the promises broken last and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from streams.instants import SECOND, parse_instant
from streams.kafka.state import WorkerState
from streams.ledger import Ledger, LiveQueue, QueueTotals
from streams.promise_events import PromiseEvent

__all__ = ["Board", "Breach", "QueueRow"]

KEPT_BREACHES: Final = 200
TOLD_WITHIN: Final = 300_000
"""Microseconds in which an answer is known here: who has just been answered does not wait."""

ENDS: Final = {
    "answered_late": "answered after {}",
    "abandoned_late": "hung up after {}",
    "diverted": "sent away unanswered after {}",
    "callback_requested": "asked to be called back after {}",
    "rejected": "turned away at once",
    "lost": "lost track of after {}",
}
"""The outcomes that break the promise to answer; `{}` is how long the caller had waited."""


@dataclass(slots=True)
class Breach:
    """One broken promise. Instants in microseconds."""

    at: int
    """when it broke"""
    queue: str
    since: int
    """when the wait began"""
    waiting: bool
    """whether the caller still waits"""
    text: str = ""


@dataclass(slots=True)
class QueueRow:
    """One queue now, and what has been counted of it."""

    name: str
    waiting: int = 0
    beyond: int = 0
    oldest: int | None = None
    """when the caller who waits longest arrived, microseconds"""
    kept: int = 0
    broken: int = 0
    due: int = 0
    overdue: int = 0
    made: int = 0
    missed: int = 0

    def add_live(self, live: LiveQueue) -> None:
        """Add the gauges of one partition."""
        self.waiting += live.waiting
        self.beyond += live.waiting_beyond_target
        self.due += live.callbacks_open
        self.overdue += live.callbacks_overdue
        arrivals = [at for at in (self.oldest, live.oldest_waiting_at) if at is not None]
        self.oldest = min(arrivals, default=None)

    def add_totals(self, totals: QueueTotals) -> None:
        """Add the counters of one partition."""
        self.kept += totals.truth("answer", "kept")
        self.broken += totals.truth("answer", "broken")
        for state in ("kept", "kept_by_recall"):
            self.made += totals.truth("callback", state)
        self.missed += totals.truth("callback", "broken")

    def add(self, other: "QueueRow") -> None:
        """Add another queue, for the sum of all."""
        for name in ("waiting", "beyond", "kept", "broken", "due", "overdue", "made", "missed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        arrivals = [at for at in (self.oldest, other.oldest) if at is not None]
        self.oldest = min(arrivals, default=None)


@dataclass(slots=True)
class Board:
    """The state of the view; `look` and `note` keep it up to date."""

    queues: dict[str, QueueRow] = field(default_factory=dict)
    breaches: dict[str, Breach] = field(default_factory=dict)

    def look(self, state: WorkerState, now: int) -> None:
        """Read the worker's live state and counters as of `now`; on its loop's thread only."""
        rows = {name: QueueRow(name) for name in self.queues}
        for partition in state.partitions.values():
            for name, live in partition.ledger.live(now).items():
                rows.setdefault(name, QueueRow(name)).add_live(live)
            for name, totals in partition.exported.totals.queues.items():
                rows.setdefault(name, QueueRow(name)).add_totals(totals)
            self._see_who_waits(partition.ledger, now)
        self.queues = dict(sorted(rows.items()))

    def total(self) -> QueueRow:
        """Return the sum of all queues."""
        total = QueueRow("all")
        for row in self.queues.values():
            total.add(row)
        return total

    def last_breaches(self, number: int) -> list[Breach]:
        """Return `number` breaches: first those of callers who still wait, the newest on top."""
        ranked = sorted(self.breaches.values(), key=lambda breach: (not breach.waiting, -breach.at))
        return ranked[:number]

    def note(self, event: PromiseEvent) -> None:
        """Take in a promise event."""
        if event.verdict == "outcome":
            self._end(event)
        elif event.verdict == "answer" and event.state in ("kept", "excluded", "none"):
            self.breaches.pop(event.key, None)
        elif event.verdict == "callback" and event.state == "broken":
            at = parse_instant(event.at)
            self._add(event.key, Breach(at, event.queue or "", at, waiting=False))
            self.breaches[event.key].text = "not called back when it was due"
        elif event.verdict == "late" and event.key in self.breaches:
            after = f"{event.wait_seconds or 0:.0f} s"
            self.breaches[event.key].text = f"called back too late, {after} after it was owed"

    def _see_who_waits(self, ledger: Ledger, now: int) -> None:
        """Show a breach soon after its deadline: the caller still waits."""
        for call in ledger.book.register.open_calls():
            rules = ledger.book.terms.of(call.queue)
            start = call.start(rules)
            at = start + rules.answer_target
            if now > at + TOLD_WITHIN:
                self._add(call.id, Breach(at, call.queue or "", start, waiting=True))

    def _end(self, event: PromiseEvent) -> None:
        words = ENDS.get(event.state)
        if words is None:
            self.breaches.pop(event.key, None)
            return
        waited = event.wait_seconds or 0.0
        at = parse_instant(event.at)
        since = at - round(waited * SECOND)
        breach = self._add(event.key, Breach(at, event.queue or "", since, waiting=False))
        breach.waiting = False
        breach.text = words.format(f"{waited:.2f} s")

    def _add(self, key: str, breach: Breach) -> Breach:
        known = self.breaches.setdefault(key, breach)
        for oldest in _oldest(self.breaches, len(self.breaches) - KEPT_BREACHES):
            del self.breaches[oldest]
        return known


def _oldest(breaches: Iterable[str], number: int) -> list[str]:
    return [key for key, _ in zip(breaches, range(number), strict=False)] if number > 0 else []
