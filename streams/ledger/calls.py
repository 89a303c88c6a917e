"""One call: the facts about it, and what follows from them.

Every verdict is a function of the facts (which event happened at which time) and of `now`;
the order in which the facts arrived never matters.
"""

from bisect import bisect_right
from typing import Final, TypeAlias

from streams.ledger.changes import NONE
from streams.ledger.compiled import mypyc_attr, u8
from streams.ledger.deadlines import NOWHERE, Waiter
from streams.ledger.terms import Terms

__all__ = [
    "ALONE",
    "AMONG",
    "ANSWERED",
    "APART",
    "FREE",
    "MAX_REPEATS",
    "NAMELESS",
    "NO_WAIT",
    "OVER",
    "Call",
    "End",
    "Judgement",
    "judge",
]

MAX_REPEATS: Final = 8
"""How many answers or ends of one call are remembered: the earliest ones decide."""
_MARKED: Final = 8
_MAX_MARKS: Final = 60 * _MARKED
NO_WAIT: Final = -1
"""Stands for the wait of a call that is not over."""

NAMELESS: Final = "\0"
"""Begins the key of a call that stands for its nameless customer."""

# By whom a call is held.
FREE: Final = 0
"""nobody"""
ALONE: Final = 1
"""nobody: it is all that is known of its customer, and stands for him"""
OVER: Final = 2
"""the same, and `wake` is when the customer may be forgotten"""
AMONG: Final = 3
"""the customer whom it names"""
APART: Final = 4
"""one of its own, because it names none or one who has too many calls"""

ANSWERED: Final = frozenset({"answered_in_target", "answered_late"})

_End: TypeAlias = tuple[int, str, int]


@mypyc_attr(acyclic=True)
class End:
    """One `call.ended`; of several the smallest `order` decides."""

    __slots__ = ("at", "ended_by", "resolved")

    def __init__(self, at: int, ended_by: str, resolved: int) -> None:
        self.at = at
        self.ended_by = ended_by
        """empty if the source did not say"""
        self.resolved = resolved
        """1 yes, 0 no, 2 the source did not say"""

    def order(self) -> _End:
        """Return everything it says, the instant first."""
        return self.at, self.ended_by, self.resolved


