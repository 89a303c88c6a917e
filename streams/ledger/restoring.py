"""Calls and customers back in their places, from the rows of a snapshot."""

from streams.ledger.calls import Call
from streams.ledger.packing import call_of, customer_of
from streams.ledger.rows import CallRow, CustomerRow
from streams.ledger.settle import Settlement

__all__ = ["restore_call", "restore_customer"]


def restore_call(book: Settlement, row: CallRow) -> None:
    """Remember the call of `row`, with its deadline."""
    call = call_of(row)
    _share_names(book, call)
    book.remember(call)
    wake: int = row.wake
    if wake:
        book.deadlines.set(call, wake)


def _share_names(book: Settlement, call: Call) -> None:
    """Give `call` the names that others have, too: read from bytes each has a copy of its own."""
    call.source = book.shared(call.source)
    call.queue, call.label = _shared(book, call.queue), _shared(book, call.label)
    call.outcome, call.answer = _shared(book, call.outcome), _shared(book, call.answer)
    call.promise, call.usefulness = _shared(book, call.promise), _shared(book, call.usefulness)
    if call.held_by == call.customer:
        call.held_by = call.customer


def _shared(book: Settlement, name: str | None) -> str | None:
    return None if name is None else book.shared(name)


def restore_customer(book: Settlement, row: CustomerRow) -> None:
    """Remember the customer of `row`, whose calls are remembered already.

    Raises:
        KeyError: one of the customer's calls is not.
    """
    customer = customer_of(row, book.calls)
    if customer.calls:
        key = customer.calls[0].held_by or customer.id
        customer.name = key if customer.name == key else customer.name
        customer.id = key
    book.customers[customer.id] = customer
    for fact in customer.facts:
        book.facts_of.add(fact.source)
    for promise in customer.promises:
        book.due.add(promise)
    wake: int = row.wake
    if wake:
        book.deadlines.set(customer, wake)
