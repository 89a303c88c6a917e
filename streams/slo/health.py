"""Alerts about the workers themselves: nobody is harmed yet."""

from collections.abc import Iterator

from streams.instants import MINUTE, SECOND
from streams.slo.alert import Alert
from streams.slo.durations import brief, compact, last
from streams.slo.objective import Objective
from streams.slo.timing import Timing

__all__ = ["health_alerts"]

_STALLED = 30 * SECOND
_REFUSED = 15 * MINUTE


def health_alerts(objective: Objective, timing: Timing) -> Iterator[Alert]:
    """Return the alerts about workers, each by instance or by partition."""
    settings = objective.alerts.health
    yield _down(timing)
    yield _not_ready(timing)
    yield _stalled(timing)
    yield _refused(settings.refused, timing)
    yield _old_snapshot(timing.wait(settings.snapshot))
    yield _incomplete()


def _down(timing: Timing) -> Alert:
    return Alert(
        "WorkerDown",
        "warning",
        'up{job=~".*callsla.*"} == 0',
        "A worker does not answer its scrapes",
        "The worker {{ $labels.instance }} does not answer. Others take over its calls; "
        "if none does, a Blind alert says so.",
        timing.wait(MINUTE),
    )


def _not_ready(timing: Timing) -> Alert:
    return Alert(
        "WorkerNotReady",
        "warning",
        "callcenter_worker_ready == 0",
        "A worker does not get ready",
        "The worker {{ $labels.instance }} has been running for a while and is not ready; its page "
        "/-/ready says why.",
        timing.wait(10 * MINUTE),
    )


def _stalled(timing: Timing) -> Alert:
    """It answers scrapes on threads of its own, but its loop decides nothing."""
    limit = timing.wait(_STALLED)
    return Alert(
        "WorkerStalled",
        "warning",
        f"time() - (callcenter_tick_timestamp_seconds > 0) > {limit / SECOND:g}",
        "A worker stands still",
        "The worker {{ $labels.instance }} has not ticked for {{ humanizeDuration $value }}; "
        f"more than {brief(limit)} is a fault. The deadlines of its calls are not watched.",
        timing.wait(30 * SECOND),
    )


def _refused(least: int, timing: Timing) -> Alert:
    """Highest per partition first: a partition that moves takes its count along."""
    length = timing.wait(_REFUSED)
    grown = (
        "sum by (reason) (increase((max by (partition, reason) (callcenter_dead_letters_total))"
        f"[{compact(length)}:]))"
    )
    return Alert(
        "RecordsRefused",
        "warning",
        f"{grown} >= {timing.at_least(least)}",
        "Records of the call system are refused",
        'About {{ printf "%.0f" $value }} records were refused in '
        f"{last(length)} because they are {{{{ $labels.reason }}}}. Their calls are not judged.",
    )


def _old_snapshot(limit: int) -> Alert:
    return Alert(
        "SnapshotOld",
        "warning",
        "max by (partition) (time() - (callcenter_snapshot_timestamp_seconds > 0)) "
        f"> {limit / SECOND:g}",
        "Snapshots of the ledger are not being written",
        "The newest snapshot of partition {{ $labels.partition }} is {{ humanizeDuration $value }} "
        "old. Counts are safe, but a restart takes the longer.",
    )


def _incomplete() -> Alert:
    return Alert(
        "CountsIncomplete",
        "warning",
        "max by (partition) (callcenter_ledger_losses_total) > 0",
        "Counts have a gap that was accepted",
        "The owner of partition {{ $labels.partition }} went on without records that could not be "
        "read again. Counts before that moment are not whole.",
    )
