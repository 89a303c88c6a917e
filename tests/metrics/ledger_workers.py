"""A worker without Kafka: real ledgers, fed by hand, in the shape that the exporter reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.events import REASONS, CallAnswered, CallEnded, CallOffered, Event
from streams.instants import SECOND
from streams.kafka.exported import copied
from streams.ledger import Histogram, Ledger, QueueTotals, Rules, Totals
from streams.metrics import Keeping

__all__ = ["T0", "Exported", "Owned", "Worker", "answered_call"]

T0 = 1_790_000_000 * SECOND
"""A moment in event time at which the tests begin."""

DURATIONS = (0.001, 0.01, 0.1, 1.0)


@dataclass(frozen=True)
class Exported:
    totals: Totals
    fates: dict[str, int]
    dead_letters: dict[str, int]
    boundary_ambiguous: int
    crowded: int
    watermark: int
    now: int


def _durations() -> Histogram:
    return Histogram(bounds=list(DURATIONS), counts=[0] * (len(DURATIONS) + 1))


class Owned:
    """One partition."""

    def __init__(self, number: int, rules: Rules) -> None:
        self.number = number
        self.ledger = Ledger(rules)
        self.lag: int | None = None
        self.last_heartbeat_at: int | None = None
        self.latency = _durations()
        self.caught_up = True
        self.dead_letters = dict.fromkeys(REASONS, 0)
        self.exported = self._export({})

    def take(self, *events: Event) -> None:
        """Apply `events` and judge them without letting any time pass."""
        for event in events:
            self.ledger.apply(event)
        self.ledger.advance(0)

    def tick(self, now: int) -> None:
        self.ledger.advance(now)
        self.exported = self._export(self.exported.totals.queues)

    def _export(self, before: Mapping[str, QueueTotals]) -> Exported:
        ledger = self.ledger
        return Exported(
            totals=copied(ledger.totals, ledger.rules, before),
            fates=dict(ledger.fates),
            dead_letters=dict(self.dead_letters),
            boundary_ambiguous=ledger.boundary_ambiguous,
            crowded=ledger.book.callers.crowded,
            watermark=ledger.watermark,
            now=ledger.now,
        )


@dataclass
class Worker:
    rules: Rules = field(default_factory=Rules)
    partitions: dict[int, Owned] = field(default_factory=dict)
    rebalances: int = 0
    ticks: int = 0
    tick_seconds: Histogram = field(default_factory=_durations)
    last_tick_at: float = 0.0
    last_fetch_at: float = 0.0
    recovery_seconds: dict[int, float] = field(default_factory=dict)
    unknown_fields: int = 0
    raw_dead_letters: dict[str, dict[str, int]] = field(default_factory=dict)
    unready: str | None = None
    unhealthy: str | None = None
    keeping: Keeping | None = None

    def assign(self, number: int) -> Owned:
        self.partitions[number] = Owned(number, self.rules)
        return self.partitions[number]

    def ready(self) -> str | None:
        return self.unready

    def healthy(self) -> str | None:
        return self.unhealthy


def answered_call(
    call_id: str, queue: str | None, start: int, wait: float, talk: float = 60.0
) -> list[Event]:
    """A call that waits `wait` seconds for a human and talks for `talk` seconds."""
    answered = start + int(wait * SECOND)
    common: dict[str, Any] = {"call_id": call_id, "queue": queue, "customer": f"customer-{call_id}"}
    return [
        CallOffered(id=f"{call_id}/1", at=start, **common),
        CallAnswered(id=f"{call_id}/2", at=answered, answered_by="human", **common),
        CallEnded(id=f"{call_id}/3", at=answered + int(talk * SECOND), **common),
    ]
