"""The partitions this worker owns: taken over, kept over rebalances, given up, taken again.

A partition that comes back goes on where it was if nobody else wrote to its log meanwhile. One
that was lost to another worker, or whose last append has an unknown outcome, is dropped at once;
it is loaded again only when the group has confirmed that this worker is still a member, or two
workers would take it from each other for ever.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Final, Protocol, TypeVar

from faust.types import TP

from streams.instants import SECOND
from streams.kafka.batch import Batch, Fresh
from streams.kafka.clock import HOLD, SESSION, FetchWatch
from streams.kafka.errors import LogRefusedError
from streams.kafka.keeper import Keeper, OutputWriter, Place, load_keeper
from streams.kafka.ledgerlog.ports import AppendUnknownError, LogStore, Source
from streams.kafka.ledgerlog.records import LogDamagedError
from streams.kafka.ledgerlog.writer import FencedError
from streams.kafka.partition import PartitionProcessor
from streams.ledger.rules import Rules

__all__ = ["Assignment", "Ports", "Wanted"]

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

SOON: Final = 2 * SECOND
"""How far ahead (microseconds) deadlines are looked for: more than a tick and the longest fetch."""
LONGEST_FETCH: Final = SECOND // 2
"""Microseconds, more than `pace.CALM` has a broker wait."""
MUCH: Final = 256
"""Fewer records than this since its last tick wait for the next but one."""
UNTICKED_LIMIT: Final = 150_000
"""Records whose outputs may wait in memory before reading pauses.

