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


def _made_last_hour(watched: Watched) -> int:
    """Callbacks made in the last hour, exact to the slice of 5 s that the window is cut into."""
    slice_ = 5 * SECOND
    tail = (watched.centre.now - 3600 * SECOND) // slice_
    moments = [
        *(p.settled_at for p in watched.after.promises if p.state in _CALLBACK),
        *(p.late_at for p in watched.after.promises),
    ]
    return sum(moment is not None and moment // slice_ > tail for moment in moments)


def _useful(watched: Watched) -> float:
    useful = grown(watched, "usefulness", "useful")
    return useful / (useful + grown(watched, "usefulness", "useless"))


def _worst_wait(watched: Watched) -> float:
    return max(call.wait for call in watched.after.calls if call.answered) / SECOND


_QUEUE: Final[dict[tuple[str, str], Number]] = {
    ("Waiting", "A"): _PROMISE["Waiting", "A"],
    ("Longest wait", "A"): _PROMISE["Longest wait", "A"],
    ("Offered, last 30 min", "A"): lambda w: len(w.after.calls) - len(w.before.calls),
    ("Answered in time", "A"): _PROMISE["Answered in time", "A"],
    ("Worst wait of the day", "A"): _worst_wait,
    ("Useful answers", "A"): _useful,
}

_CALLBACKS: Final[dict[tuple[str, str], Number]] = {
    ("Due in 5 min", "A"): _due_within(300),
    ("Due in 15 min", "A"): _due_within(900),
    ("Due in 1 h", "A"): _due_within(3600),
    ("Overdue", "A"): _overdue,
    ("Next due in", "A"): _PROMISE["Next callback due in", "A"],
    ("Load of the next hour", "A"): lambda w: _due_within(3600)(w) / _made_last_hour(w),
    ("Kept, last hour", "A"): _kept("callback", *_CALLBACK),
    ("Kept, last day", "A"): _kept("callback", *_CALLBACK),
}


_ENDS: Final = (
    "answered_in_target",
    "answered_late",
    "abandoned_in_target",
    "abandoned_late",
    "diverted",
    "callback_requested",
    "rejected",
    "lost",
)
_IN, _LATE, _EARLY, _GAVE_UP = _ENDS[:4]
_FORMULAS: Final = {
    "F1": ((_IN,), (_IN, _LATE)),
    "F2": ((_IN,), _ENDS),
    "F3": ((_IN,), (_IN, _LATE, _GAVE_UP)),
    "F4": ((_IN, _EARLY), _ENDS),
    # Short is what was abandoned within the target.
    "F5": ((_IN,), tuple(end for end in _ENDS if end != _EARLY)),
    # Without the callbacks that were asked for in time F6 is F4.
    "F6": ((_IN, _EARLY), _ENDS),
    "F7": ((_IN,), (_IN, _LATE, _EARLY, _GAVE_UP)),
}
"""As reference books have them."""


def _level(formula: str) -> Number:
    above, below = _FORMULAS[formula]
    return lambda w: grown(w, "outcomes", *above) / grown(w, "outcomes", *below)


def _spread(watched: Watched) -> float:
    levels = [_level(formula)(watched) for formula in _FORMULAS]
    return max(levels) - min(levels)


def _useful_per_call(watched: Watched) -> float:
    return grown(watched, "usefulness", "useful") / grown(watched, "outcomes", *_ENDS)


def _net_value(watched: Watched) -> float:
    return grown(watched, "usefulness", "useful") - grown(watched, "usefulness", "useless")


_LEVELS: Final[dict[tuple[str, str], Number]] = {
    **{
        ("Service level by formula", ref): _level(formula)
        for ref, formula in zip("ABCDEFG", _FORMULAS, strict=True)
    },
    ("Highest less lowest", "A"): _spread,
    ("Useful answers per call", "A"): _useful_per_call,
    ("Net value", "A"): _net_value,
}

_WORKER: Final[dict[tuple[str, str], Number]] = {
    ("Numbers are behind by", "A"): _since_stop,
    ("Oldest heartbeat", "A"): lambda w: w.at - min(w.centre.heartbeats()) / SECOND,
    ("Records to read", "A"): lambda _: 0,
    ("Workers ready", "A"): lambda _: 1,
    ("Partitions owned", "A"): lambda w: len(w.centre.partitions),
    ("Partitions caught up", "A"): lambda w: len(w.centre.partitions),
}

NUMBERS: Final[dict[_Key, Number]] = {
    (f"callsla-{board}.json", *key): number
    for board, numbers in {
        "promise": _PROMISE,
        "queue": _QUEUE,
        "callbacks": _CALLBACKS,
        "formulas": _LEVELS,
        "worker": _WORKER,
    }.items()
    for key, number in numbers.items()
}
"""By dashboard, panel and query."""
