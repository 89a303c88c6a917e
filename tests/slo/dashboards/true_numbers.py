"""What single numbers of the dashboards should be, from the verdicts of the brute-force judge.

Counts over a window are what has changed since Prometheus came, as nothing here lasts longer.
"""

from collections.abc import Callable
from typing import Any, Final

from oracle import Truth
from watched_centre import Watched

__all__ = ["NUMBERS"]

Number = Callable[[Watched], float]
_Key = tuple[str, str, str]

ALLOWED: Final = {"answer": 0.1, "callback": 0.05, "promise": 0.1}
"""What the default objectives let be broken."""
SECOND: Final = 1_000_000


def grown(watched: Watched, part: str, *states: str) -> int:
    """Return by how many the verdicts of these states have grown."""

    def count(truth: Truth) -> int:
        figures: dict[str, Any] = truth.figures()[part]
        return sum(figures[state] for state in states)

    return count(watched.after) - count(watched.before)


def _kept(part: str, *kept: str) -> Number:
    def number(watched: Watched) -> float:
        good = grown(watched, part, *kept)
        return good / (good + grown(watched, part, "broken"))

    return number


def _budget(part: str, *kept: str) -> Number:
    def number(watched: Watched) -> float:
        decided = grown(watched, part, *kept, "broken")
        return 1 - grown(watched, part, "broken") / (ALLOWED[part] * decided)

    return number


def _waits(watched: Watched) -> list[int]:
    now = watched.centre.now
    return [now - call.start for call in watched.after.calls if call.outcome == "open"]


def _due(watched: Watched) -> list[int]:
    now = watched.centre.now
    return [p.due_at - now for p in watched.after.promises if p.state == "open"]


def _overdue(watched: Watched) -> int:
    promises = watched.after.promises
    return sum(p.state == "broken" and p.late_at is None for p in promises)


def _since_stop(watched: Watched) -> float:
    return watched.at - watched.centre.now / SECOND


def _due_within(seconds: int) -> Number:
    return lambda w: sum(left <= seconds * SECOND for left in _due(w))


_CALLBACK: Final = ("kept", "kept_by_recall")

_PROMISE: Final[dict[tuple[str, str], Number]] = {
    ("Answered in time", "A"): _kept("answer", "kept"),
    ("Called back in time", "A"): _kept("callback", *_CALLBACK),
    ("Whole promise", "A"): _kept("promise", "kept"),
    ("Numbers are behind by", "A"): _since_stop,
    ("Waiting", "A"): lambda w: len(_waits(w)),
    ("Waiting too long", "A"): lambda w: sum(wait > 10 * SECOND for wait in _waits(w)),
    ("Longest wait", "A"): lambda w: max(_waits(w)) / SECOND + _since_stop(w),
    ("Callbacks due in 15 min", "A"): _due_within(900),
    ("Callbacks overdue", "A"): _overdue,
    ("Next callback due in", "A"): lambda w: min(_due(w)) / SECOND - _since_stop(w),
    ("Budget left of 30 days", "A"): _budget("answer", "kept"),
    ("Budget left of 30 days", "B"): _budget("callback", *_CALLBACK),
    ("Budget left of 30 days", "C"): _budget("promise", "kept"),
}

NUMBERS: Final[dict[_Key, Number]] = {
    ("callsla-promise.json", *key): number for key, number in _PROMISE.items()
}
"""By dashboard, panel and query."""
