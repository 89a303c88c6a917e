"""The whole state of a ledger as bytes, and back."""

from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from streams.ledger.callbacks import Owed
from streams.ledger.calls import Call
from streams.ledger.customers import CallbackFact, Counted, Customer
from streams.ledger.ledger import Ledger
from streams.ledger.rules import Rules
from streams.ledger.totals import Histogram, QueueTotals
from streams.ledger.windows import QueueWindows, Slice

__all__ = ["FORMAT", "SnapshotError", "dump", "load", "state_hash"]

FORMAT: Final = 1
_CALL_FIELDS: Final = Call.__struct_fields__
_CallValues: Final[Any] = msgspec.defstruct(
    "_CallValues",
    [(member.name, member.type) for member in msgspec.structs.fields(Call)],
    array_like=True,
    gc=False,
)
"""The fields of a call, in their order and without names."""


class SnapshotError(ValueError):
    """These bytes are no state this version can read."""


class _Totals(Struct, array_like=True):
    answer_wait: Histogram
    callback_delay: Histogram
    counts: list[tuple[str, str, int]]
    corrections: list[tuple[str, str, str, int]]


class _Customer(Struct, array_like=True):
    id: str
    name: str | None
    calls: list[str]
    facts: list[CallbackFact]
    promises: list[Counted]
    troubled: bool
    revision: int
    wake: int


class _Windows(Struct, array_like=True):
    fine: list[tuple[int, Slice]]
    coarse: list[tuple[int, Slice]]
    sums: list[dict[str, int]]
    maxima: list[int]
    tails: list[int]
    bounds: list[float]


class _State(Struct, array_like=True):
    format: int
    now: int
    watermark: int
    fates: dict[str, int]
    heartbeats: dict[str, int]
    source_seen: dict[str, bytes]
    restarts: dict[str, list[int]]
    boundary_ambiguous: int
    overflowed: int
    labels: list[str]
    calls: list[_CallValues]
    customers: list[_Customer]
    attached: dict[str, list[CallbackFact]]
    touched: tuple[list[str], list[str]]
    undecided: list[str]
    totals: dict[str, _Totals]
    windows_end: int
    windows: dict[str, _Windows]


_encoder: Final = msgspec.msgpack.Encoder(order="sorted")
_decoder: Final = msgspec.msgpack.Decoder(_State)


def dump(ledger: Ledger) -> bytes:
    """Return the state of `ledger`; equal states give equal bytes."""
    return _encoder.encode(_state(ledger))


def state_hash(ledger: Ledger) -> str:
    """Return the SHA-256 of the state in hexadecimal digits."""
    return sha256(dump(ledger)).hexdigest()


def load(rules: Rules, state: bytes) -> Ledger:
    """Return a ledger that goes on exactly where the dumped one stopped.

    Raises:
        SnapshotError: the bytes are damaged or of another format.
    """
    try:
        read = _decoder.decode(state)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"the state cannot be read: {' '.join(str(error).split())}"
        raise SnapshotError(msg) from None
    if read.format != FORMAT:
        msg = f"the state has format {read.format}, this version reads {FORMAT}"
        raise SnapshotError(msg)
    ledger = Ledger(rules)
    try:
        _restore(ledger, read)
    except LookupError as error:
        msg = f"the state cannot be read: it speaks of {error} and does not hold it"
        raise SnapshotError(msg) from None
    return ledger


def _state(ledger: Ledger) -> _State:
    book = ledger.book
    ledger.windows.fold()
    return _State(
        format=FORMAT,
        now=book.now,
        watermark=ledger.watermark,
        fates=ledger.fates,
        heartbeats=ledger.heartbeats,
        source_seen=ledger.source_seen,
        restarts=book.restarts,
        boundary_ambiguous=book.boundary_ambiguous,
        overflowed=ledger.totals.overflowed,
        labels=ledger.totals.names(),
        calls=[_call_values(book.calls[key]) for key in sorted(book.calls)],
        customers=[_customer_values(book.customers[key]) for key in sorted(book.customers)],
        attached=book.attached,
        touched=book.touched,
        undecided=sorted(book.undecided),
        totals={label: _totals_values(totals) for label, totals in ledger.totals.queues.items()},
        windows_end=ledger.windows.end,
        windows={label: _windows_values(ledger, label) for label in ledger.windows.queues},
    )


