"""The immutable picture of a worker that a scrape is rendered from.

`Publisher.publish` runs on the event loop's thread and copies what is live; whatever it returns
never changes again, so that any thread may read it for as long as it likes.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from streams.instants import SECOND
from streams.ledger import Rules
from streams.metrics.copies import Copies, Windowed, read_windows
from streams.metrics.source import (
    DurationCounts,
    ExportedTotals,
    Keeping,
    LedgerView,
    LiveCounts,
    Logging,
    PartitionSource,
    RawReading,
    SnapshotNote,
    Snapshotting,
    Source,
)

__all__ = ["Durations", "PublishedPartition", "PublishedWorker", "Publisher"]

LIVE_SHARE: Final = 0.05
WINDOW_SHARE: Final = 0.01
"""The part of the event loop's time that copying may take, all partitions together.

It is copied for who asks, so only somebody who asks all the time has it take so much.
"""

NO_WINDOWS: Final = Windowed({}, {})


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram, copied: `bounds` and `sum` in seconds, the last count is beyond them."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @classmethod
    def of(cls, live: DurationCounts) -> "Durations":
        """Return a copy of `live`."""
        return cls(tuple(live.bounds), tuple(live.counts), live.sum)


@dataclass(frozen=True, slots=True)
class PublishedPartition:
    """One partition; totals, fates and dead letters all as of one tick."""

    number: int
    exported: ExportedTotals
    windowed: Windowed
    live: Mapping[str, LiveCounts]
    lag: int | None
    heartbeat_at: int | None
    latency: Durations
    caught_up: bool
    recovery_seconds: float | None
    snapshot: SnapshotNote | None
    untrimmed: int | None
    losses: int | None


@dataclass(frozen=True, slots=True)
class PublishedWorker:
    """A worker as of `at` (epoch seconds); `unready` and `unhealthy` say why it is not."""

    at: float
    rules: Rules
    partitions: tuple[PublishedPartition, ...]
    unready: str | None
    unhealthy: str | None
    rebalances: int
    ticks: int
    tick_seconds: Durations
    last_tick_at: float
    last_fetch_at: float
    unknown_fields: int
    raw_dead_letters: Mapping[str, Mapping[str, int]]
    partitions_lost: int | None
    keeping: Keeping | None = None
    """asked from any thread, for it never changes"""


class _Notes(NamedTuple):
    """What a source knows of the log of each partition; empty if it keeps none."""

    snapshots: Mapping[int, SnapshotNote]
    losses: Mapping[int, int]
    untrimmed: Mapping[int, bool]


class Publisher:
    """Copies a worker's state at a bounded cost.

    Totals are handed on by reference, for they are made anew for each tick. Live gauges and
    windows are copied in turns (`Copies`).
    """

    def __init__(self) -> None:
        self._live = Copies(_read_live, LIVE_SHARE)
        self._windows = Copies(read_windows, WINDOW_SHARE)
        self.is_behind = False
        """whether the last turn had to leave copies that were due to the next one"""

    def copy(self, source: Source) -> bool:
        """Copy for one turn, on the thread that changes `source`; False if more is to be copied."""
        owned = list(source.partitions.values())
        is_live = self._live.refresh(owned)
        self.is_behind = not (self._windows.refresh(owned) and is_live)
        return not self.is_behind

    def publish(self, source: Source, *, copy: bool = True) -> PublishedWorker:
        """Return the picture of `source` now. To be called on the thread that changes it.

        Without `copy` live gauges and windows are those of the last turn of copying.
        """
        if copy:
            self.copy(source)
        owned = [source.partitions[number] for number in sorted(source.partitions)]
        notes = _notes(source)
        return PublishedWorker(
            at=time.time(),
            rules=source.rules,
            partitions=tuple(self._partition(p, source, notes) for p in owned),
            unready=source.ready(),
            unhealthy=source.healthy(),
            rebalances=source.rebalances,
            ticks=source.ticks,
            tick_seconds=Durations.of(source.tick_seconds),
            last_tick_at=source.last_tick_at,
            last_fetch_at=source.last_fetch_at,
            unknown_fields=source.unknown_fields,
            raw_dead_letters=_raw_dead_letters(source),
            partitions_lost=source.partitions_lost if isinstance(source, Logging) else None,
            keeping=_keeping(source),
        )

    def _partition(
        self, live: PartitionSource, source: Source, notes: _Notes
    ) -> PublishedPartition:
        number = live.number
        untrimmed = notes.untrimmed.get(number)
        return PublishedPartition(
            number=number,
            exported=live.exported,
            windowed=self._windows.get(number) or NO_WINDOWS,
            live=self._live.get(number) or {},
            lag=live.lag,
            heartbeat_at=live.last_heartbeat_at,
            latency=Durations.of(live.latency),
            caught_up=live.caught_up,
            recovery_seconds=source.recovery_seconds.get(number),
            snapshot=notes.snapshots.get(number),
            untrimmed=None if untrimmed is None else int(untrimmed),
            losses=notes.losses.get(number),
        )


def _notes(source: Source) -> _Notes:
    # Once for all partitions: to look for a protocol asks for each of its properties.
    snapshots = source.snapshots if isinstance(source, Snapshotting) else {}
    if isinstance(source, Logging):
        return _Notes(snapshots, source.losses, source.untrimmed)
    return _Notes(snapshots, {}, {})


def _keeping(source: Source) -> Keeping | None:
    known: Keeping | None = getattr(source, "keeping", None)
    return known


def _raw_dead_letters(source: Source) -> Mapping[str, Mapping[str, int]]:
    counted = source.raw_dead_letters if isinstance(source, RawReading) else {}
    return {topic: dict(reasons) for topic, reasons in counted.items()}


def _read_live(ledger: LedgerView) -> Mapping[str, LiveCounts]:
    return ledger.live(int(time.time() * SECOND))
