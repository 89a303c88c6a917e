"""The worker's side of the fakes: the log, the source and the outputs as one process has them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

from cluster import APPEND_SECONDS, TOPIC, Cluster
from virtual_loop import Process

from streams import promise_events
from streams.kafka.batch import Batch
from streams.kafka.errors import OutputError
from streams.kafka.keeper import Fruits
from streams.kafka.ledgerlog.ports import AppendUnknownError
from streams.kafka.ledgerlog.records import LogDamagedError

__all__ = ["SimulatedLog", "SimulatedOutputs", "SimulatedSource"]


class SimulatedLog:
    """One partition of the log (`LogStore`)."""

    def __init__(self, cluster: Cluster, partition: int, process: Process) -> None:
        self._cluster = cluster
        self._partition = partition
        self._log = cluster.logs[partition]
        self._process = process

    async def bounds(self) -> tuple[int, int]:
        """See `LogStore`."""
        found: tuple[int, int] = await self._cluster.reply(lambda: (self._log.first, self._log.end))
        return found

    async def append(self, values: Sequence[bytes]) -> int:
        """See `LogStore`."""
        done: asyncio.Future[int] = self._cluster.loop.create_future()
        self._cluster.receive(self._partition, values, self._process, done)
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                return await done
        except TimeoutError:
            raise AppendUnknownError("no acknowledgement") from None

    async def read(self, first: int, end: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """See `LogStore`."""
        chance, position = self._cluster.chance, first
        while position < end:
            upto = min(end, position + chance.choice((1, 7, 1000)))
            portion = await self._cluster.reply(partial(self._log.held, position, upto))
            if portion is None:
                raise LogDamagedError(f"the log does not hold offset {position} any more")
            yield portion
            position = upto

    async def trim(self, below: int) -> bool:
        """See `LogStore`."""
        if self._cluster.plan.trim_refused:
            return False
        await self._cluster.reply(lambda: self._cut(below))
        return True

    def _cut(self, below: int) -> None:
        self._cluster.note("trim", f"log {self._partition} below {below}")
        self._log.first = max(self._log.first, below)


class SimulatedSource:
    """One partition of the events (`Source`)."""

    def __init__(self, cluster: Cluster, partition: int) -> None:
        self._cluster = cluster
        self._partition = partition
        self._events = cluster.events[partition]

    async def bounds(self) -> tuple[int, int]:
        """See `Source`."""
        events = self._events
        found: tuple[int, int] = await self._cluster.reply(lambda: (events.first, events.end))
        return found

    async def read(self, first: int, end: int) -> AsyncIterator[Batch]:
        """See `Source`."""
        position = first
        while position < end:
            upto = min(end, position + self._cluster.chance.choice((1, 5, 1000)))
            records = await self._cluster.reply(partial(self._events.between, position, upto))
            if position < self._events.first:
                raise LogDamagedError(f"the source does not hold offset {position} any more")
            yield Batch(TOPIC, self._partition, records, upto)
            position = upto


class SimulatedOutputs:
    """Writes promise events and dead letters of one process (`OutputWriter`)."""

    def __init__(self, cluster: Cluster, process: Process) -> None:
        self._cluster = cluster
        self._process = process

    async def write(self, fruits: Fruits) -> None:
        """See `OutputWriter`: one acknowledged record after the other."""
        cluster = self._cluster
        for letter in fruits.dead_letters:
            place = (letter.partition, letter.record.offset)
            await self._acknowledged()
            cluster.letters.add(place)
        size = cluster.chance.choice((1, 4, 1000))
        for start in range(0, len(fruits.changes), size):
            await self._acknowledged()
            for change in fruits.changes[start : start + size]:
                event = promise_events.from_change(change, fruits.epoch)
                key = (f"{fruits.partition}/{event.id}", fruits.epoch)
                cluster.promises[key].add(promise_events.encode(event))

    async def _acknowledged(self) -> None:
        cluster = self._cluster
        if cluster.strikes(cluster.plan.failed_outputs):
            cluster.note("output refused", self._process.name)
            raise OutputError("the outputs cannot be written")
        if cluster.strikes(cluster.plan.slow_outputs):
            cluster.note("output slow", self._process.name)
            await asyncio.sleep(cluster.chance.random() * 4)
        await cluster.reply(lambda: None)