@mypyc_attr(acyclic=True)
class Call(Waiter):
    """The facts of one call (instants in microseconds, earliest of each kind) and its verdicts.

    An instant of 0 has not come. A verdict is None before it is counted for the first time,
    `none` if it vanished again.
    """

    __slots__ = (
        "abandoned", "anonymous", "answer", "answer_at", "arrival", "contradicted", "customer",
        "customer_at", "diverted", "ends", "hold", "human_answers", "is_contestable",
        "is_touched", "label", "last_at", "mark_1", "mark_2", "mark_3", "mark_4", "more_marks",
        "outcome", "outcome_at", "pending", "promise", "promise_at", "queue", "queue_at",
        "queued", "rejected", "requested", "revision", "source", "unknown_answers", "usefulness",
        "usefulness_at", "waited",
    )  # fmt: skip

    def __init__(self, key: str, mark: int) -> None:
        self.id = key
        self.wake = 0
        self.stands = NOWHERE
        self.arrival = 0
        """when it reached the centre: its earliest offer or queue entry; 0: an orphan so far"""
        self.queued = 0
        self.source = ""
        """of the event of its arrival; an orphan's: of the event that came first"""
        self.queue: str | None = None
        self.customer: str | None = None
        self.queue_at = self.customer_at = self.last_at = 0
        self.anonymous = False
        self.human_answers: tuple[int, ...] = ()
        self.unknown_answers: tuple[int, ...] = ()
        self.abandoned = self.diverted = self.requested = self.rejected = 0
        self.ends: tuple[End, ...] = ()
        self.is_touched = False
        """to be judged at the next tick"""
        self.is_contestable = False
        """something other than an end became known since it was judged"""
        self.mark_1 = mark
        """of an event it was told, 0: none; the later ones are in `more_marks`"""
        self.mark_2 = self.mark_3 = self.mark_4 = 0
        self.more_marks = b""
        self.pending = 0
        """events that wait for the offer, without which they are orphans"""
        self.hold: u8 = FREE
        """by whom it is held"""
        self.label: str | None = None
        """the queue label under which the verdicts are counted"""
        self.outcome: str | None = None
        self.waited = NO_WAIT
        """from the start until answered or gone, microseconds"""
        self.answer: str | None = None
        self.promise: str | None = None
        self.usefulness: str | None = None
        self.outcome_at = self.answer_at = self.promise_at = self.usefulness_at = 0
        self.contradicted = self.revision = 0

    @property
    def held_by(self) -> str | None:
        """The key of the customer who has it."""
        if self.hold == FREE:
            return None
        return NAMELESS + self.id if self.hold == APART else self.customer

    def start(self, terms: Terms) -> int:
        """When the clock started; 0: an orphan so far."""
        if self.queued and terms.by_queue:
            return self.queued
        return self.arrival

    def arrived(self, at: int, source: str) -> None:
        """Note an offer or a queue entry; the earliest tells whose call it is."""
        if not self.arrival or at < self.arrival:
            self.arrival, self.source = at, source
            self.is_contestable = True
        elif at == self.arrival and source < self.source:
            self.source = source
            self.is_contestable = True

    def named_queue(self, at: int, queue: str) -> None:
        """Note a queue; the first event that names one decides."""
        known = self.queue
        if known is None or at < self.queue_at or (at == self.queue_at and queue < known):
            self.queue, self.queue_at = queue, at
            self.is_contestable = True

    def named_customer(self, at: int, customer: str) -> None:
        """Note a customer; the first event that names one decides."""
        known = self.customer
        if known is None or at < self.customer_at or (at == self.customer_at and customer < known):
            self.customer, self.customer_at = customer, at

    def answered(self, at: int, by: str) -> bool:
        """Note an answer; False if it was nobody's who could be human."""
        if by == "human":
            self.human_answers = _earliest(self.human_answers, at)
        elif by == "unknown":
            self.unknown_answers = _earliest(self.unknown_answers, at)
        else:
            return False
        self.is_contestable = True
        return True

    def ended(self, at: int, by: str, resolved: int) -> None:
        """Note an end; `resolved` is 1 yes, 0 no, 2 nobody said."""
        end = End(at, by, resolved)
        if self.ends:
            self.ends = tuple(sorted((*self.ends, end), key=End.order)[:MAX_REPEATS])
        else:
            self.ends = (end,)

    def is_news(self, mark: int) -> bool:
        """Remember the event of `mark`; False if it was known; of very many some are given up."""
        if mark in (self.mark_1, self.mark_2, self.mark_3, self.mark_4):
            return False
        if not self.mark_2:
            self.mark_2 = mark
        elif not self.mark_3:
            self.mark_3 = mark
        elif not self.mark_4:
            self.mark_4 = mark
        else:
            return self._is_further_news(mark.to_bytes(_MARKED, "big"))
        return True

    def _is_further_news(self, mark: bytes) -> bool:
        known = self.more_marks
        if known.find(mark) >= 0:
            return False
        self.more_marks = (known + mark)[-_MAX_MARKS:]
        return True

    def answers(self, terms: Terms) -> tuple[int, ...]:
        """All answers that count as human, earliest first."""
        if self.unknown_answers and terms.unknown_is_human:
            return tuple(sorted((*self.human_answers, *self.unknown_answers)))
        return self.human_answers

    def new_contradictions(self, terms: Terms) -> int:
        """Return how many more answers than before are known to be later than an abandonment."""
        abandoned = self.abandoned
        before = self.contradicted
        if abandoned:
            self.contradicted = sum(at > abandoned for at in self.answers(terms))
        return self.contradicted - before

    def may_be_lost(self, at: int) -> bool:
        """Return whether a restart of its source at `at` may be what ended it.

        By what was judged: facts that came since have it judged again anyway.
        """
        if not self.arrival:
            return True
        if self.outcome in ANSWERED or self.arrival >= at:
            return False
        return self.outcome is None or self.outcome == NONE or at < self.outcome_at

    def failed_at(self, terms: Terms) -> int:
        """When a call without human answer became a failure, on the callback's clock."""
        if terms.by_breach:
            return min(self.start(terms) + terms.answer_target, self.outcome_at)
        return self.outcome_at


