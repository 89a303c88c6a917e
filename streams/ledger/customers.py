"""One customer: the calls, the callbacks and what is owed."""

from typing import NamedTuple

from msgspec import Struct, field

from streams.ledger.callbacks import Conversation, Failure, Owed
from streams.ledger.calls import ANSWERED, Call
from streams.ledger.changes import NONE
from streams.ledger.rules import Rules

__all__ = ["CallbackFact", "Counted", "Customer", "History", "history"]


class CallbackFact(NamedTuple):
    """One callback event."""

    at: int
    what: str
    """requested, attempted, conversation or cancelled"""
    fingerprint: bytes
    queue: str | None
    anonymous: bool


class Counted(Struct):
    """A callback promise as it was counted."""

    owed: Owed
    ordinal: int
    """which of those opened at the same instant"""
    label: str
    state: str | None = None
    state_at: int = 0
    late: str | None = None
    late_at: int = 0


class Customer(Struct):
    """What the ledger holds of one customer, or of one call whose customer nobody named."""

    id: str
    name: str | None
    """the pseudonym; None for a call without one"""
    calls: list[Call] = field(default_factory=list)
    facts: list[CallbackFact] = field(default_factory=list)
    promises: list[Counted] = field(default_factory=list)
    troubled: bool = False
    """a call failed or a callback was made: promises have to be worked out"""
    revision: int = 0
    wake: int = 0


class History(NamedTuple):
    """A customer's facts sorted by what they mean; all lists ascending in time."""

    failures: list[Failure]
    conversations: list[Conversation]
    attempts: list[int]
    cancellations: list[int]
    arrivals: list[int]


def history(customer: Customer, attached: dict[str, list[CallbackFact]], rules: Rules) -> History:
    """Return what happened to `customer`; `attached` are callback events that named only a call."""
    sorted_out = History([], [], [], [], [])
    facts = list(customer.facts)
    for call in customer.calls:
        _add_call(sorted_out, call, rules)
        if call.id in attached:
            facts += attached[call.id]
    for fact in facts:
        _add_fact(sorted_out, fact)
    sorted_out.failures.sort(key=_order)
    sorted_out.conversations.sort()
    sorted_out.attempts.sort()
    sorted_out.cancellations.sort()
    sorted_out.arrivals.sort()
    return sorted_out


def _order(failure: Failure) -> tuple[int, str, str, bytes]:
    return failure.at, failure.call_id, failure.queue or "", failure.fingerprint


def _add_call(sorted_out: History, call: Call, rules: Rules) -> None:
    arrival = call.arrival
    if arrival is None:
        return
    sorted_out.arrivals.append(arrival)
    if call.outcome is None or call.outcome == NONE:
        return
    if call.outcome in ANSWERED:
        sorted_out.conversations.append(Conversation(call.outcome_at, recalled=True))
        return
    at = call.failed_at(rules.of(call.queue))
    sorted_out.failures.append(Failure(at, call.id, call.queue, call.anonymous))


def _add_fact(sorted_out: History, fact: CallbackFact) -> None:
    if fact.what == "conversation":
        sorted_out.conversations.append(Conversation(fact.at, recalled=False))
    elif fact.what == "attempted":
        sorted_out.attempts.append(fact.at)
    elif fact.what == "cancelled":
        sorted_out.cancellations.append(fact.at)
    else:
        sorted_out.failures.append(
            Failure(fact.at, "", fact.queue, fact.anonymous, fact.fingerprint)
        )
