"""The state of a ledger as bytes, at once or a little at a time."""

import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec

from streams.ledger.ledger import Ledger
from streams.ledger.packing import Originals, call_row, caller_row, fact_row
from streams.ledger.slices import Stretch
from streams.ledger.totals import QueueTotals

__all__ = ["FORMAT", "Writing", "dump", "prepare", "state_hash"]

FORMAT: Final = 2
_ARRAY: Final = struct.Struct(">BI").pack
"""Begins a MessagePack array of so many elements."""
_LONG: Final = 16
"""So many elements need a head of three bytes instead of one."""
_AT_A_TIME: Final = 64
_CLOSED_AT_A_TIME: Final = 5
_SORTED_AT_A_TIME: Final = 4096

_T = TypeVar("_T")
_encoder: Final = msgspec.msgpack.Encoder(order="sorted")


def prepare(ledger: Ledger) -> Iterator[None]:
    """Write beforehand what a snapshot is likely to need, a little at each step.

    Most slices of the windows do not change any more: from then on they are kept as bytes alone.
    The state stays what it is, and the ledger may take in what it likes between the steps.
    """
    windows = ledger.windows
    for label in windows.labels():
        # After a silence of a minute all windows of all queues would move at once.
        windows.fold_queue(label)
        yield
        queue = windows.queues[label]
        for slices in (queue.fine, queue.coarse):
            yield from _close(slices.stretches())


def _close(stretches: Sequence[Stretch]) -> Iterator[None]:
    closed = 0
    for stretch in stretches:
        closed += stretch.close()
        if closed == _CLOSED_AT_A_TIME:
            closed = 0
            yield


class Writing:
    """A snapshot that is written a few rows at a time.

    It is of the state at the beginning, whatever events the ledger takes in meanwhile; before a
    tick the rest is written at once. `finish` or `give_up` ends it.
    """

    def __init__(self, ledger: Ledger, at_a_time: int = 256) -> None:
        book = ledger.book
        self._book = book
        self._originals = book.originals = Originals(self._hurry)
        self._head, self._tail = _around_rows(ledger)
        kept, callers = self._originals, book.callers.by_key.copy()
        self._calls = _Rows(book.calls.copy(), call_row, kept.calls, at_a_time)
        self._customers = _Rows(callers, caller_row, kept.customers, at_a_time)

    def step(self) -> bool:
        """Write some more; False if all is written."""
        return self._calls.step() or self._customers.step()

    def finish(self) -> bytes:
        """Write the rest; return the whole state."""
        self._hurry()
        rows = self._calls.packed(), self._customers.packed()
        return _encoder.encode((*self._head, *rows, *self._tail))

    def give_up(self) -> None:
        """Have the ledger keep nothing for this snapshot any longer."""
        if self._book.originals is self._originals:
            self._book.originals = None
        # It would refer to this, and the collector alone would free a copy of the whole state.
        self._originals.hurry = _done

    def _hurry(self) -> None:
        while self.step():
            pass
        self.give_up()


def _done() -> None:
    """Do nothing: all is written."""


def dump(ledger: Ledger) -> bytes:
    """Return the state of `ledger`; equal states give equal bytes."""
    before = ledger.book.originals
    try:
        return Writing(ledger).finish()
    finally:
        ledger.book.originals = before


def state_hash(ledger: Ledger) -> str:
    """Return the SHA-256 of the state in hexadecimal digits."""
    return sha256(dump(ledger)).hexdigest()


def _around_rows(ledger: Ledger) -> tuple[list[msgspec.Raw], list[msgspec.Raw]]:
    """Return the values of a `_State` before its calls and after its customers, written."""
    book = ledger.book
    ledger.windows.fold()
    before = (
        FORMAT,
        book.now,
        ledger.watermark,
        ledger.fates,
        ledger.heartbeats,
        ledger.source_seen,
        book.restarts,
        book.boundary_ambiguous,
        ledger.totals.overflowed,
        ledger.totals.names(),
    )
    after = (
        {key: [fact_row(fact) for fact in facts] for key, facts in book.attached.items()},
        book.touched,
        sorted([call.id for call in book.register.open_calls()]),
        {label: _totals_values(totals) for label, totals in ledger.totals.queues.items()},
        ledger.windows.end,
        {label: _windows_values(ledger, label) for label in ledger.windows.queues},
        book.callers.crowded,
    )
    return _written(before), _written(after)


def _written(values: Iterable[Any]) -> list[msgspec.Raw]:
    return [msgspec.Raw(_encoder.encode(value)) for value in values]


class _Rows(Generic[_T]):
    """The `row` of everything in `held`, by its key, as an array; some at a time.

    A few in one go: memory that was in use a moment ago is written twice as fast.
    """

    def __init__(
        self,
        held: Mapping[str, _T],
        row: Callable[[_T], tuple[Any, ...]],
        originals: Mapping[str, tuple[Any, ...]],
        at_a_time: int,
    ) -> None:
        self._held = held
        self._row = row
        self._originals = originals
        self._order: list[str] | None = None
        self._sorting = _sorted_by_steps(held)
        self._parts = [_ARRAY(0xDD, len(held))]
        self._done = 0
        self._portion = min(at_a_time, _AT_A_TIME)
        self._portions = range(0, at_a_time, _AT_A_TIME)

    def step(self) -> bool:
        """Write some more; False if all are written."""
        if self._order is None:
            self._order = next(self._sorting)
            return True
        for _ in self._portions:
            keys = self._order[self._done : self._done + self._portion]
            if not keys:
                return False
            self._write(keys)
        return True

    def _write(self, keys: Sequence[str]) -> None:
        held, row, originals = self._held, self._row, self._originals
        if originals:
            some = [originals.get(key) or row(held[key]) for key in keys]
        else:
            some = [row(held[key]) for key in keys]
        self._parts.append(_encoder.encode(some)[1 if len(some) < _LONG else 3 :])
        self._done += len(keys)

    def packed(self) -> msgspec.Raw:
        """Return the array; only after the last step."""
        return msgspec.Raw(b"".join(self._parts))


def _sorted_by_steps(keys: Iterable[str]) -> Iterator[list[str] | None]:
    """Yield None as often as there is more to do, then `keys` in order.

    To sort a hundred thousand at once would keep everything else waiting for fifty milliseconds.
    """
    left, runs = iter(keys), deque[list[str]]()
    while some := list(islice(left, _SORTED_AT_A_TIME)):
        runs.append(sorted(some))
        yield None
    while len(runs) > 1:
        # To sort two that are in order compares hardly more often than there are keys.
        runs.append(sorted(runs.popleft() + runs.popleft()))
        yield None
    yield runs[0] if runs else []


def _totals_values(totals: QueueTotals) -> tuple[Any, ...]:
    waits, delays = totals.answer_wait, totals.callback_delay
    counts = sorted((*key, number) for key, number in totals.counts.items())
    corrections = sorted((*key, number) for key, number in totals.corrections.items())
    return (
        waits.bounds, waits.counts, waits.total, delays.bounds, delays.counts, delays.total,
        counts, corrections,
    )  # fmt: skip


def _windows_values(ledger: Ledger, label: str) -> tuple[Any, ...]:
    queue, bounds = ledger.windows.queues[label], ledger.windows.bounds(label)
    fine, coarse = (
        msgspec.Raw(_ARRAY(0xDD, len(slices)) + slices.packed())
        for slices in (queue.fine, queue.coarse)
    )
    sums = [counts.numbers() for counts in queue.sums]
    maxima = [counts.longest for counts in queue.sums]
    return fine, coarse, sums, maxima, queue.tails, bounds
