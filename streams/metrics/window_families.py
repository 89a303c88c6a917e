"""What each metric of the rolling windows reads from one window of one queue.

What a window does not hold has no series: a quiet queue would have hundreds.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import repeat
from typing import Final, TypeAlias

from streams.ledger import VERDICTS
from streams.metrics.copies import Sums
from streams.metrics.names import BY_NAME
from streams.metrics.rows import Number, Rows, histogram_rows, histogram_values

__all__ = ["CLASSES", "WINDOW_FAMILIES"]

_Reading: TypeAlias = tuple[Rows, list[Number]]
_Read: TypeAlias = Callable[[Sums, str, tuple[float, ...]], _Reading | None]

CLASSES: Final = {
    verdict: tuple(state if verdict == state else f"{verdict}_{state}" for state in states)
    for verdict, states in VERDICTS.items()
}
"""The classes of a window by verdict, as the ledger names them."""

_MAX: Final = BY_NAME["callcenter_window_wait_seconds_max"]
_WAITS: Final = BY_NAME["callcenter_window_wait_seconds"]


def _calls(sums: Sums, window: str, _: tuple[float, ...]) -> _Reading | None:
    counts = sums.classes
    if not counts:
        return None
    rows, names = _class_rows(window, tuple(counts))
    return rows, [*map(counts.get, names, repeat(0))]


def _waits(sums: Sums, window: str, bounds: tuple[float, ...]) -> _Reading | None:
    if not sums.wait_count:
        return None
    rows = histogram_rows(_WAITS, bounds, window=window)
    return rows, histogram_values(sums.wait_buckets, sums.wait_sum)


def _longest(sums: Sums, window: str, _: tuple[float, ...]) -> _Reading | None:
    return (_max_rows(window), [sums.wait_max]) if sums.wait_count else None


@lru_cache(maxsize=4096)
def _class_rows(window: str, counted: tuple[str, ...]) -> tuple[Rows, tuple[str, ...]]:
    """Return the rows of a window in which `counted` are, and their classes."""
    # With one state of a verdict come all: a ratio needs the zeros beside it.
    verdicts = [v for v, names in CLASSES.items() if not set(counted).isdisjoint(names)]
    names = [name for verdict in verdicts for name in CLASSES[verdict]]
    metric = BY_NAME["callcenter_window_calls"]
    return Rows(metric, [("", {"window": window, "class": name}) for name in names]), tuple(names)


@lru_cache
def _max_rows(window: str) -> Rows:
    return Rows(_MAX, [("", {"window": window})])


WINDOW_FAMILIES: Final[dict[str, _Read]] = {
    "callcenter_window_calls": _calls,
    _WAITS.name: _waits,
    _MAX.name: _longest,
}
"""Rows and values of one window of one queue in one partition, by metric."""
