"""The ledger of promises: pure, order-insensitive within its lateness, deterministic."""

from streams.ledger.calls import ANSWERED
from streams.ledger.changes import NONE, Change
from streams.ledger.figures import FORMULAS, add_figures, figures_by_queue, service_levels
from streams.ledger.ledger import FATES, Ledger
from streams.ledger.live import DUE_WITHIN, LiveQueue
from streams.ledger.rules import Limits, QueueRules, Rules
from streams.ledger.snapshot import SnapshotError, load
from streams.ledger.totals import (
    NO_QUEUE,
    OTHER_QUEUES,
    OUTCOMES,
    VERDICTS,
    Histogram,
    QueueTotals,
    Totals,
)
from streams.ledger.window_sums import WindowSums
from streams.ledger.windows import WINDOWS, Windows
from streams.ledger.writing import dump, state_hash

__all__ = [
    "ANSWERED",
    "DUE_WITHIN",
    "FATES",
    "FORMULAS",
    "NONE",
    "NO_QUEUE",
    "OTHER_QUEUES",
    "OUTCOMES",
    "VERDICTS",
    "WINDOWS",
    "Change",
    "Histogram",
    "Ledger",
    "Limits",
    "LiveQueue",
    "QueueRules",
    "QueueTotals",
    "Rules",
    "SnapshotError",
    "Totals",
    "WindowSums",
    "Windows",
    "add_figures",
    "dump",
    "figures_by_queue",
    "load",
    "service_levels",
    "state_hash",
]
