"""What each metric about the worker itself reads from the published state."""

import platform
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from streams import KERNEL
from streams._version import __version__
from streams.events import REASONS
from streams.ledger import FATES
from streams.metrics.names import BY_NAME
from streams.metrics.published import Durations, PublishedPartition, PublishedWorker
from streams.metrics.rows import (
    Common,
    Number,
    Rows,
    Section,
    histogram_rows,
    histogram_values,
    seconds,
)
from streams.metrics.view import Sections, View

__all__ = ["WORKER_FAMILIES"]

_NOBODY: Final = Common({})


def _partition(
    name: str, read: Callable[[PublishedPartition], Number | None]
) -> tuple[str, Sections]:
    """One series for each partition that has a value."""
    rows = Rows(BY_NAME[name], [("", {})])

    def sections(view: View) -> Iterator[Section]:
        for common, partition in view.partitions:
            value = read(partition)
            if value is not None:
                yield common, rows, [value]

    return name, sections


def _by(
    name: str, label: str, values: Sequence[str], read: Callable[[PublishedPartition, str], int]
) -> tuple[str, Sections]:
    """One series for each partition and each of `values`."""
    rows = Rows(BY_NAME[name], [("", {label: value}) for value in values])

    def sections(view: View) -> Iterator[Section]:
        for common, partition in view.partitions:
            yield common, rows, [read(partition, value) for value in values]

    return name, sections


def _latency(name: str) -> tuple[str, Sections]:
    metric = BY_NAME[name]

    def sections(view: View) -> Iterator[Section]:
        for common, partition in view.partitions:
            latency = partition.latency
            yield common, histogram_rows(metric, latency.bounds), _numbers(latency)

    return name, sections


def _raw_dead_letters(name: str) -> tuple[str, Sections]:
    rows = Rows(BY_NAME[name], [("", {"reason": reason}) for reason in REASONS])

    def sections(view: View) -> Iterator[Section]:
        for topic, counted in sorted(view.worker.raw_dead_letters.items()):
            yield Common({"topic": topic}), rows, [counted.get(reason, 0) for reason in REASONS]

    return name, sections


def _worker(name: str, read: Callable[[PublishedWorker], Number | None]) -> tuple[str, Sections]:
    rows = Rows(BY_NAME[name], [("", {})])

    def sections(view: View) -> Iterator[Section]:
        value = read(view.worker)
        if value is not None:
            yield _NOBODY, rows, [value]

    return name, sections


def _tick_duration(name: str) -> tuple[str, Sections]:
    def sections(view: View) -> Iterator[Section]:
        ticks = view.worker.tick_seconds
        yield _NOBODY, histogram_rows(BY_NAME[name], ticks.bounds), _numbers(ticks)

    return name, sections


def _build_info(name: str) -> tuple[str, Sections]:
    python = platform.python_version()
    labels = {"version": __version__, "python": python, "kernel": KERNEL.name}
    rows = Rows(BY_NAME[name], [("", labels)])

    def sections(_: View) -> Iterator[Section]:
        yield _NOBODY, rows, [1]

    return name, sections


def _numbers(durations: Durations) -> list[Number]:
    return histogram_values(list(accumulate(durations.counts)), durations.sum)


WORKER_FAMILIES: Final[dict[str, Sections]] = dict(
    (
        _partition("callcenter_event_time_seconds", lambda p: seconds(p.exported.watermark)),
        _partition("callcenter_heartbeat_timestamp_seconds", lambda p: seconds(p.heartbeat_at)),
        _partition("callcenter_consumer_lag_events", lambda p: p.lag),
        _latency("callcenter_event_latency_seconds"),
        _partition("callcenter_caught_up", lambda p: int(p.caught_up)),
        _by("callcenter_events_total", "fate", FATES, lambda p, f: p.exported.fates.get(f, 0)),
        _by(
            "callcenter_dead_letters_total",
            "reason",
            REASONS,
            lambda p, reason: p.exported.dead_letters.get(reason, 0),
        ),
        _raw_dead_letters("callcenter_raw_dead_letters_total"),
        _partition("callcenter_boundary_ambiguous_total", lambda p: p.exported.boundary_ambiguous),
        _partition("callcenter_queue_label_overflow_total", lambda p: p.exported.totals.overflowed),
        _partition("callcenter_customer_overflow_total", lambda p: p.exported.crowded),
        _worker("callcenter_unknown_fields_total", lambda w: w.unknown_fields),
        _worker("callcenter_ticks_total", lambda w: w.ticks),
        _worker("callcenter_tick_timestamp_seconds", lambda w: w.last_tick_at or None),
        _tick_duration("callcenter_tick_duration_seconds"),
        _partition("callcenter_tick_decided_timestamp_seconds", lambda p: seconds(p.exported.now)),
        _worker("callcenter_fetch_timestamp_seconds", lambda w: w.last_fetch_at or None),
        _partition(
            "callcenter_snapshot_timestamp_seconds", lambda p: p.snapshot.at if p.snapshot else None
        ),
        _partition(
            "callcenter_snapshot_duration_seconds",
            lambda p: p.snapshot.seconds if p.snapshot else None,
        ),
        _partition(
            "callcenter_snapshot_size_bytes",
            lambda p: p.snapshot.size_bytes if p.snapshot else None,
        ),
        _partition("callcenter_ledger_untrimmed", lambda p: p.untrimmed),
        _partition("callcenter_ledger_losses_total", lambda p: p.losses),
        _worker("callcenter_partitions_lost_total", lambda w: w.partitions_lost),
        _partition("callcenter_recovery_seconds", lambda p: p.recovery_seconds),
        _worker("callcenter_rebalances_total", lambda w: w.rebalances),
        _worker("callcenter_partitions_owned", lambda w: len(w.partitions)),
        _worker("callcenter_worker_ready", lambda w: int(w.unready is None)),
        _build_info("callcenter_build_info"),
    )
)
"""Every metric about the worker and how its samples are read."""
