"""Recordings that dashboards draw curves of, by queue.

A histogram of 200 queues in 12 partitions is 36,000 series, and six hours of those, which a curve
reads, are 50 million samples. By queue it is a twelfth of the series, every 5 minutes.
"""

from typing import Final

from streams.instants import HOUR, MINUTE
from streams.slo.counters import Rule
from streams.slo.durations import compact
from streams.slo.names import increase

__all__ = [
    "DELAYS",
    "SPAN",
    "WAITS",
    "amended",
    "amended_rules",
    "distributed",
    "distribution_rules",
    "settled",
    "settled_rules",
]

WAITS: Final = "callcenter_answer_wait_seconds"
DELAYS: Final = "callcenter_callback_delay_seconds"
SPAN: Final = 5 * MINUTE
"""What a column of a heatmap stands for."""
_SETTLED: Final = "callback_.*|opened|late"


def distributed(name: str) -> str:
    """Return the name under which the growth of the buckets of a histogram is recorded."""
    return increase("queue", f"{name}_bucket", SPAN)


def distribution_rules(name: str) -> list[Rule]:
    """Return what a histogram has grown by, about: a picture needs no more."""
    return [(distributed(name), f"sum by (queue, le) (increase({name}_bucket[{compact(SPAN)}]))")]


def amended() -> str:
    """Return the name under which amended verdicts are recorded."""
    return increase("queue", "callcenter_corrections", SPAN)


def amended_rules() -> list[Rule]:
    """Return how many verdicts were amended: of 200 queues in 12 partitions 26,400 series."""
    grown = f"increase(callcenter_corrections_total[{compact(SPAN)}])"
    return [(amended(), f"sum by (queue, verdict) ({grown})")]


def settled() -> str:
    """Return the name under which callbacks owed and settled in the last hour are recorded."""
    return f"queue:callcenter_window_calls:callbacks{compact(HOUR)}"


def settled_rules() -> list[Rule]:
    """Return the callbacks owed and settled in the last hour of event time, to the call."""
    shown = f'callcenter_window_calls{{window="{compact(HOUR)}",class=~"{_SETTLED}"}}'
    return [(settled(), f"sum by (queue, class) (max by (partition, queue, class) ({shown}))")]