def _call_values(call: Call) -> Any:
    return _CallValues(*[getattr(call, name) for name in _CALL_FIELDS])


def _customer_values(customer: Customer) -> _Customer:
    return _Customer(
        id=customer.id,
        name=customer.name,
        calls=[call.id for call in customer.calls],
        facts=customer.facts,
        promises=customer.promises,
        troubled=customer.troubled,
        revision=customer.revision,
        wake=customer.wake,
    )


def _totals_values(totals: QueueTotals) -> _Totals:
    return _Totals(
        answer_wait=totals.answer_wait,
        callback_delay=totals.callback_delay,
        counts=sorted((*key, number) for key, number in totals.counts.items()),
        corrections=sorted((*key, number) for key, number in totals.corrections.items()),
    )


def _windows_values(ledger: Ledger, label: str) -> _Windows:
    queue = ledger.windows.queues[label]
    return _Windows(
        fine=sorted(queue.fine.items()),
        coarse=sorted(queue.coarse.items()),
        sums=[{name: n for name, n in counts.items() if n} for counts in queue.sums],
        maxima=queue.maxima,
        tails=queue.tails,
        bounds=ledger.windows.bounds(label),
    )


def _restore(ledger: Ledger, read: _State) -> None:
    book = ledger.book
    book.now = read.now
    ledger.watermark = read.watermark
    ledger.fates.update(read.fates)
    ledger.heartbeats.update(read.heartbeats)
    ledger.source_seen.update(read.source_seen)
    book.restarts.update(read.restarts)
    book.boundary_ambiguous = read.boundary_ambiguous
    book.attached.update(read.attached)
    _restore_totals(ledger, read)
    for values in read.calls:
        _restore_call(ledger, values)
    for customer in read.customers:
        _restore_customer(ledger, customer)
    for call_id in read.undecided:
        book.undecided[call_id] = book.calls[call_id]
    for call_id in read.touched[0]:
        book.touch(book.calls[call_id])
    for name in read.touched[1]:
        book.touch_customer(book.customers[name])


def _restore_totals(ledger: Ledger, read: _State) -> None:
    ledger.totals.learn(read.labels)
    ledger.totals.overflowed = read.overflowed
    for label, values in read.totals.items():
        totals = QueueTotals(values.answer_wait, values.callback_delay)
        totals.bound_at(ledger.rules.of(label))
        totals.counts.update({(verdict, state): n for verdict, state, n in values.counts})
        totals.corrections.update({(v, was, state): n for v, was, state, n in values.corrections})
        ledger.totals.queues[label] = totals
    ledger.windows.end = read.windows_end
    for label, queue in read.windows.items():
        restored = ledger.windows.queues[label] = QueueWindows(
            dict(queue.fine), dict(queue.coarse), queue.sums, queue.maxima, queue.tails
        )
        bounds = ledger.windows.bounds(label)
        if bounds != queue.bounds:
            restored.rebucket(queue.bounds, bounds)


def _restore_call(ledger: Ledger, values: Any) -> None:
    facts = {name: getattr(values, name) for name in _CALL_FIELDS}
    wake = facts.pop("wake")
    facts["is_touched"] = False
    call = Call(**facts)
    ledger.book.calls[call.id] = call
    if wake:
        ledger.book.deadlines.set(call, wake)


def _restore_customer(ledger: Ledger, values: _Customer) -> None:
    book = ledger.book
    customer = Customer(
        id=values.id,
        name=values.name,
        calls=[book.calls[call_id] for call_id in values.calls],
        facts=values.facts,
        promises=values.promises,
        troubled=values.troubled,
        revision=values.revision,
    )
    book.customers[customer.id] = customer
    owed = [promise.owed for promise in customer.promises]
    if any(_is_owing(promise) for promise in owed):
        book.owing[customer.id] = customer
    if values.wake:
        book.deadlines.set(customer, values.wake)


def _is_owing(promise: Owed) -> bool:
    return promise.state is None or promise.state == "broken"
