"""Was the answer of any use to the customer? A quick useless answer is not a kept promise."""

from collections.abc import Sequence

from streams.ledger.calls import Call
from streams.ledger.compiled import mypyc_attr
from streams.ledger.terms import Terms

__all__ = ["Usefulness", "judge_usefulness"]


@mypyc_attr(acyclic=True)
class Usefulness:
    """The verdict on a human answer, or when to ask again."""

    __slots__ = ("at", "verdict")

    def __init__(self, verdict: str | None, at: int) -> None:
        self.verdict = verdict
        self.at = at
        """when it was decided; undecided: when it will be if nothing happens"""


def judge_usefulness(
    call: Call, arrivals: Sequence[int], terms: Terms, max_call: int, now: int
) -> Usefulness:
    """Return whether the human answer of `call` was useful.

    `arrivals` are the sorted arrivals of the same customer's calls, this one's included; empty
    if it is the only one.
    """
    limit = call.start(terms) + max_call
    end = call.followed().end_between(call.outcome_at, limit)
    if end is None:
        return Usefulness("unknown" if now >= limit else None, limit)
    if end.resolved != 2:
        return Usefulness("useful" if end.resolved else "useless", end.at)
    if end.ended_by == "agent" and end.at - call.outcome_at < terms.short_talk:
        return Usefulness("useless", end.at)
    return _by_repeat(call, end.at, arrivals, terms.repeat_window, now)


def _by_repeat(
    call: Call, ended: int, arrivals: Sequence[int], window: int, now: int
) -> Usefulness:
    if call.customer is None:
        return Usefulness("unknown", ended)
    until = ended + window
    if arrivals:
        again = [at for at in arrivals if ended <= at <= until]
        if call.arrival in again:  # by the clock of another source it may be after the end
            again.remove(call.arrival)
        if again:
            return Usefulness("useless", again[0])
    return Usefulness("useful" if now >= until else None, until)
