"""One customer: the calls, the callbacks and what is owed."""

from streams.ledger.callbacks import Conversation, Failure, Owed
from streams.ledger.calls import ANSWERED, Call
from streams.ledger.changes import NONE
from streams.ledger.compiled import mypyc_attr
from streams.ledger.deadlines import NOWHERE, Waiter
from streams.ledger.terms import TermsOf

__all__ = ["CallbackFact", "Counted", "Customer", "History", "history", "without"]


@mypyc_attr(acyclic=True)
class CallbackFact:
    """One callback event."""

    __slots__ = ("anonymous", "at", "fingerprint", "queue", "source", "what")

    def __init__(
        self,
        at: int,
        what: str,
        fingerprint: int,
        queue: str | None,
        anonymous: bool,
        source: str,
    ) -> None:
        self.at = at
        self.what = what
        """requested, attempted, conversation or cancelled"""
        self.fingerprint = fingerprint
        self.queue = queue
        self.anonymous = anonymous
        self.source = source


@mypyc_attr(acyclic=True)
class Counted:
    """A callback promise as it was counted."""

    __slots__ = ("label", "late", "late_at", "ordinal", "owed", "state", "state_at")

    def __init__(self, owed: Owed, ordinal: int, label: str) -> None:
        self.owed = owed
        self.ordinal = ordinal
        """which of those opened at the same instant"""
        self.label = label
        self.state: str | None = None
        self.state_at = 0
        self.late: str | None = None
        self.late_at = 0


@mypyc_attr(acyclic=True)
class Customer(Waiter):
    """What the ledger holds of one customer, or of one call whose customer nobody named."""

    __slots__ = ("calls", "facts", "name", "promises", "revision", "troubled")

    def __init__(self, key: str, name: str | None) -> None:
        self.id = key
        self.wake = 0
        self.stands = NOWHERE
        self.name = name
        """the pseudonym; None for a call without one"""
        self.calls: tuple[Call, ...] = ()
        self.facts: tuple[CallbackFact, ...] = ()
        self.promises: tuple[Counted, ...] = ()
        self.troubled = False
        """a call failed or a callback was made: promises have to be worked out"""
        self.revision = 0


@mypyc_attr(acyclic=True)
class History:
    """A customer's facts sorted by what they mean; all lists ascending in time."""

    __slots__ = ("arrivals", "attempts", "cancellations", "conversations", "failures")

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.conversations: list[Conversation] = []
        self.attempts: list[int] = []
        self.cancellations: list[int] = []
        self.arrivals: list[int] = []

    def sort(self) -> None:
        """Bring every list in order."""
        self.failures.sort(key=_failure_order)
        self.conversations.sort(key=_conversation_order)
        self.attempts.sort()
        self.cancellations.sort()
        self.arrivals.sort()


def history(customer: Customer, attached: dict[str, list[CallbackFact]], terms: TermsOf) -> History:
    """Return what happened to `customer`; `attached` are callback events that named only a call."""
    past = History()
    for fact in customer.facts:
        _add_fact(past, fact)
    for call in customer.calls:
        _add_call(past, call, terms)
        if attached:
            for fact in attached.get(call.id, ()):
                _add_fact(past, fact)
    past.sort()
    return past


def without(calls: tuple[Call, ...], gone: Call) -> tuple[Call, ...]:
    """Return `calls` without one of them."""
    return tuple([call for call in calls if call is not gone])


def _failure_order(failure: Failure) -> tuple[int, str, str, int]:
    return failure.at, failure.call_id, failure.queue or "", failure.fingerprint


def _conversation_order(conversation: Conversation) -> tuple[int, bool]:
    return conversation.at, conversation.recalled


def _add_call(past: History, call: Call, terms: TermsOf) -> None:
    arrival = call.arrival
    if not arrival:
        return
    past.arrivals.append(arrival)
    outcome = call.outcome
    if outcome is None or outcome == NONE:
        return
    if outcome in ANSWERED:
        past.conversations.append(Conversation(call.outcome_at, True))
        return
    at = call.failed_at(terms.of(call.queue))
    past.failures.append(Failure(at, call.id, call.queue, call.anonymous))


def _add_fact(past: History, fact: CallbackFact) -> None:
    what = fact.what
    if what == "conversation":
        past.conversations.append(Conversation(fact.at, False))
    elif what == "attempted":
        past.attempts.append(fact.at)
    elif what == "cancelled":
        past.cancellations.append(fact.at)
    else:
        past.failures.append(Failure(fact.at, "", fact.queue, fact.anonymous, fact.fingerprint))
