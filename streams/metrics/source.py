"""What the exporter reads of a worker. Instants in microseconds unless said otherwise.

Everything here is read on the thread of the worker's event loop, and only while publishing.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from streams.ledger import Rules, Totals, Windows

__all__ = [
    "DurationCounts",
    "ExportedTotals",
    "Keeping",
    "LedgerView",
    "LiveCounts",
    "Logging",
    "PartitionSource",
    "RawReading",
    "SnapshotNote",
    "Snapshotting",
    "Source",
]


class DurationCounts(Protocol):
    """A histogram: `bounds` in seconds, `counts` one longer and not cumulative."""

    @property
    def bounds(self) -> Sequence[float]: ...
    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def sum(self) -> float: ...


class LiveCounts(Protocol):
    """One queue of one partition at this moment."""

    @property
    def waiting(self) -> int: ...
    @property
    def waiting_beyond_target(self) -> int: ...
    @property
    def oldest_waiting_at(self) -> int | None: ...
    @property
    def callbacks_open(self) -> int: ...
    @property
    def callbacks_overdue(self) -> int: ...
    @property
    def callbacks_due(self) -> Mapping[int, int]: ...
    @property
    def next_due_at(self) -> int | None: ...


class ExportedTotals(Protocol):
    """The totals of one partition as of one tick: made anew for a tick and never changed."""

    @property
    def totals(self) -> Totals: ...
    @property
    def fates(self) -> Mapping[str, int]: ...
    @property
    def dead_letters(self) -> Mapping[str, int]: ...
    @property
    def boundary_ambiguous(self) -> int: ...
    @property
    def crowded(self) -> int: ...
    @property
    def watermark(self) -> int: ...
    @property
    def now(self) -> int: ...


class LedgerView(Protocol):
    """The part of a live ledger that is read between ticks."""

    @property
    def windows(self) -> Windows: ...
    def live(self, at: int) -> Mapping[str, LiveCounts]: ...


class PartitionSource(Protocol):
    """One partition the worker owns."""

    @property
    def number(self) -> int: ...
    @property
    def ledger(self) -> LedgerView: ...
    @property
    def exported(self) -> ExportedTotals: ...
    @property
    def lag(self) -> int | None: ...
    @property
    def last_heartbeat_at(self) -> int | None: ...
    @property
    def latency(self) -> DurationCounts: ...
    @property
    def caught_up(self) -> bool: ...


class Source(Protocol):
    """A worker. `*_at` and `recovery_seconds` in seconds; 0.0 means not yet."""

    @property
    def partitions(self) -> Mapping[int, PartitionSource]: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def rebalances(self) -> int: ...
    @property
    def ticks(self) -> int: ...
    @property
    def tick_seconds(self) -> DurationCounts: ...
    @property
    def last_tick_at(self) -> float: ...
    @property
    def last_fetch_at(self) -> float: ...
    @property
    def recovery_seconds(self) -> Mapping[int, float]: ...
    @property
    def unknown_fields(self) -> int: ...
    def ready(self) -> str | None: ...
    def healthy(self) -> str | None: ...


class SnapshotNote(Protocol):
    """The newest snapshot of one partition: when (epoch seconds), how long, how large."""

    @property
    def at(self) -> float: ...
    @property
    def seconds(self) -> float: ...
    @property
    def size_bytes(self) -> int: ...


@runtime_checkable
class RawReading(Protocol):
    """A source that also turns raw topics into events; by topic and reason, since the start."""

    @property
    def raw_dead_letters(self) -> Mapping[str, Mapping[str, int]]: ...


@runtime_checkable
class Logging(Protocol):
    """A source that keeps its ticks in a log."""

    @property
    def partitions_lost(self) -> int: ...
    @property
    def losses(self) -> Mapping[int, int]: ...
    @property
    def untrimmed(self) -> Mapping[int, bool]: ...


@runtime_checkable
class Snapshotting(Protocol):
    """A source that also keeps snapshots of its partitions."""

    @property
    def snapshots(self) -> Mapping[int, SnapshotNote]: ...


@runtime_checkable
class Keeping(Protocol):
    """A source that knows what was promised: its `slo.yaml` in full, and opening hours."""

    @property
    def slo_text(self) -> str: ...
    def opening_at(self, queue: str, at: int) -> int | None: ...
