"""The callback promise of one customer: from failures and conversations to what is still owed."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from streams.ledger.compiled import mypyc_attr
from streams.ledger.terms import Terms, TermsOf

__all__ = ["Conversation", "Failure", "Owed", "callback_promises"]

_at: Final = attrgetter("at")


@mypyc_attr(acyclic=True)
class Failure:
    """A call that ended without a human answer, or a callback asked for without a call."""

    __slots__ = ("anonymous", "at", "call_id", "fingerprint", "queue")

    def __init__(
        self, at: int, call_id: str, queue: str | None, anonymous: bool, fingerprint: int = 0
    ) -> None:
        self.at = at
        self.call_id = call_id
        """empty for a request without a call"""
        self.queue = queue
        self.anonymous = anonymous
        self.fingerprint = fingerprint
        """of the event that asked for it; 0 for a call"""


@mypyc_attr(acyclic=True)
class Conversation:
    """A human of the centre and the customer spoke."""

    __slots__ = ("at", "recalled")

    def __init__(self, at: int, recalled: bool) -> None:
        self.at = at
        self.recalled = recalled
        """the customer rang, rather than the centre"""


@mypyc_attr(acyclic=True)
class Owed:
    """One callback promise as the facts have it."""

    __slots__ = (
        "calls", "due_at", "late_at", "late_until", "opened_at", "queue", "requests",
        "settled_at", "state",
    )  # fmt: skip

    def __init__(
        self,
        opened_at: int,
        due_at: int,
        queue: str | None,
        calls: tuple[str, ...],
        requests: tuple[int, ...],
        late_until: int,
    ) -> None:
        self.opened_at = opened_at
        self.due_at = due_at
        self.queue = queue
        self.calls = calls
        """the calls merged into it"""
        self.requests = requests
        """the fingerprints of the requests merged into it"""
        self.late_until = late_until
        """until when a broken one can be made good"""
        self.state: str | None = None
        """None: still open"""
        self.settled_at = due_at
        """when it was settled; open: when it will be if nothing happens"""
        self.late_at = 0
        """when a broken one was made good"""


def callback_promises(
    failures: Sequence[Failure],
    conversations: Sequence[Conversation],
    attempts: Sequence[int],
    cancellations: Sequence[int],
    terms: TermsOf,
    now: int,
) -> list[Owed]:
    """Return the callback promises of one customer in the order in which they were opened.

    All sequences are sorted. A conversation at the instant of a failure comes before it, so it
    settles what was owed; and it settles the promise opened at that instant as well.
    """
    promises: list[Owed] = []
    index = 0
    while index < len(failures):
        first = failures[index]
        own = terms.of(first.queue)
        due = first.at + own.callback_target
        talk = _conversation_from(conversations, first.at)
        kept = talk is not None and talk.at <= due
        until = talk.at - 1 if talk is not None and kept else due
        index += 1
        merged = [first]
        while index < len(failures) and failures[index].at <= until:
            merged.append(failures[index])
            index += 1
        owed = _open(merged, due, own)
        if talk is not None and kept:
            owed.state = "kept_by_recall" if talk.recalled else "kept"
            owed.settled_at = talk.at
        elif now >= due:
            owed.state = _unmet(merged, attempts, cancellations, due, own)
            if owed.state == "broken":
                owed.late_at = _late(conversations, owed)
        promises.append(owed)
    return promises


def _open(merged: list[Failure], due: int, terms: Terms) -> Owed:
    return Owed(
        opened_at=merged[0].at,
        due_at=due,
        queue=merged[0].queue,
        calls=tuple(failure.call_id for failure in merged if failure.call_id),
        requests=tuple(failure.fingerprint for failure in merged if failure.fingerprint),
        late_until=due + terms.late_horizon,
    )


def _unmet(
    merged: list[Failure],
    attempts: Sequence[int],
    cancellations: Sequence[int],
    due: int,
    terms: Terms,
) -> str:
    opened = merged[0].at
    if any(opened <= at <= due for at in cancellations):
        return "cancelled"
    if all(failure.anonymous for failure in merged):
        return "uncallable"
    if sum(opened <= at <= due for at in attempts) >= terms.unreachable_after:
        return "unreachable"
    return "broken"


def _late(conversations: Sequence[Conversation], owed: Owed) -> int:
    talk = _conversation_from(conversations, owed.due_at + 1)
    return talk.at if talk is not None and talk.at <= owed.late_until else 0


def _conversation_from(conversations: Sequence[Conversation], at: int) -> Conversation | None:
    position = bisect_left(conversations, at, key=_at)
    return conversations[position] if position < len(conversations) else None
