"""What may be forgotten: a fact that can no longer change a verdict, however late others come."""

from streams.ledger.calls import ANSWERED, FREE, Call
from streams.ledger.changes import NONE
from streams.ledger.customers import CallbackFact, Counted, Customer, without
from streams.ledger.settle import Settlement

__all__ = ["forget_call", "is_forgettable", "prune", "prune_alone"]


def prune(book: Settlement, customer: Customer) -> None:
    """Forget the settled callback promises of `customer` and the calls nothing depends on."""
    final = book.now - book.rules.lateness
    if not (customer.troubled or customer.facts or customer.promises) and all(
        _is_answered_for_good(book, call, final) for call in customer.calls
    ):
        _forget_customer(book, customer)
        return
    by_id = {call.id: call for call in customer.calls}
    kept = []
    for promise in customer.promises:
        if _may_go(book, customer, promise, by_id, final):
            book.due.remove(promise)
            _forget_promise(book, customer, promise, by_id)
        else:
            kept.append(promise)
    customer.promises = tuple(kept)
    _forget_conversations(book, customer, final)
    if not (customer.calls or customer.facts or customer.promises):
        _forget_customer(book, customer)
    elif customer.wake <= book.now:
        book.deadlines.set(customer, book.now + book.rules.lateness + 1)


def prune_alone(book: Settlement, call: Call) -> None:
    """Forget `call` with its customer, for whom it stands alone, if nothing depends on it."""
    if _is_over(book, call):
        del book.callers.by_key[str(call.customer)]
        forget_call(book, call)
    else:
        book.deadlines.set(call, book.now + book.rules.lateness + 1)


def _forget_customer(book: Settlement, customer: Customer) -> None:
    for call in customer.calls:
        forget_call(book, call)
    customer.calls = ()
    customer.wake = 0
    del book.callers.by_key[customer.id]


def forget_call(book: Settlement, call: Call) -> None:
    """Forget `call` and what was attached to it."""
    book.tell(call)
    book.register.forget(call)
    for fact in book.attached.pop(call.id, ()):
        book.facts_of.remove(fact.source)
    call.wake = 0
    call.hold = FREE


def is_forgettable(book: Settlement, call: Call) -> bool:
    """Return whether `call`, which no customer holds, can change no verdict any more."""
    return call.hold == FREE and _is_over(book, call)


def _is_over(book: Settlement, call: Call) -> bool:
    return _is_answered_for_good(book, call, book.now - book.rules.lateness)


def _may_go(
    book: Settlement, customer: Customer, promise: Counted, calls: dict[str, Call], final: int
) -> bool:
    return (
        _is_final(book, promise, calls, final)
        and not _may_grow(promise, customer)
        and not _is_repeat(book, promise, customer, calls, final)
    )


def _is_repeat(
    book: Settlement, promise: Counted, customer: Customer, calls: dict[str, Call], final: int
) -> bool:
    """Return whether a call of `promise` is why an answer is useless that may be judged again."""
    arrivals = {calls[call_id].arrival for call_id in promise.owed.calls if call_id in calls}
    return any(
        call.usefulness == "useless"
        and call.usefulness_at in arrivals
        and not _is_answered_for_good(book, call, final)
        for call in customer.calls
    )


def _is_final(book: Settlement, promise: Counted, calls: dict[str, Call], final: int) -> bool:
    owed = promise.owed
    if owed.state is None:
        return False
    settled = owed.settled_at
    if owed.state == "broken":
        settled = owed.late_at or owed.late_until
    if settled >= final:
        return False
    merged = [calls[call_id] for call_id in owed.calls if call_id in calls]
    return all(book.final_at(call) < final for call in merged)


def _may_grow(promise: Counted, customer: Customer) -> bool:
    """Return whether a call that still waits may yet fail at a time inside `promise`.

    By `callback_clock: breach` it fails at its breach, which can be long ago.
    """
    due = promise.owed.due_at
    return any(call.outcome in (None, NONE) and call.arrival <= due for call in customer.calls)


def _forget_promise(
    book: Settlement, customer: Customer, promise: Counted, calls: dict[str, Call]
) -> None:
    gone = set(promise.owed.requests)
    _keep_facts(book, customer, [f for f in customer.facts if f.fingerprint not in gone])
    for call_id in promise.owed.calls:
        call = calls.get(call_id)
        if call is not None:
            customer.calls = without(customer.calls, call)
            forget_call(book, call)


def _forget_conversations(book: Settlement, customer: Customer, final: int) -> None:
    """Forget answered calls and callback events from before anything that is still open."""
    horizon = final
    for promise in customer.promises:
        horizon = min(horizon, promise.owed.opened_at)
    for call in customer.calls:
        if not _is_answered_for_good(book, call, final):
            horizon = min(horizon, call.arrival)
    stay = []
    for call in customer.calls:
        if call.outcome_at < horizon and _is_answered_for_good(book, call, final):
            forget_call(book, call)
        else:
            stay.append(call)
    customer.calls = tuple(stay)
    if customer.facts:
        kept = [fact for fact in customer.facts if fact.at >= horizon or fact.what == "requested"]
        _keep_facts(book, customer, kept)


def _keep_facts(book: Settlement, customer: Customer, kept: list[CallbackFact]) -> None:
    if len(kept) < len(customer.facts):
        for fact in customer.facts:
            book.facts_of.remove(fact.source)
        for fact in kept:
            book.facts_of.add(fact.source)
        customer.facts = tuple(kept)


def _is_answered_for_good(book: Settlement, call: Call, final: int) -> bool:
    return (
        call.outcome in ANSWERED
        and call.usefulness in ("useful", "useless", "unknown")
        and book.final_at(call) < final
    )