A third of it was reached while a broker acknowledged the outputs before, and a worker stood idle.
"""


class Wanted(Enum):
    """Which partitions have a tick."""

    ALL = auto()
    NEWS = auto()
    """those of which there is something to tell, the others now and then"""
    MUCH = auto()
    """those of which there is so much to tell that it is worth a tick of its own"""
    BREACHES = auto()
    """those in which somebody waits to be told"""


class Ports(Protocol):
    """What the partitions of a worker need from the world."""

    @property
    def outputs(self) -> OutputWriter:
        """Where promise events and dead letters go."""

    def log(self, partition: int) -> LogStore:
        """Return the log of `partition`."""

    def source(self, partition: int) -> Source:
        """Return the events of `partition`."""

    async def committed(self, partition: int) -> int | None:
        """Return the offset the group has committed."""

    async def is_member(self) -> bool:
        """Return whether the group accepts a commit of this worker now."""

    async def seek(self, partition: int, offset: int) -> None:
        """Have the next batch of `partition` begin at `offset`."""


class Assignment:
    """The keepers of the owned partitions of one topic (the `Positions` of the consumer)."""

    def __init__(
        self,
        topic: str,
        log_topic: str,
        rules: Rules,
        ports: Ports,
        *,
        writer: str = "worker",
        accept_loss: bool = False,
        clock: Callable[[], int],
    ) -> None:
        self.topic = topic
        self.watch = FetchWatch()
        self.news = asyncio.Event()
        """set when a tick may bring something that the last one could not"""
        self.clock = clock
        self.recovery_seconds: dict[int, float] = {}
        self.side_offsets: dict[TP, int] = {}
        """other topics: the offset below which a partition's records are done"""
        self.assigned_at: dict[int, int] = {}
        self.lost: set[int] = set()
        """assigned, but to be loaded again before they go on"""
        self.lost_count = 0
        """how often a live partition was lost"""
        self._log_topic = log_topic
        self._rules = rules
        self._ports = ports
        self._writer = writer
        self._accept_loss = accept_loss
        self._keepers: dict[int, Keeper] = {}
        self._parked: dict[int, Keeper] = {}
        self._round = 0
        self._calm_until = 0

    @property
    def is_calm(self) -> bool:
        """Whether no deadline comes so soon that a fetch has to know it (from any thread)."""
        return self.clock() < self._calm_until - LONGEST_FETCH

    @property
    def owned(self) -> dict[int, PartitionProcessor]:
        """The live partitions."""
        return {number: keeper.processor for number, keeper in self._keepers.items()}

    @property
    def keepers(self) -> Mapping[int, Keeper]:
        """The live partitions with their logs."""
        return self._keepers

    def revoke(self) -> None:
        """Give up everything, for the moment: it may come back with the next assignment."""
        self._round += 1
        self._parked.update(self._keepers)
        self._keepers = {}
        self.lost.clear()
        self.assigned_at.clear()
        self._calm_until = 0

    async def take(self, numbers: Iterable[int]) -> None:
        """Own exactly `numbers`: each is exact when this returns, or `lost` for the moment.

        Raises:
            LogRefusedError: counts of a partition would be lost.
        """
        self.revoke()
        parked, self._parked = self._parked, {}
        now = self.clock()
        wanted = sorted(numbers)
        self.assigned_at = dict.fromkeys(wanted, now)
        self.recovery_seconds = {n: s for n, s in self.recovery_seconds.items() if n in wanted}
        await _all(self._take_one(number, parked.get(number), self._round) for number in wanted)

    async def _take_one(self, number: int, keeper: Keeper | None, turn: int) -> None:
        try:
            if keeper is None or not await keeper.is_mine():
                keeper = await self._load(number)
        except (AppendUnknownError, FencedError):
            if turn == self._round:
                self.lost.add(number)
            return
        except LogDamagedError as error:
            raise LogRefusedError(self._log_topic, number, str(error)) from None
        if turn == self._round:
            self._hold_after_absence(keeper.processor)
            self._keepers[number] = keeper
            self.lost.discard(number)

    async def _load(self, number: int) -> Keeper:
        began = self.clock()
        committed = await self._ports.committed(number)
        keeper = await load_keeper(self._place(number), committed)
        self.recovery_seconds[number] = (self.clock() - began) / SECOND
        return keeper

    def _place(self, number: int) -> Place:
        ports = self._ports
        return Place(
            topic=self.topic,
            log_topic=self._log_topic,
            partition=number,
            log=ports.log(number),
            source=ports.source(number),
            outputs=ports.outputs,
            rules=self._rules,
            writer=self._writer,
            accept_loss=self._accept_loss,
        )

    def _hold_after_absence(self, processor: PartitionProcessor) -> None:
        """Hold the clock if nobody had this partition: the sources may have been cut off too."""
        machine, wall = processor.machine, self.clock()
        last = machine.ledger.now + machine.rules.grace
        if machine.number and last < wall - SESSION - 2 * SECOND:
            self.watch.hold_until(wall + HOLD)

    def apply(self, batch: Batch) -> int | None:
        """Take in a batch; returns the offset to read again from if records before it are missing.

        A batch of a partition that is not live is dropped.
        """
        keeper = self._keepers.get(batch.partition)
        if keeper is None:
            return None
        processor = keeper.processor
        self._calm_until = 0
        return None if processor.apply(batch, self.clock()) else processor.next_offset

    def is_due(self, fresh: Mapping[TP, Fresh]) -> bool:
        """Return whether a tick now would tell of a promise broken in a partition that caught up.

        While a backlog is read nobody waits for the next verdict.
        """
        if self.clock() < self._calm_until:
            return False
        return any(self._owes_news(*each, fresh) for each in self._keepers.items())

    def _owes_news(self, number: int, keeper: Keeper, fresh: Mapping[TP, Fresh]) -> bool:
        wall, newest, hold = self._moment(number, fresh)
        processor = keeper.processor
        return processor.has_caught_up(newest) and processor.owes_news(wall, newest, hold=hold)

    def _has_news(self, number: int, keeper: Keeper, fresh: Mapping[TP, Fresh]) -> bool:
        wall, newest, hold = self._moment(number, fresh)
        return keeper.processor.has_news(wall, newest, hold=hold)

    async def tick(self, fresh: Mapping[TP, Fresh], wanted: Wanted = Wanted.ALL) -> None:
        """Tick live partitions; when this returns each tick is durable, its outputs written.

        Unless it is all that are `wanted`, nobody waits for one whose snapshot is being made.

        Raises:
            OutputError: outputs cannot be written.
            LogRefusedError: a log became shorter than what was acknowledged.
        """
        began = self.clock()
        try:
            numbers = [
                number
                for number, keeper in self._keepers.items()
                if wanted is Wanted.ALL or self._is_wanted(wanted, number, keeper, fresh)
            ]
            await _all(self._tick_one(number, fresh) for number in numbers)
        finally:
            self.watch.waited(began, self.clock())
        soon = self.clock() + SOON
        # What no tick has looked at yet has set no deadline.
        busy = any(each.unticked or each.expects(soon) for each in self.owned.values())
        self._calm_until = 0 if busy else soon

    def _is_wanted(
        self, wanted: Wanted, number: int, keeper: Keeper, fresh: Mapping[TP, Fresh]
    ) -> bool:
        if keeper.is_in_snapshot:
            return False
        if wanted is Wanted.BREACHES:
            return self._owes_news(number, keeper, fresh)
        if wanted is Wanted.MUCH:
            return keeper.processor.unticked >= MUCH
        rests = keeper.processor.rests(self.clock())
        return not rests or self._has_news(number, keeper, fresh)

    async def _tick_one(self, number: int, fresh: Mapping[TP, Fresh]) -> None:
        wall, newest, hold = self._moment(number, fresh)
        await self._kept(number, lambda keeper: keeper.tick(wall, newest, hold=hold))

    def call_off_snapshots(self) -> None:
        """Let nobody wait for a state that is still being written."""
        for keeper in self._keepers.values():
            keeper.call_off()

    async def snapshot(self, number: int, fresh: Mapping[TP, Fresh]) -> int | None:
        """Append a snapshot of a live partition and trim its log; returns its size in bytes.

        None: the partition was lost, or it was called off. Raises: as `tick`.
        """
        wall, newest, hold = self._moment(number, fresh)
        return await self._kept(number, lambda keeper: keeper.snapshot(wall, newest, hold=hold))

    def _moment(self, number: int, fresh: Mapping[TP, Fresh]) -> tuple[int, Fresh | None, bool]:
        tp, wall = TP(self.topic, number), self.clock()
        return wall, fresh.get(tp), self.watch.holds(wall, tp)

    async def _kept(
        self, number: int, work: Callable[[Keeper], Awaitable[_Result]]
    ) -> _Result | None:
        """Do `work` on a live partition; None if it is not, or no longer, ours."""
        keeper = self._keepers.get(number)
        if keeper is None:
            return None
        try:
            return await work(keeper)
        except (FencedError, AppendUnknownError) as error:
            self._lose(number, keeper, error)
        except LogDamagedError as error:
            raise LogRefusedError(self._log_topic, number, str(error)) from None
        return None

    def _lose(self, number: int, keeper: Keeper, error: Exception) -> None:
        self.lost_count += 1
        log.warning("partition %s is loaded again: %s", number, error)
        for known in (self._keepers, self._parked):
            if known.get(number) is keeper:
                del known[number]
        if number in self.assigned_at:
            self.lost.add(number)

    async def recover(self) -> None:
        """Load what was lost, if the group confirms that this worker is still a member.

        Raises: as `take`.
        """
        turn = self._round
        if not self.lost or not await self._ports.is_member():
            return
        for number in sorted(self.lost):
            await self._take_one(number, None, turn)
            keeper = self._keepers.get(number)
            if keeper is not None:
                await self._ports.seek(number, keeper.processor.next_offset)

    @property
    def crowded(self) -> bool:
        """Whether the outputs in memory should be written before more is read."""
        unticked = sum([each.processor.unticked for each in self._keepers.values()])
        return unticked > UNTICKED_LIMIT

    def seek_targets(self) -> dict[TP, int]:
        """Return where reading goes on, for each live partition."""
        return {TP(self.topic, n): each.next_offset for n, each in self.owned.items()}

    def committable(self) -> dict[TP, int]:
        """Return the offsets below which everything is covered by a durable tick."""
        durable = ((n, each.durable_offset) for n, each in self.owned.items())
        own = {TP(self.topic, n): offset for n, offset in durable if offset is not None}
        return {**own, **self.side_offsets}


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """Wait for all of `works`, then raise the first error among them."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
