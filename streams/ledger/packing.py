"""Between what a ledger remembers and the rows of a snapshot."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from streams.ledger.callbacks import Owed
from streams.ledger.calls import AMONG, APART, FREE, NAMELESS, OVER, Call
from streams.ledger.compiled import u8
from streams.ledger.course import Course, End, Odd
from streams.ledger.customers import CallbackFact, Counted, Customer
from streams.ledger.register import Register
from streams.ledger.rows import CallRow, CountedRow, CustomerRow, FactRow

__all__ = [
    "Originals",
    "call_of",
    "call_row",
    "caller_row",
    "customer_of",
    "fact_of",
    "fact_row",
]

_Row: TypeAlias = tuple[Any, ...]
"""The values of a row in the order of its fields: written like the row, and made faster."""

_NOT_ODD: Final = Odd()


class Originals:
    """Rows of what changes while a snapshot is being written, as it was when that began.

    Whoever is about to change something keeps its row here first. An event changes nothing but
    what it names; what a tick changes is not known beforehand, so a tick calls `hurry` first.
    """

    __slots__ = ("calls", "customers", "hurry")

    def __init__(self, hurry: Callable[[], None]) -> None:
        self.calls: dict[str, _Row] = {}
        self.customers: dict[str, _Row] = {}
        self.hurry = hurry
        """write the rest of the snapshot at once"""

    def keep_call(self, call: Call) -> None:
        """Note that `call` is about to change."""
        if call.id not in self.calls:
            self.calls[call.id] = call_row(call)

    def keep_customer(self, key: str, held: Customer | Call) -> None:
        """Note that the one held as `key` is about to change."""
        if key not in self.customers:
            if isinstance(held, Call):
                self.customers[key] = _lone_row(key, held)
            else:
                self.customers[key] = _customer_row(held)


def call_row(call: Call) -> _Row:
    """Return what a snapshot says of `call`, as a `CallRow`."""
    course = call.followed()
    odd = _NOT_ODD if course.odd is None else course.odd
    ends = tuple([end.order() for end in course.ends])
    marks = (call.mark_1, call.mark_2, course.mark_3, course.mark_4)
    return (
        call.id, call.arrival, call.queued, call.source, call.queue, call.queue_at,
        call.customer, call.customer_at, call.anonymous, course.human_answers,
        odd.unknown_answers, course.abandoned, odd.diverted, odd.requested, odd.rejected,
        ends, call.is_contestable, marks, odd.more_marks, odd.pending, course.last_at,
        call.held_by, course.label, course.outcome, course.outcome_at, course.waited,
        course.answer, course.answer_at, course.promise, course.promise_at, course.usefulness,
        course.usefulness_at, odd.contradicted, course.revision,
        0 if call.hold == OVER else call.wake,
    )  # fmt: skip


def call_of(row: CallRow) -> Call:
    """Return the call of `row`; its deadline has still to be set."""
    call = Call(row.id, row.marks[0])
    call.mark_2 = row.marks[1]
    call.arrival, call.queued, call.source = row.arrival, row.queued, row.source
    call.queue, call.customer = row.queue, row.customer
    call.anonymous, call.is_contestable = row.anonymous, row.is_contestable
    call.hold = _hold_of(row)
    if row.label is not None:
        call.label = row.label
    if row.answer is not None:
        call.count_answer(row.answer, row.answer_at)
    course = _course_of(row, _odd_of(row, call))
    if course.values() != call.followed().values():
        call.course = course
    return call


def _course_of(row: CallRow, odd: Odd | None) -> Course:
    course = Course(row.last_at, row.label, 0)
    course.odd = odd
    course.mark_3, course.mark_4 = row.marks[2:]
    course.keep_answers(row.human_answers)
    course.keep_ends([End(at, by, resolved) for at, by, resolved in row.ends])
    course.abandoned = row.abandoned
    course.outcome, course.outcome_at, course.waited = row.outcome, row.outcome_at, row.waited
    course.answer, course.answer_at = row.answer, row.answer_at
    course.promise, course.promise_at = row.promise, row.promise_at
    course.usefulness, course.usefulness_at = row.usefulness, row.usefulness_at
    course.revision = row.revision
    return course


def _odd_of(row: CallRow, call: Call) -> Odd | None:
    """Return what is odd about `call`, which has no course yet."""
    odd = Odd()
    odd.unknown_answers, odd.more_marks = row.unknown_answers, row.more_marks
    odd.diverted, odd.requested, odd.rejected = row.diverted, row.requested, row.rejected
    odd.pending, odd.contradicted = row.pending, row.contradicted
    if row.queue_at != call.queue_at:
        odd.queue_at = row.queue_at
    if row.customer_at != call.customer_at:
        odd.customer_at = row.customer_at
    return odd if odd.values() != _NOT_ODD.values() else None


def _hold_of(row: CallRow) -> u8:
    if row.held_by is None:
        return FREE
    if row.held_by == row.customer:
        return AMONG
    if row.held_by == NAMELESS + row.id:
        return APART
    msg = f"somebody who holds {row.id}"
    raise LookupError(msg)


def caller_row(held: Customer | Call) -> _Row:
    """Return what a snapshot says of a customer, as a `CustomerRow`."""
    if isinstance(held, Call):
        return _lone_row(str(held.customer), held)
    return _customer_row(held)


def _lone_row(key: str, call: Call) -> _Row:
    """Return the row of the customer held as `key`, for whom `call` stands alone."""
    return key, key, (call.id,), (), (), False, 0, call.wake if call.hold == OVER else 0


def _customer_row(customer: Customer) -> _Row:
    facts = tuple([fact_row(fact) for fact in customer.facts]) if customer.facts else ()
    owed = tuple([_counted_row(one) for one in customer.promises]) if customer.promises else ()
    calls = tuple([call.id for call in customer.calls])
    return (
        customer.id, customer.name, calls, facts, owed, customer.troubled, customer.revision,
        customer.wake,
    )  # fmt: skip


def customer_of(row: CustomerRow, register: Register) -> Customer:
    """Return the customer of `row`, whose deadline has still to be set.

    Raises:
        KeyError: one of the customer's calls is not in `register`.
    """
    customer = Customer(row.id, row.name)
    customer.calls = tuple([register.named(call_id) for call_id in row.calls])
    if row.facts:
        customer.facts = tuple([fact_of(fact) for fact in row.facts])
    if row.promises:
        customer.promises = tuple([_counted_of(promise) for promise in row.promises])
    customer.troubled, customer.revision = row.troubled, row.revision
    return customer


def fact_row(fact: CallbackFact) -> _Row:
    """Return what a snapshot says of `fact`, as a `FactRow`."""
    return fact.at, fact.what, fact.fingerprint, fact.queue, fact.anonymous, fact.source


def fact_of(row: FactRow) -> CallbackFact:
    """Return the callback event of `row`."""
    made = row.at, row.what, row.fingerprint
    return CallbackFact(*made, row.queue, row.anonymous, row.source)


def _counted_row(counted: Counted) -> _Row:
    owed = counted.owed
    return (
        owed.opened_at, owed.due_at, owed.queue, owed.calls, owed.requests, owed.late_until,
        owed.state, owed.settled_at, owed.late_at, counted.ordinal, counted.label,
        counted.state, counted.state_at, counted.late, counted.late_at,
    )  # fmt: skip


def _counted_of(row: CountedRow) -> Counted:
    owed = Owed(row.opened_at, row.due_at, row.queue, row.calls, row.requests, row.late_until)
    owed.state, owed.settled_at, owed.late_at = row.owed_state, row.settled_at, row.made_good_at
    counted = Counted(owed, row.ordinal, row.label)
    counted.state, counted.state_at = row.state, row.state_at
    counted.late, counted.late_at = row.late, row.late_at
    return counted
