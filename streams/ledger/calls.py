"""One call: the facts about it, and what follows from them.

Every verdict is a function of the facts (which event happened at which time) and of `now`;
the order in which the facts arrived never matters.
"""

from bisect import bisect_right
from typing import Final

from msgspec import Struct

from streams.events import CallAnswered, CallEnded
from streams.ledger.rules import QueueRules

__all__ = ["ANSWERED", "MAX_REPEATS", "Call", "End", "Judgement", "judge"]

MAX_REPEATS: Final = 8
"""How many answers or ends of one call are remembered: the earliest ones decide."""
_MAX_SEEN: Final = 64 * 8

ANSWERED: Final = frozenset({"answered_in_target", "answered_late"})


class End(Struct, frozen=True, order=True, array_like=True, gc=False):
    """One `call.ended`, so ordered that the smallest of several decides."""

    at: int
    ended_by: str
    """empty if the source did not say"""
    resolved: int
    """1 yes, 0 no, 2 the source did not say"""


class Call(Struct, gc=False, eq=False, kw_only=True):
    """The facts of one call (instants in microseconds, earliest of each kind) and its verdicts.

    A verdict is None before it is counted for the first time, `none` if it vanished again.
    """

    id: str
    arrival: int | None = None
    """when it reached the centre: its earliest offer or queue entry; None: an orphan so far"""
    queued: int | None = None
    source: str | None = None
    """of the event of its arrival"""
    queue: str | None = None
    queue_at: int = 0
    customer: str | None = None
    customer_at: int = 0
    anonymous: bool = False
    human_answers: tuple[int, ...] = ()
    unknown_answers: tuple[int, ...] = ()
    abandoned: int | None = None
    diverted: int | None = None
    requested: int | None = None
    rejected: int | None = None
    ends: tuple[End, ...] = ()
    is_touched: bool = False
    """to be judged at the next tick"""
    is_contestable: bool = False
    """something other than an end became known since it was judged"""
    seen: bytes = b""
    pending: int = 0
    """events that wait for the offer, without which they are orphans"""
    last_at: int = 0

    held_by: str | None = None
    """the customer in whose calls it is"""
    label: str | None = None
    """the queue label under which the verdicts are counted"""
    outcome: str | None = None
    outcome_at: int = 0
    waited: int | None = None
    """from the start until answered or gone, microseconds"""
    answer: str | None = None
    answer_at: int = 0
    promise: str | None = None
    promise_at: int = 0
    usefulness: str | None = None
    usefulness_at: int = 0
    contradicted: int = 0
    revision: int = 0
    wake: int = 0

    def start(self, rules: QueueRules) -> int | None:
        """When the clock started; None: an orphan so far."""
        if rules.clock_start == "queue" and self.queued is not None:
            return self.queued
        return self.arrival

    def arrived(self, at: int, source: str) -> None:
        """Note an offer or a queue entry; the earliest tells whose call it is."""
        if self.arrival is None or at < self.arrival:
            self.arrival, self.source = at, source
            self.is_contestable = True
        elif at == self.arrival and source < (self.source or source):
            self.source = source
            self.is_contestable = True

    def named_queue(self, at: int, queue: str) -> None:
        """Note a queue; the first event that names one decides."""
        if self.queue is None or (at, queue) < (self.queue_at, self.queue):
            self.queue, self.queue_at = queue, at
            self.is_contestable = True

    def named_customer(self, at: int, customer: str) -> None:
        """Note a customer; the first event that names one decides."""
        if self.customer is None or (at, customer) < (self.customer_at, self.customer):
            self.customer, self.customer_at = customer, at

    def answered(self, event: CallAnswered) -> bool:
        """Note an answer; False if it was nobody's who could be human."""
        if event.answered_by == "human":
            self.human_answers = _earliest((*self.human_answers, event.at))
        elif event.answered_by == "unknown":
            self.unknown_answers = _earliest((*self.unknown_answers, event.at))
        else:
            return False
        self.is_contestable = True
        return True

    def ended(self, event: CallEnded) -> None:
        """Note an end."""
        resolved = 2 if event.resolved is None else int(event.resolved)
        end = End(event.at, event.ended_by or "", resolved)
        self.ends = tuple(sorted((*self.ends, end))[:MAX_REPEATS]) if self.ends else (end,)

    def remember(self, fingerprint: bytes) -> None:
        """Add an event to those that were `seen`; of very many the oldest are given up."""
        seen = self.seen
        self.seen = seen + fingerprint if len(seen) < _MAX_SEEN else seen[8:] + fingerprint

    def answers(self, rules: QueueRules) -> tuple[int, ...]:
        """All answers that count as human, earliest first."""
        if rules.unknown_is_human and self.unknown_answers:
            return tuple(sorted((*self.human_answers, *self.unknown_answers)))
        return self.human_answers

    def new_contradictions(self, rules: QueueRules) -> int:
        """Return how many more answers than before are known to be later than an abandonment."""
        abandoned = self.abandoned
        before = self.contradicted
        if abandoned is not None:
            self.contradicted = sum(at > abandoned for at in self.answers(rules))
        return self.contradicted - before

    def failed_at(self, rules: QueueRules) -> int:
        """When a call without human answer became a failure, on the callback's clock."""
        if rules.callback_clock == "breach":
            return min((self.start(rules) or 0) + rules.answer_target, self.outcome_at)
        return self.outcome_at


