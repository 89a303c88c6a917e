"""The promise in numbers: what is kept, what is broken and how long the ledger waits."""

from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from streams.instants import DAY, HOUR, MINUTE, SECOND

__all__ = ["Limits", "QueueRules", "Rules"]


class QueueRules(Struct, frozen=True, kw_only=True):
    """The promise as it holds for one queue. Durations in microseconds."""

    answer_target: int = 10 * SECOND
    answer_objective: float = 0.90
    clock_start: Literal["arrival", "queue"] = "arrival"
    early_abandon: Literal["exclude", "broken"] = "exclude"
    unknown_is_human: bool = False
    callback_target: int = HOUR
    callback_objective: float = 0.95
    callback_clock: Literal["call_end", "breach"] = "call_end"
    unreachable_after: int = 3
    late_horizon: int = 24 * HOUR
    short_talk: int = 10 * SECOND
    repeat_window: int = HOUR


class Limits(Struct, frozen=True, kw_only=True):
    """How much is remembered of one partition, whatever comes.

    An event for which something would have to be remembered beyond one is refused (`limit`).
    """

    max_calls: int = 5_000_000
    max_calls_of_source: int = 2_500_000
    """so that a source that runs wild leaves room for the others"""
    max_callbacks: int = 2_500_000
    """callback events"""
    max_callbacks_of_source: int = 1_250_000
    max_callbacks_of_one: int = 1_000
    """of one customer, and of one call where an event names no customer"""
    max_calls_of_one: int = 1_000
    """of one customer; a further call is judged like that of a caller nobody knows"""
    max_restarts: int = 100
    """of one source"""


class Rules(Struct, frozen=True, kw_only=True):
    """Everything that decides a verdict. Durations in microseconds.

    `queues` maps a queue's name, or a shell pattern of names, to its own rules; an exact name
    comes before a pattern, and of the patterns the first that matches counts.
    """

    default: QueueRules = QueueRules()
    queues: dict[str, QueueRules] = {}
    grace: int = 2 * SECOND
    lateness: int = HOUR
    max_call: int = 4 * HOUR
    max_future: int = MINUTE
    max_age: int = 7 * DAY
    max_queues: int = 1000
    useless_weight: float = 1.0
    limits: Limits = Limits()

    def of(self, queue: str | None) -> QueueRules:
        """Return the rules of `queue` (of no queue: the default ones)."""
        if queue is None or not self.queues:
            return self.default
        exact = self.queues.get(queue)
        if exact is not None:
            return exact
        for pattern, rules in self.queues.items():
            if fnmatchcase(queue, pattern):
                return rules
        return self.default
