"""The callback promise of one customer: from failures and conversations to what is still owed."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from streams.ledger.rules import QueueRules, Rules

__all__ = ["Conversation", "Failure", "Owed", "callback_promises"]


class Failure(NamedTuple):
    """A call that ended without a human answer, or a callback asked for without a call."""

    at: int
    call_id: str
    """empty for a request without a call"""
    queue: str | None
    anonymous: bool
    fingerprint: bytes = b""
    """the event that asked for it; empty for a call"""


class Conversation(NamedTuple):
    """A human of the centre and the customer spoke."""

    at: int
    recalled: bool
    """the customer rang, rather than the centre"""


class Owed(NamedTuple):
    """One callback promise as the facts have it."""

    opened_at: int
    due_at: int
    queue: str | None
    calls: tuple[str, ...]
    """the calls merged into it"""
    requests: tuple[bytes, ...]
    """the fingerprints of the requests merged into it"""
    state: str | None
    """None: still open"""
    settled_at: int
    """when it was settled; open: when it will be if nothing happens"""
    late_at: int | None
    """when a broken one was made good"""
    late_until: int
    """until when a broken one can be made good"""


def callback_promises(
    failures: Sequence[Failure],
    conversations: Sequence[Conversation],
    attempts: Sequence[int],
    cancellations: Sequence[int],
    rules: Rules,
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
        own = rules.of(first.queue)
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
            state = "kept_by_recall" if talk.recalled else "kept"
            owed = owed._replace(state=state, settled_at=talk.at)
        elif now >= due:
            state = _unmet(merged, attempts, cancellations, due, own)
            late = _late(conversations, owed) if state == "broken" else None
            owed = owed._replace(state=state, late_at=late)
        promises.append(owed)
    return promises


def _open(merged: list[Failure], due: int, rules: QueueRules) -> Owed:
    return Owed(
        opened_at=merged[0].at,
        due_at=due,
        queue=merged[0].queue,
        calls=tuple(failure.call_id for failure in merged if failure.call_id),
        requests=tuple(failure.fingerprint for failure in merged if failure.fingerprint),
        state=None,
        settled_at=due,
        late_at=None,
        late_until=due + rules.late_horizon,
    )


def _unmet(
    merged: list[Failure],
    attempts: Sequence[int],
    cancellations: Sequence[int],
    due: int,
    rules: QueueRules,
) -> str:
    opened = merged[0].at
    if any(opened <= at <= due for at in cancellations):
        return "cancelled"
    if all(failure.anonymous for failure in merged):
        return "uncallable"
    if sum(opened <= at <= due for at in attempts) >= rules.unreachable_after:
        return "unreachable"
    return "broken"


def _late(conversations: Sequence[Conversation], owed: Owed) -> int | None:
    talk = _conversation_from(conversations, owed.due_at + 1)
    return talk.at if talk is not None and talk.at <= owed.late_until else None


def _conversation_from(conversations: Sequence[Conversation], at: int) -> Conversation | None:
    position = bisect_left(conversations, (at, False))
    return conversations[position] if position < len(conversations) else None