class Judgement(Struct, frozen=True, gc=False):
    """What the facts of a call say at `now`; an undecided part is None."""

    outcome: str | None
    outcome_at: int
    answer: str | None
    answer_at: int
    wait: int | None
    """microseconds from the start until the call was answered or left unanswered"""


def judge(
    call: Call, rules: QueueRules, restarts: list[int], max_call: int, now: int
) -> Judgement | None:
    """Return the outcome and the answer promise of `call`; None for an orphan.

    `restarts` are the sorted moments at which the call's source restarted.
    """
    start = call.start(rules)
    if start is None:
        return None
    limit = start + max_call
    answers = call.answers(rules)
    abandoned = call.abandoned if call.abandoned is None or call.abandoned <= limit else None
    if answers and answers[0] <= limit and (abandoned is None or answers[0] <= abandoned):
        return _answered(start, answers[0], rules)
    return _unanswered(call, rules, restarts, start, limit, now)


def _answered(start: int, at: int, rules: QueueRules) -> Judgement:
    wait = max(at - start, 0)
    if wait <= rules.answer_target:
        return Judgement("answered_in_target", at, "kept", at, wait)
    due = start + rules.answer_target
    return Judgement("answered_late", at, "broken", due, wait)


def _unanswered(
    call: Call,
    rules: QueueRules,
    restarts: list[int],
    start: int,
    limit: int,
    now: int,
) -> Judgement:
    due = start + rules.answer_target
    outcome, at = _first_end(call, restarts, limit)
    if outcome is None:
        if now < limit:
            broken = "broken" if now >= due else None
            return Judgement(None, 0, broken, due, None)
        outcome, at = "lost", limit
    wait = max(at - start, 0)
    if outcome != "abandoned":
        return Judgement(outcome, at, "broken", min(due, at), wait)
    if wait > rules.answer_target:
        return Judgement("abandoned_late", at, "broken", due, wait)
    answer = "excluded" if rules.early_abandon == "exclude" else "broken"
    return Judgement("abandoned_in_target", at, answer, at, wait)


def _first_end(call: Call, restarts: list[int], limit: int) -> tuple[str | None, int]:
    """Return the earliest fact that ended the call unanswered; of one instant the first here."""
    outcome: str | None = None
    earliest = limit + 1
    if call.abandoned is not None and call.abandoned < earliest:
        outcome, earliest = "abandoned", call.abandoned
    if call.diverted is not None and call.diverted < earliest:
        outcome, earliest = "diverted", call.diverted
    if call.requested is not None and call.requested < earliest:
        outcome, earliest = "callback_requested", call.requested
    if call.rejected is not None and call.rejected < earliest:
        outcome, earliest = "rejected", call.rejected
    if call.ends and call.ends[0].at < earliest:
        by_centre = call.ends[0].ended_by in ("system", "agent")
        outcome, earliest = "diverted" if by_centre else "abandoned", call.ends[0].at
    restarted = _restart_after(restarts, call.arrival or 0)
    if restarted is not None and restarted < earliest:
        outcome, earliest = "lost", restarted
    return outcome, earliest


def _restart_after(restarts: list[int], arrival: int) -> int | None:
    if not restarts:
        return None
    position = bisect_right(restarts, arrival)
    return restarts[position] if position < len(restarts) else None


def _earliest(instants: tuple[int, ...]) -> tuple[int, ...]:
    return instants if len(instants) == 1 else tuple(sorted(instants)[:MAX_REPEATS])
