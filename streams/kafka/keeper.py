"""One owned partition with its log: what is shown of it is durable.

A tick is appended and acknowledged; then its totals are shown and its offset may be committed;
then its outputs are written; only then comes the next. So outputs follow from durable ticks
alone, and at most those of the last tick are missing after a crash: the next owner writes them
again, the same bytes, before its first tick.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from streams.kafka.batch import Fresh
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.errors import LogRefusedError
from streams.kafka.ledgerlog.history import History
from streams.kafka.ledgerlog.machine import Machine, StateWriting
from streams.kafka.ledgerlog.ports import AppendUnknownError, LogStore, Source
from streams.kafka.ledgerlog.rebuild import Rebuilt, read_history, rebuild
from streams.kafka.ledgerlog.writer import LogWriter, claim
from streams.kafka.partition import PartitionProcessor, Stretch
from streams.ledger.changes import Change
from streams.ledger.rules import Rules

__all__ = ["Fruits", "Keeper", "OutputWriter", "Place", "load_keeper"]

log = logging.getLogger(__name__)

TICKS_WORTH_A_SNAPSHOT: Final = 8
"""Fewer than this since the last snapshot are followed faster than another is read."""


_LIMITS: Final = (
    "events are refused: as much as can be remembered is (dead letters `limit`)",
    "calls are judged apart from a customer who has too many (callcenter_customer_overflow_total)",
    "queues beyond `max_queues` are counted together as `__other__`",
)


class Fruits(NamedTuple):
    """The outputs of one tick of one partition."""

    partition: int
    epoch: int
    changes: list[Change]
    dead_letters: Sequence[DeadLetter]


class OutputWriter(Protocol):
    """Writes outputs; at least once, in order."""

    async def write(self, fruits: Fruits) -> None:
        """Write `fruits`; returns when all are acknowledged."""


class Place(NamedTuple):
    """Where a partition lives, and who keeps it."""

    topic: str
    log_topic: str
    partition: int
    log: LogStore
    source: Source
    outputs: OutputWriter
    rules: Rules
    writer: str
    accept_loss: bool = False


class Keeper:
    """A partition that is live: `processor` takes batches, `tick` makes them durable."""

    def __init__(
        self,
        place: Place,
        processor: PartitionProcessor,
        writer: LogWriter,
        unwritten: Fruits | None,
    ) -> None:
        self.processor = processor
        self.is_void = False
        """whether an append was broken off: what the log holds is not known any more"""
        self.ticks_since_snapshot = 0
        self.is_in_snapshot = False
        self._is_called_off = False
        self._place = place
        self._log = writer
        self._unwritten = unwritten
        self._turn = asyncio.Lock()
        self._told: set[str] = set()

    async def tick(self, wall: int, fresh: Fresh | None, *, hold: bool = False) -> None:
        """Close the stretch since the last tick, make it durable, then write its outputs.

        Raises:
            FencedError: another worker owns the partition.
            AppendUnknownError: nobody knows whether the tick counts: the state is void.
            LogDamagedError: the log became shorter.
        """
        async with self._turn:
            self._require_known()
            await self._write()
            await self._close(wall, fresh, hold=hold)

    async def snapshot(self, wall: int, fresh: Fresh | None, *, hold: bool = False) -> int | None:
        """Tick and append a snapshot of the state at that tick; returns its size in bytes.

        The state is written a little at a time, and batches are applied meanwhile. None: it was
        called off.

        Raises: as `tick`.
        """
        for _ in self.processor.machine.prepare():
            await asyncio.sleep(0)
        async with self._turn:
            self._require_known()
            await self._write()
            self.is_in_snapshot, self._is_called_off = True, False
            try:
                writing = await self._close(wall, fresh, hold=hold, snapshot=True)
                data = None if writing is None else await self._written(writing)
                if data is not None:
                    await self._append_snapshot(data)
            finally:
                self.is_in_snapshot = False
            return None if data is None else len(data)

    def call_off(self) -> None:
        """Have a snapshot whose state is still being written be none: there is no time for it."""
        self._is_called_off = True

    async def _written(self, writing: StateWriting) -> bytes | None:
        """Write the state in turns with everything else; None: called off."""
        try:
            while writing.step():
                await asyncio.sleep(0)
                if self._is_called_off:
                    return None
            return writing.finish()
        finally:
            writing.give_up()

    async def _append_snapshot(self, state: bytes) -> None:
        self.is_void = True
        if await self._log.snapshot(self.processor.machine.rules, state):
            self.ticks_since_snapshot = 0
        self.is_void = False

    async def seal(self) -> None:
        """Append a snapshot of the state as it was loaded, whatever it takes.

        Readers begin with it, and never see again what could not be followed. Raises: as `tick`.
        """
        async with self._turn:
            await self._write()
            machine = self.processor.machine
            state = machine.dump()
            while not await self._log.snapshot(machine.rules, state):
                log.debug("partition %s: a ghost wrote before the snapshot", self._place.partition)

    def _require_known(self) -> None:
        """Go no further than a broken-off append: whoever waited behind it must not tick on."""
        if self.is_void:
            raise AppendUnknownError("an append before this one was broken off")

    async def _close(
        self, wall: int, fresh: Fresh | None, *, hold: bool, snapshot: bool = False
    ) -> StateWriting | None:
        """Tick; with `snapshot` the state at that tick is begun to be written."""
        self.is_void = True
        stretch = self.processor.tick(self._log.epoch, wall, fresh, hold=hold)
        writing = self.processor.machine.write() if snapshot else None
        try:
            await self._log.tick(stretch.tick)
            self.is_void = False
            self.processor.settle(stretch)
            self._tell_limits()
            self.ticks_since_snapshot += 1
            self._unwritten = _fruits(stretch)
            await self._write()
        except BaseException:
            if writing is not None:
                writing.give_up()
            raise
        return writing

    def _tell_limits(self) -> None:
        """Log each limit that acts, the first time it does."""
        shown = self.processor.exported
        counts = (shown.dead_letters["limit"], shown.crowded, shown.totals.overflowed)
        for text, count in zip(_LIMITS, counts, strict=True):
            if count and text not in self._told:
                self._told.add(text)
                log.warning("partition %s: %s", self._place.partition, text)

    async def trim(self) -> bool:
        """Delete what no owner will need; False if the broker does not let us."""
        return await self._log.trim()

    async def is_mine(self) -> bool:
        """Return whether nobody else has written to the log since this keeper did."""
        async with self._turn:
            return not self.is_void and await self._log.is_mine()

    async def _write(self) -> None:
        """Write what the last tick brought; a cancelled attempt is made again."""
        if self._unwritten is not None:
            await self._place.outputs.write(self._unwritten)
            self._unwritten = None


def _fruits(stretch: Stretch) -> Fruits | None:
    changes, letters = stretch.outcome
    if not changes and not letters:
        return None
    return Fruits(stretch.partition, stretch.tick.epoch, changes, letters)


async def load_keeper(place: Place, committed: int | None) -> Keeper:
    """Take the partition over and return it as exact as its last owner left it.

    `committed` is the group's offset: durable ticks reach at least that far.

    Raises:
        LogRefusedError: the state cannot be rebuilt, and that was not accepted.
        AppendUnknownError: nobody knows whether the partition is ours.
        FencedError: another worker has taken it over meanwhile.
    """
    epoch = await claim(place.log, place.rules, place.writer)
    history = await read_history(place.log, epoch)
    rebuilt = await rebuild(history, place.source, place.topic, place.partition, place.rules)
    machine = rebuilt.machine
    uncovered = _uncovered(machine, committed)
    misplaced = await _align(machine, place.source)
    loss = rebuilt.loss or uncovered or misplaced
    if loss is not None:
        _accept(place, machine, loss)
    machine.change_rules(place.rules)
    writer = LogWriter(place.log, place.writer, epoch, epoch + 1, _snapshots(history))
    keeper = Keeper(place, PartitionProcessor(machine), writer, _repeated(place, rebuilt))
    if loss is not None:
        await keeper.seal()
    return keeper


def _accept(place: Place, machine: Machine, loss: str) -> None:
    if not place.accept_loss:
        raise LogRefusedError(place.log_topic, place.partition, loss)
    log.warning("partition %s goes on with a loss that was accepted: %s", place.partition, loss)
    machine.losses += 1


async def _align(machine: Machine, source: Source) -> str | None:
    """Place a new machine where the source begins; return why an older one cannot go on."""
    first, end = await source.bounds()
    reached = machine.next_offset
    if machine.number == 0:
        machine.next_offset = first
        # Nothing is that old: a step that only tells later readers where the source began.
        machine.advance(0)
        return None
    if first <= reached <= end:
        return None
    machine.next_offset = first
    return f"the events topic holds offsets {first} to {end}, but {reached} is the next"


def _uncovered(machine: Machine, committed: int | None) -> str | None:
    """Return why the log cannot be whole: an offset is committed after its tick is durable."""
    if committed is None or committed <= machine.next_offset:
        return None
    reached = machine.next_offset
    return f"the log goes to source offset {reached}, though {committed} was committed"


def _repeated(place: Place, rebuilt: Rebuilt) -> Fruits | None:
    if rebuilt.last is None:
        return None
    tick, (changes, letters) = rebuilt.last
    return Fruits(place.partition, tick.epoch, changes, letters)


def _snapshots(history: History) -> list[int]:
    newest = history.snapshot.epoch if history.snapshot else None
    return [each for each in (history.before_last, newest) if each is not None]
