"""What a worker tells about itself: read by the metrics, by the demo, and by its probes."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from streams.instants import SECOND
from streams.kafka.assignment import Assignment
from streams.kafka.partition import PartitionProcessor
from streams.kafka.raw import no_refusals
from streams.ledger.rules import Rules
from streams.ledger.totals import Histogram
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.metrics import Keeping

__all__ = ["WorkerState"]

_TICK_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
SILENT: Final = 10 * SECOND
"""Without an answer from the broker for this long a worker is not ready."""
STUCK: Final = 60 * SECOND
"""Without any progress for this long a worker should be restarted."""


class SnapshotNote(NamedTuple):
    """The newest snapshot of a partition: when (seconds since 1970), how long, how large."""

    at: float
    seconds: float
    size_bytes: int


class WorkerState:
    """A worker's live state; to be read on the thread of its event loop only.

    Times named `_at` are seconds since 1970, 0.0 for not yet.
    """

    def __init__(self, settings: Settings, rules: Rules, assignment: Assignment) -> None:
        self.settings = settings
        self.rules = rules
        self.keeping: Keeping | None = None
        """what was promised beyond the rules: opening hours, and the text at /slo"""
        self.started_at = time.time()
        self.rebalances = 0
        self.reached = False
        """whether a broker has answered"""
        self.assigned = False
        self.ticks = 0
        self.last_tick_at = 0.0
        self.tick_seconds = Histogram(list(_TICK_BOUNDS), [0] * (len(_TICK_BOUNDS) + 1))
        self.snapshots: dict[int, SnapshotNote] = {}
        self.untrimmed: dict[int, bool] = {}
        """whether the broker did not let the log of a partition be trimmed"""
        self.raw_dead_letters = no_refusals(settings.raw_topics)
        """of raw topics, by topic and reason"""
        self.bootstrap = settings.broker
        self._assignment = assignment
        self._ticked = time.monotonic()
        self._moved: dict[int, tuple[int, float]] = {}
        """by partition: its offset, and since when it has been there with more to apply"""

    @property
    def partitions(self) -> Mapping[int, PartitionProcessor]:
        """The live partitions: the totals of each are exact."""
        return self._assignment.owned

    @property
    def loading(self) -> list[int]:
        """The assigned partitions that are not live yet, or not any more."""
        return sorted(set(self._assignment.assigned_at) - set(self._assignment.keepers))

    @property
    def recovery_seconds(self) -> Mapping[int, float]:
        """How long each partition took from its assignment until its totals were complete."""
        return self._assignment.recovery_seconds

    @property
    def last_fetch_at(self) -> float:
        """When the broker last answered a fetch."""
        return self._assignment.watch.last_success / SECOND

    @property
    def unknown_fields(self) -> int:
        """Fields of events that were tolerated without being understood."""
        return sum(each.unknown_fields for each in self._assignment.owned.values())

    @property
    def partitions_lost(self) -> int:
        """How often a live partition was lost to another worker, or by an unknown append."""
        return self._assignment.lost_count

    @property
    def losses(self) -> Mapping[int, int]:
        """How often, by partition, counts were given up because that was accepted."""
        return {n: each.machine.losses for n, each in self._assignment.owned.items()}

    def ticked(self, seconds: float) -> None:
        """Note a tick that took so long, its outputs included."""
        self.ticks += 1
        self.last_tick_at = time.time()
        self._ticked = time.monotonic()
        self.tick_seconds.add(int(seconds * SECOND))

    def snapshotted(self, number: int, seconds: float, size_bytes: int) -> None:
        """Note a snapshot that was written in so long."""
        self.snapshots[number] = SnapshotNote(time.time(), seconds, size_bytes)

    def ready(self) -> str | None:
        """Return why the worker's numbers are not complete and fresh; None: they are."""
        if not self.assigned:
            missing = "partition has been assigned" if self.reached else "broker has answered"
            return f"no {missing} yet"
        if self.loading:
            return f"partition {self.loading[0]} is being loaded from its log"
        behind = self._behind()
        return self._silence(SILENT) if behind is None else behind

    def healthy(self) -> str | None:
        """Return why the worker should be restarted; None: it makes progress, or has nothing to do.

        A broker that is away is no reason: a restart would not bring it back.
        """
        if self._assignment.watch.failing:
            return None
        idle = time.monotonic() - self._ticked
        if self._assignment.keepers and idle > STUCK / SECOND:
            return f"no tick for {idle:.0f} s"
        return self._stalled() or self._silence(STUCK)

    def _behind(self) -> str | None:
        limit = self.settings.ready_lag
        for number, processor in self._assignment.owned.items():
            lag = processor.lag
            if lag is None:
                return f"partition {number} has not been fetched yet"
            if lag > limit:
                return f"partition {number} is {lag:,} records behind (ready_lag is {limit:,})"
        return None

    def _stalled(self) -> str | None:
        """Return which partition has records to apply and applied none for too long."""
        now = time.monotonic()
        moved, self._moved = self._moved, {}
        for number, processor in self._assignment.owned.items():
            offset, since = moved.get(number, (-1, now))
            if offset != processor.next_offset or not processor.lag:
                since = now
            self._moved[number] = (processor.next_offset, since)
            if now - since > STUCK / SECOND:
                stalled = f"{processor.lag:,} records to apply and no progress for"
                return f"partition {number} has {stalled} {now - since:.0f} s"
        return None

    def _silence(self, limit: int) -> str | None:
        if not self._assignment.owned:
            return None
        reference = max(self._assignment.watch.last_success, *self._assignment.assigned_at.values())
        silent = self._assignment.clock() - reference
        if silent <= limit:
            return None
        return f"no answer from the broker for {silent / SECOND:.0f} s"
