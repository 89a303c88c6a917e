"""Calls and customers back in their places, from the rows of a snapshot."""

from streams.ledger.calls import ALONE, AMONG, OVER, Call
from streams.ledger.packing import call_of, customer_of
from streams.ledger.rows import CallRow, CustomerRow
from streams.ledger.settle import Settlement

__all__ = ["restore_call", "restore_customer"]


def restore_call(book: Settlement, row: CallRow, is_open: bool) -> None:
    """Remember the call of `row`, which waits for an outcome if it `is_open`; with its deadline."""
    call = call_of(row)
    _share_names(book, call)
    book.register.remember(call, is_open=is_open)
    wake: int = row.wake
    if wake:
        book.deadlines.set(call, wake)


def _share_names(book: Settlement, call: Call) -> None:
    """Give `call` the names that others have, too: read from bytes each has a copy of its own."""
    call.source = book.shared(call.source)
    call.queue, course = _shared(book, call.queue), call.course
    if course is not None:
        course.label, course.outcome = _shared(book, course.label), _shared(book, course.outcome)
        course.answer, course.promise = _shared(book, course.answer), _shared(book, course.promise)
        course.usefulness = _shared(book, course.usefulness)


def _shared(book: Settlement, name: str | None) -> str | None:
    return None if name is None else book.shared(name)


def restore_customer(book: Settlement, row: CustomerRow) -> None:
    """Remember the customer of `row`, whose calls are remembered already.

    Raises:
        KeyError: one of the customer's calls is not.
    """
    if _stands_alone(book, row):
        _restore_alone(book, book.register.named(row.calls[0]), row)
        return
    customer = customer_of(row, book.register)
    if customer.calls:
        key = customer.calls[0].held_by or customer.id
        customer.name = key if customer.name == key else customer.name
        customer.id = key
    book.callers.by_key[customer.id] = customer
    for fact in customer.facts:
        book.facts_of.add(fact.source)
    for promise in customer.promises:
        book.due.add(promise)
    wake: int = row.wake
    if wake:
        book.deadlines.set(customer, wake)


def _stands_alone(book: Settlement, row: CustomerRow) -> bool:
    """Return whether the one call of a customer is all there is to him."""
    if len(row.calls) != 1 or row.troubled or row.facts or row.promises or row.revision:
        return False
    call = book.register.named(row.calls[0])
    is_named = call.hold == AMONG and row.id == row.name == call.customer
    return is_named and not (call.wake and row.wake)


def _restore_alone(book: Settlement, call: Call, row: CustomerRow) -> None:
    book.callers.by_key[str(call.customer)] = call
    call.hold = ALONE
    wake: int = row.wake
    if wake:
        call.hold = OVER
        book.deadlines.set(call, wake)
