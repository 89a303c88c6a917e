"""What the recording rules call their results: `level:metric:operation`."""

from typing import Final

from streams.slo.counters import Promise
from streams.slo.durations import compact
from streams.slo.timing import PERIOD

__all__ = [
    "LEVELS",
    "allowed",
    "budget_left",
    "increase",
    "objective_of",
    "opening",
    "ratio",
    "target_of",
    "useful_share",
]

LEVELS: Final = ("queue", "centre")


def increase(level: str, name: str, length: int) -> str:
    """Return the name under which the growth in a window of `length` microseconds is recorded."""
    return f"{level}:{name}:increase{compact(length)}"


def ratio(level: str, promise: Promise, length: int) -> str:
    """Return the name of the recorded share of promises that were broken."""
    return f"{level}:{promise.broken.name}_per_decided:ratio{compact(length)}"


def allowed(level: str, promise: Promise, length: int) -> str:
    """Return the name of the recorded number of promises that the objective lets be broken."""
    return increase(level, f"{promise.broken.name}_allowed", length)


def objective_of(promise: Promise) -> str:
    """Return the name of the recorded objective of each queue."""
    return f"queue:callcenter_{promise.key}_objective:ratio"


def target_of(promise: Promise) -> str:
    """Return the name of the recorded target of each queue."""
    return f"queue:callcenter_{promise.key}_target:seconds"


def budget_left(level: str, promise: Promise) -> str:
    """Return the name of the recorded share of the budget of 30 days that is left."""
    return f"{level}:callcenter_{promise.key}_budget_left:ratio{compact(PERIOD)}"


def useful_share(level: str, length: int) -> str:
    """Return the name of the recorded share of useful answers among those of known use."""
    return f"{level}:callcenter_useful_answers_per_known:ratio{compact(length)}"


def opening(level: str) -> str:
    """Return the name of the recorded moment since when, or from when on, it is open."""
    return f"{level}:callcenter_opening:timestamp"
