"""What the oracle finds: the verdicts on calls and callbacks, and the settings it goes by."""

from dataclasses import dataclass, field
from typing import Any, Final

from .figures import figures_of

__all__ = [
    "DEFAULTS",
    "HOUR",
    "SECOND",
    "STATES",
    "CallVerdict",
    "Key",
    "PromiseVerdict",
    "Truth",
    "rules_of",
]

SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND

DEFAULTS: Final[dict[str, Any]] = {
    "answer_target": 10 * SECOND,
    "clock_start": "arrival",
    "early_abandon": "exclude",
    "unknown_is_human": False,
    "callback_target": HOUR,
    "callback_clock": "call_end",
    "unreachable_after": 3,
    "late_horizon": 24 * HOUR,
    "short_talk": 10 * SECOND,
    "repeat_window": HOUR,
    "max_call": 4 * HOUR,
}
"""Durations in microseconds."""

STATES: Final[dict[str, tuple[str, ...]]] = {
    "outcome": (
        "answered_in_target",
        "answered_late",
        "abandoned_in_target",
        "abandoned_late",
        "diverted",
        "callback_requested",
        "rejected",
        "lost",
    ),
    "answer": ("kept", "broken", "excluded"),
    "callback": ("kept", "kept_by_recall", "broken", "unreachable", "uncallable", "cancelled"),
    "promise": ("kept", "broken", "outside"),
    "usefulness": ("useful", "useless", "unknown"),
}
"""Every state a verdict can end in; before that it is `open`."""

Key = tuple[str, str]
"""Whose callback: ("customer", name) or, of a call without a customer, ("call", id)."""


def rules_of(settings: dict[str, Any], queue: str) -> dict[str, Any]:
    """Return the settings that hold for `queue` ("" = of no queue)."""
    own = settings.get("queues", {}).get(queue, {}) if queue else {}
    return {**DEFAULTS, **settings, **own}


@dataclass
class CallVerdict:
    """What became of one call. Instants and durations in microseconds."""

    call_id: str
    queue: str
    customer: str | None
    anonymous: bool
    arrival: int
    start: int
    rules: dict[str, Any]
    contradictory: int = 0
    outcome: str = "open"
    decided_by: int | None = None
    """When the fact happened that decided the outcome."""
    answer: str = "open"
    answer_at: int | None = None
    """When the answer promise was decided."""
    usefulness: str | None = None
    callback: "PromiseVerdict | None" = None

    @property
    def wait(self) -> int:
        """Time from the start to the fact that decided, in microseconds, never negative."""
        assert self.decided_by is not None
        return max(0, self.decided_by - self.start)

    @property
    def answered(self) -> bool:
        return self.outcome in ("answered_in_target", "answered_late")

    @property
    def key(self) -> Key:
        return ("call", self.call_id) if self.customer is None else ("customer", self.customer)

    @property
    def promise(self) -> str:
        """The whole promise."""
        if self.answered:
            return "kept" if self.outcome == "answered_in_target" else "broken"
        state = "open" if self.callback is None else self.callback.state
        if state in ("unreachable", "uncallable", "cancelled"):
            return "outside"
        return "kept" if state == "kept_by_recall" else state


@dataclass
class PromiseVerdict:
    """What became of one callback promise. Instants in microseconds."""

    key: Key
    queue: str
    opened_at: int
    due_at: int
    rules: dict[str, Any]
    all_anonymous: bool = True
    state: str = "open"
    settled_at: int | None = None
    late_at: int | None = None


@dataclass
class Truth:
    """Every verdict as of `until` (microseconds), and the figures that follow."""

    until: int
    calls: list[CallVerdict] = field(default_factory=list)
    promises: list[PromiseVerdict] = field(default_factory=list)
    duplicates: int = 0
    orphans: int = 0

    @property
    def contradictory(self) -> int:
        return sum(call.contradictory for call in self.calls)

    @property
    def queues(self) -> list[str]:
        return sorted({x.queue for x in self.calls} | {x.queue for x in self.promises})

    def call(self, call_id: str) -> CallVerdict:
        """Return the verdicts on one call."""
        return next(call for call in self.calls if call.call_id == call_id)

    def figures(self, queue: str | None = None) -> dict[str, Any]:
        """Return the figures of one queue ("" = of no queue), or of all together."""
        calls = [c for c in self.calls if queue is None or c.queue == queue]
        promises = [p for p in self.promises if queue is None or p.queue == queue]
        return figures_of(calls, promises, STATES)
