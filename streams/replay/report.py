"""What `callsla replay --json` prints: a contract (DESIGN of the output: README)."""

from typing import Any

from streams._version import __version__
from streams.events import REASONS
from streams.instants import rfc3339
from streams.ledger import add_figures, figures_by_queue, service_levels
from streams.replay.judging import Judged
from streams.replay.reading import Input
from streams.replay.waits import QueueWaits

__all__ = ["report"]


def report(given: Input, judged: Judged) -> dict[str, Any]:
    """Return the figures in total and by queue, and what became of the input.

    Ratios are between 0 and 1, or None where there is nothing to divide by; times in seconds.
    """
    counted = figures_by_queue(judged.ledger)
    total = add_figures(counted.values())
    return {
        "callsla": __version__,
        "until": None if judged.until is None else rfc3339(judged.until),
        "input": _input(given, judged),
        "total": _complete(total, QueueWaits.total(judged.waits.values())),
        "queues": {
            queue: _complete(counted[queue], judged.waits.get(queue, QueueWaits()))
            for queue in sorted(counted)
        },
    }


def _input(given: Input, judged: Judged) -> dict[str, Any]:
    fates = judged.ledger.fates
    refused = dict.fromkeys(REASONS, 0)
    for reason in refused:
        refused[reason] = given.dead_letters.get(reason, 0) + judged.refused.get(reason, 0)
    return {
        "records": given.records,
        "events": given.number,
        "duplicates": fates["duplicate"],
        "contradictory": fates["contradictory"],
        "orphans": fates["orphan"] + judged.ledger.pending_orphans,
        "late": fates["late"],
        "ignored": fates["ignored"],
        "left_out": judged.left_out,
        "unknown_fields": given.unknown_fields,
        "dead_letters": refused,
    }


def _complete(figures: dict[str, Any], waits: QueueWaits) -> dict[str, Any]:
    """Add waits and service levels to what the ledger counted."""
    levels = service_levels(figures["outcomes"], waits.short_abandoned, waits.requested_in_target)
    return {**figures, "wait_seconds": {"answered": waits.seconds()}, "service_level": levels}