@mypyc_attr(acyclic=True)
class Judgement:
    """What the facts of a call say at `now`; an undecided part is None."""

    __slots__ = ("answer", "answer_at", "outcome", "outcome_at", "wait")

    def __init__(
        self, outcome: str | None, outcome_at: int, answer: str | None, answer_at: int, wait: int
    ) -> None:
        self.outcome = outcome
        self.outcome_at = outcome_at
        self.answer = answer
        self.answer_at = answer_at
        self.wait = wait
        """microseconds from the start until answered or left unanswered, `NO_WAIT` before"""


def judge(
    call: Call, terms: Terms, restarts: list[int], max_call: int, now: int
) -> Judgement | None:
    """Return the outcome and the answer promise of `call`; None for an orphan.

    `restarts` are the sorted moments at which the call's source restarted.
    """
    start = call.start(terms)
    if not start:
        return None
    limit = start + max_call
    answers = call.answers(terms)
    if answers:
        at = answers[0]
        abandoned = call.abandoned
        if at <= limit and (not abandoned or abandoned > limit or at <= abandoned):
            return _answered(start, at, terms)
    return _unanswered(call, terms, restarts, start, limit, now)


def _answered(start: int, at: int, terms: Terms) -> Judgement:
    wait = at - start if at > start else 0
    target = terms.answer_target
    if wait <= target:
        return Judgement("answered_in_target", at, "kept", at, wait)
    return Judgement("answered_late", at, "broken", start + target, wait)


def _unanswered(
    call: Call,
    terms: Terms,
    restarts: list[int],
    start: int,
    limit: int,
    now: int,
) -> Judgement:
    target = terms.answer_target
    due = start + target
    outcome, at = _first_end(call, restarts, limit)
    if outcome is None:
        if now < limit:
            broken = "broken" if now >= due else None
            return Judgement(None, 0, broken, due, NO_WAIT)
        outcome, at = "lost", limit
    wait = at - start if at > start else 0
    if outcome != "abandoned":
        return Judgement(outcome, at, "broken", min(due, at), wait)
    if wait > target:
        return Judgement("abandoned_late", at, "broken", due, wait)
    answer = "excluded" if terms.leaves_out_early else "broken"
    return Judgement("abandoned_in_target", at, answer, at, wait)


def _first_end(call: Call, restarts: list[int], limit: int) -> tuple[str | None, int]:
    """Return the earliest fact that ended the call unanswered; of one instant the first here."""
    outcome: str | None = None
    earliest = limit + 1
    if 0 < call.abandoned < earliest:
        outcome, earliest = "abandoned", call.abandoned
    if 0 < call.diverted < earliest:
        outcome, earliest = "diverted", call.diverted
    if 0 < call.requested < earliest:
        outcome, earliest = "callback_requested", call.requested
    if 0 < call.rejected < earliest:
        outcome, earliest = "rejected", call.rejected
    if call.ends:
        end = call.ends[0]
        if end.at < earliest:
            by_centre = end.ended_by in ("system", "agent")
            outcome, earliest = "diverted" if by_centre else "abandoned", end.at
    if restarts:
        restarted = _restart_after(restarts, call.arrival)
        if 0 < restarted < earliest:
            outcome, earliest = "lost", restarted
    return outcome, earliest


def _restart_after(restarts: list[int], arrival: int) -> int:
    position = bisect_right(restarts, arrival)
    return restarts[position] if position < len(restarts) else 0


def _earliest(instants: tuple[int, ...], at: int) -> tuple[int, ...]:
    return tuple(sorted((*instants, at))[:MAX_REPEATS]) if instants else (at,)
