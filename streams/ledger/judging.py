"""What the facts of a call say: its outcome and its answer promise."""

from bisect import bisect_right

from streams.ledger.calls import Call
from streams.ledger.compiled import mypyc_attr
from streams.ledger.course import NO_WAIT, Course
from streams.ledger.terms import Terms

__all__ = ["Judgement", "judge"]


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
    at = call.first_answer(terms)
    if at:
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
    course = call.course
    if course is not None:
        outcome, earliest = _first_told(course, earliest)
    if restarts:
        restarted = _restart_after(restarts, call.arrival)
        if 0 < restarted < earliest:
            outcome, earliest = "lost", restarted
    return outcome, earliest


def _first_told(course: Course, earliest: int) -> tuple[str | None, int]:
    """Return the earliest event before `earliest` that ended a call, and when that was."""
    outcome: str | None = None
    if 0 < course.abandoned < earliest:
        outcome, earliest = "abandoned", course.abandoned
    odd = course.odd
    if odd is not None:
        if 0 < odd.diverted < earliest:
            outcome, earliest = "diverted", odd.diverted
        if 0 < odd.requested < earliest:
            outcome, earliest = "callback_requested", odd.requested
        if 0 < odd.rejected < earliest:
            outcome, earliest = "rejected", odd.rejected
    end = course.end
    if end is not None and end.at < earliest:
        by_centre = end.ended_by in ("system", "agent")
        outcome, earliest = "diverted" if by_centre else "abandoned", end.at
    return outcome, earliest


def _restart_after(restarts: list[int], arrival: int) -> int:
    position = bisect_right(restarts, arrival)
    return restarts[position] if position < len(restarts) else 0
