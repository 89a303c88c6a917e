"""From the log and the source back to the state, with every tick's hash compared.

The same function serves a new owner and the offline auditor.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Sequence
from operator import attrgetter
from typing import Final
from zlib import crc32

from msgspec import Struct

from streams.kafka.batch import Batch, Record
from streams.kafka.ledgerlog.history import Footprint, History
from streams.kafka.ledgerlog.machine import Machine, Outcome
from streams.kafka.ledgerlog.ports import LogStore, Source
from streams.kafka.ledgerlog.records import Epoch, LogDamagedError, Tick
from streams.ledger.rules import Rules

__all__ = ["Rebuilt", "RebuiltTick", "read_history", "rebuild"]

RebuiltTick = Callable[[Tick, Machine], None]
_OFFSET: Final = attrgetter("offset")


class Rebuilt(Struct):
    """The state as of the last valid tick, or as far towards it as could be come.

    `last` is the tick that no snapshot follows, with its outputs: all those before it are known
    to be written, its own may not be.
    """

    machine: Machine
    last: tuple[Tick, Outcome] | None = None
    ticks: int = 0
    """how many were followed"""
    loss: str | None = None
    """why it is not the whole state; None: it is"""


async def read_history(store: LogStore, end: int, *, whole: bool = False) -> History:
    """Return what counts in the log below offset `end`; its `damage` says where it broke off.

    A complete snapshot after the damage mends it: an owner had accepted the loss.
    """
    first, _ = await store.bounds()
    history = History(first, whole=whole)
    try:
        async for portion in store.read(first, end):
            for offset, value in portion:
                _read(history, offset, value)
    except LogDamagedError as error:
        history.break_off(str(error))
    return history


def _read(history: History, offset: int, value: bytes | None) -> None:
    try:
        history.read(offset, value)
    except LogDamagedError as error:
        history.break_off(str(error))


async def rebuild(
    history: History,
    source: Source,
    topic: str,
    partition: int,
    rules: Rules,
    followed: RebuiltTick | None = None,
) -> Rebuilt:
    """Return the state at the last tick of `history`; `rules` hold where the log names none.

    `followed` is called after each tick with the machine as it was then.
    """
    rebuilt = _begin(history, topic, partition, rules)
    try:
        await _follow(rebuilt, history, source, followed)
    except LogDamagedError as error:
        rebuilt.loss = rebuilt.loss or str(error)
    if history.damage is not None:
        rebuilt.loss = rebuilt.loss or history.damage
    if rebuilt.loss is not None:
        rebuilt.last = None
    return rebuilt


def _begin(history: History, topic: str, partition: int, rules: Rules) -> Rebuilt:
    if history.snapshot is None:
        first = next((e.rules for e in history.entries if isinstance(e, Epoch)), rules)
        rebuilt = Rebuilt(Machine(topic, partition, first))
        if history.first > 0:
            rebuilt.loss = f"the log begins at offset {history.first} without a complete snapshot"
        return rebuilt
    _, of_snapshot, data = history.snapshot
    try:
        return Rebuilt(Machine.load(topic, partition, of_snapshot, data))
    except LogDamagedError as error:
        return Rebuilt(Machine(topic, partition, rules), loss=str(error))


async def _follow(
    rebuilt: Rebuilt, history: History, source: Source, followed: RebuiltTick | None
) -> None:
    ticks = [entry for entry in history.entries if isinstance(entry, Tick)]
    reader = _SourceReader(source, *_range(rebuilt.machine, ticks))
    await reader.check()
    try:
        for entry in history.entries:
            if isinstance(entry, Epoch):
                rebuilt.machine.change_rules(entry.rules)
                continue
            if isinstance(entry, Footprint):
                _compare(rebuilt.machine, entry)
                continue
            await reader.fill(entry.steps[-1][0])
            rebuilt.last = (entry, rebuilt.machine.repeat(entry, reader.below))
            rebuilt.ticks += 1
            if followed is not None:
                followed(entry, rebuilt.machine)
    finally:
        await reader.close()


def _compare(machine: Machine, snapshot: Footprint) -> None:
    if crc32(machine.dump()) != snapshot.checksum:
        raise LogDamagedError(f"the snapshot at offset {snapshot.epoch} is not the state then")


def _range(machine: Machine, ticks: Sequence[Tick]) -> tuple[int, int]:
    """Return the source offsets from which and to which `ticks` need records."""
    if not ticks:
        return machine.next_offset, machine.next_offset
    first, now = ticks[0].steps[0]
    # The very first step of all says where the source began, before anything could fire.
    begun = first if machine.number == 0 and now == 0 else machine.next_offset
    return begun, ticks[-1].steps[-1][0]


class _SourceReader:
    """Hands on the records of the source from `first` to `end`, each once."""

    def __init__(self, source: Source, first: int, end: int) -> None:
        self._source = source
        self._first = first
        self._end = end
        self._batches: AsyncIterator[Batch] | None = None
        self._records: list[Record] = []
        self._taken = 0
        self._position = first

    async def check(self) -> None:
        """Refuse if the source no longer holds, or never held, what the ticks are about."""
        if self._end <= self._first:
            return
        first, end = await self._source.bounds()
        if first > self._first:
            raise LogDamagedError(
                f"the source begins at offset {first}, the ticks need it from {self._first}"
            )
        if end < self._end:
            raise LogDamagedError(f"the source ends at {end}, the ticks went to {self._end}")

    async def fill(self, to_offset: int) -> None:
        """Read on until everything below `to_offset` is here."""
        self._records, self._taken = self._records[self._taken :], 0
        while self._position < to_offset:
            if self._batches is None:
                self._batches = self._source.read(self._position, self._end)
            batch = await anext(self._batches, None)
            if batch is None:
                raise LogDamagedError(f"the source cannot be read up to offset {to_offset}")
            self._records += batch.records
            self._position = max(self._position, batch.next_offset)

    def below(self, to_offset: int) -> Sequence[Record]:
        """Return the records below `to_offset` that were not handed on yet."""
        start = self._taken
        self._taken = bisect_left(self._records, to_offset, lo=start, key=_OFFSET)
        return self._records[start : self._taken]

    async def close(self) -> None:
        """Stop reading."""
        close = getattr(self._batches, "aclose", None)
        if close is not None:
            await close()
