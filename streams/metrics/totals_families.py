"""What each metric that carries queue and partition reads from the totals of one queue."""

from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from typing import Final, TypeAlias

from streams.ledger import VERDICTS, QueueTotals
from streams.metrics.names import BY_NAME
from streams.metrics.rows import Number, Rows, histogram_rows, histogram_values

__all__ = ["LIKELY_CORRECTIONS", "TOTALS_FAMILIES"]

_Reading: TypeAlias = tuple[Rows, list[Number]]
_Read: TypeAlias = Callable[[QueueTotals], _Reading]
_Key: TypeAlias = tuple[str, str]
_Correction: TypeAlias = tuple[str, str, str]

LIKELY_CORRECTIONS: Final[tuple[_Correction, ...]] = (
    ("answer", "broken", "kept"),
    ("answer", "broken", "excluded"),
    ("answer", "kept", "broken"),
    ("answer", "excluded", "broken"),
    ("callback", "broken", "kept"),
    ("callback", "broken", "kept_by_recall"),
    ("callback", "kept", "broken"),
    ("promise", "broken", "kept"),
    ("promise", "broken", "outside"),
    ("promise", "kept", "broken"),
    ("promise", "outside", "broken"),
)
"""The corrections that change what an objective judges; they start at zero, others appear.

All that can be would be some 180 for each queue and partition.
"""


def _counts(name: str, label: str, keys: list[_Key]) -> tuple[str, _Read]:
    """One series for each of `keys`, whose state is the value of `label`."""
    rows = Rows(BY_NAME[name], [("", {label: state}) for _, state in keys])

    def read(totals: QueueTotals) -> _Reading:
        get = totals.counts.get
        return rows, [get(key, 0) for key in keys]

    return name, read


def _sum(name: str, verdict: str, *states: str) -> tuple[str, _Read]:
    """One series: the sum of the counts of `states`."""
    rows = Rows(BY_NAME[name], [("", {})])
    keys = [(verdict, state) for state in states]

    def read(totals: QueueTotals) -> _Reading:
        get = totals.counts.get
        return rows, [sum([get(key, 0) for key in keys])]

    return name, read


def _histogram(name: str, attribute: str) -> tuple[str, _Read]:
    metric = BY_NAME[name]

    def read(totals: QueueTotals) -> _Reading:
        durations = getattr(totals, attribute)
        rows = histogram_rows(metric, tuple(durations.bounds))
        return rows, histogram_values(list(accumulate(durations.counts)), durations.sum)

    return name, read


@lru_cache(maxsize=4096)
def _correction_rows(keys: tuple[_Correction, ...]) -> Rows:
    metric = BY_NAME["callcenter_corrections_total"]
    return Rows(metric, [("", {"verdict": v, "from": was, "to": to}) for v, was, to in keys])


def _corrections(totals: QueueTotals) -> _Reading:
    counted = totals.corrections
    keys = tuple(sorted({*LIKELY_CORRECTIONS, *counted}))
    return _correction_rows(keys), [counted.get(key, 0) for key in keys]


def _keys(verdict: str) -> list[_Key]:
    return [(verdict, state) for state in VERDICTS[verdict]]


TOTALS_FAMILIES: Final[dict[str, _Read]] = dict(
    (
        _sum("callcenter_calls_offered_total", "offered", "offered"),
        _counts("callcenter_calls_total", "outcome", _keys("outcome")),
        _sum("callcenter_answer_promises_total", "answer", "kept", "broken"),
        _sum("callcenter_answer_promises_broken_total", "answer", "broken"),
        _histogram("callcenter_answer_wait_seconds", "answer_wait"),
        _counts("callcenter_answers_total", "usefulness", _keys("usefulness")),
        _sum("callcenter_callback_promises_opened_total", "opened", "opened"),
        _sum("callcenter_callback_promises_total", "callback", "kept", "kept_by_recall", "broken"),
        _sum("callcenter_callback_promises_broken_total", "callback", "broken"),
        _counts(
            "callcenter_callback_promises_settled_total",
            "state",
            [*_keys("callback"), *_keys("late")],
        ),
        _histogram("callcenter_callback_delay_seconds", "callback_delay"),
        _sum("callcenter_promises_total", "promise", "kept", "broken"),
        _sum("callcenter_promises_broken_total", "promise", "broken"),
        ("callcenter_corrections_total", _corrections),
    )
)
"""Rows and values of one queue in one partition, by metric."""
