"""The ledger of promises: pure, order-insensitive within its lateness, deterministic."""

from streams.ledger.changes import NONE, Change
from streams.ledger.figures import FORMULAS, add_figures, figures_by_queue, service_levels
from streams.ledger.ledger import FATES, Ledger
from streams.ledger.live import DUE_WITHIN, LiveQueue
from streams.ledger.rules import QueueRules, Rules
from streams.ledger.totals import (
    NO_QUEUE,
    OTHER_QUEUES,
    OUTCOMES,
    VERDICTS,
    Histogram,
    QueueTotals,
    Totals,
)
from streams.ledger.windows import WINDOWS, Windows, WindowSums

__all__ = [
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
    "LiveQueue",
    "QueueRules",
    "QueueTotals",
    "Rules",
    "Totals",
    "WindowSums",
    "Windows",
    "add_figures",
    "figures_by_queue",
    "service_levels",
]
