"""A ledger again, from its state as bytes."""

from typing import Final

import msgspec
from msgspec import Struct

from streams.ledger.ledger import Ledger
from streams.ledger.packing import fact_of
from streams.ledger.restoring import restore_call, restore_customer
from streams.ledger.rows import CallRow, CustomerRow, FactRow
from streams.ledger.rules import Rules
from streams.ledger.totals import PLACES, Histogram, QueueTotals
from streams.ledger.windows import KINDS, QueueWindows
from streams.ledger.writing import FORMAT

__all__ = ["SnapshotError", "load"]


class SnapshotError(ValueError):
    """These bytes are no state this version can read."""


class _Header(Struct, array_like=True):
    """What every format begins with."""

    format: int


class _Totals(Struct, array_like=True):
    wait_bounds: list[float]
    waits: list[int]
    wait_total: int
    delay_bounds: list[float]
    delays: list[int]
    delay_total: int
    counts: list[tuple[str, str, int]]
    corrections: list[tuple[str, str, str, int]]


class _Windows(Struct, array_like=True):
    fine: list[list[int]]
    """of each slice: its number, the longest wait, then place and count of what it counts"""
    coarse: list[list[int]]
    sums: list[list[int]]
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
    calls: list[CallRow]
    customers: list[CustomerRow]
    attached: dict[str, list[FactRow]]
    touched: tuple[list[str], list[str]]
    undecided: list[str]
    totals: dict[str, _Totals]
    windows_end: int
    windows: dict[str, _Windows]
    crowded: int


_LONGEST: Final = 1e9
"""Seconds: no bound of a histogram is as long."""
_MOST: Final = 1 << 60
"""No count or sum of microseconds is as large."""

_header: Final = msgspec.msgpack.Decoder(_Header)
_decoder: Final = msgspec.msgpack.Decoder(_State)


def load(rules: Rules, state: bytes) -> Ledger:
    """Return a ledger that goes on exactly where the dumped one stopped.

    Raises:
        SnapshotError: the bytes are damaged or of another format.
    """
    ledger = Ledger(rules)
    read = _read(state)
    try:
        _restore(ledger, read)
    except LookupError as error:
        msg = f"the state cannot be read: it speaks of {error} and does not hold it"
        raise SnapshotError(msg) from None
    return ledger


def _read(state: bytes) -> _State:
    try:
        written = _header.decode(state).format
        read = _decoder.decode(state) if written == FORMAT else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"the state cannot be read: {' '.join(str(error).split())}"
        raise SnapshotError(msg) from None
    if read is None:
        writer = "newer callsla" if written > FORMAT else "callsla that wrote it"
        told = f"the state has format {written}, this version reads {FORMAT}"
        msg = f"{told}: start the {writer} again"
        raise SnapshotError(msg)
    return read


def _restore(ledger: Ledger, read: _State) -> None:
    book = ledger.book
    ledger.set_clock(read.now)
    ledger.watermark = read.watermark
    ledger.fates = {**ledger.fates, **read.fates}
    ledger.heartbeats.update(read.heartbeats)
    ledger.source_seen.update(read.source_seen)
    book.restarts.update(read.restarts)
    book.boundary_ambiguous = read.boundary_ambiguous
    book.callers.crowded = read.crowded
    for key, facts in read.attached.items():
        book.attached[key] = [fact_of(fact) for fact in facts]
        for fact in book.attached[key]:
            book.facts_of.add(fact.source)
    _restore_totals(ledger, read)
    register, undecided = book.register, set(read.undecided)
    for row in read.calls:
        restore_call(book, row, row.id in undecided)
    waiting = register.open_calls()
    _require(len(waiting) == len(undecided), "a call without an outcome")
    for customer in read.customers:
        restore_customer(book, customer)
    for call in waiting:
        book.waiting.add(call, book.terms.of(call.queue))
    for call_id in read.touched[0]:
        book.touch(register.named(call_id))
    for name in read.touched[1]:
        book.touch_customer(book.callers.customer(name))


def _restore_totals(ledger: Ledger, read: _State) -> None:
    ledger.totals.learn(read.labels)
    ledger.totals.overflowed = read.overflowed
    for label, values in read.totals.items():
        totals = QueueTotals(
            _histogram(values.wait_bounds, values.waits, values.wait_total),
            _histogram(values.delay_bounds, values.delays, values.delay_total),
        )
        totals.bound_at(ledger.rules.of(label))
        for verdict, state, number in values.counts:
            totals.numbers[PLACES[verdict][state]] = number
        totals.corrections.update({(v, was, state): n for v, was, state, n in values.corrections})
        ledger.totals.queues[label] = totals
    ledger.windows.end = read.windows_end
    for label, windows in read.windows.items():
        restored = ledger.windows.queues[label] = _windows_of(windows)
        bounds = ledger.windows.bounds(label)
        if bounds != windows.bounds:
            restored.rebucket(windows.bounds, bounds)


def _histogram(bounds: list[float], counts: list[int], total: int) -> Histogram:
    is_one = len(counts) == len(bounds) + 1 and all(0 <= bound < _LONGEST for bound in bounds)
    _require(is_one, "a histogram")
    return Histogram(bounds, counts, total)


def _windows_of(read: _Windows) -> QueueWindows:
    queue = QueueWindows()
    _require(all(len(counts) == KINDS for counts in read.sums), f"a sum of {KINDS} counts")
    sizes = {len(read.sums), len(read.maxima), len(read.tails)}
    _require(sizes == {len(queue.sums)}, f"all {len(queue.sums)} windows")
    try:
        queue.fine.restore(read.fine)
        queue.coarse.restore(read.coarse)
    except (IndexError, ValueError):
        msg = "a slice of time"
        raise LookupError(msg) from None
    for counts, numbers, longest in zip(queue.sums, read.sums, read.maxima, strict=True):
        is_small = -_MOST < min(*numbers, longest) <= max(*numbers, longest) < _MOST
        _require(is_small, "a sum of small counts")
        counts.set(numbers)
        counts.longest = longest
    queue.tails = read.tails
    return queue


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise LookupError(what)
