"""A Faust app as the worker sees it, over the simulated group: joins, fetches, commits, seeks.

The order of its hooks is Faust's (`reference` is the transport of `streams.kafka`): revoked, join,
assigned, then the seek, and only then batches. The stamping of fetches is the worker's own code.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from cluster import TOPIC, Cluster, Record
from faust.types import TP
from group import Answer, Group, Joined
from virtual_loop import Process

from streams.kafka.app import Steps
from streams.kafka.assignment import Assignment
from streams.kafka.batch import Batch, Fresh
from streams.kafka.transport import ConsumerThread

__all__ = ["SimulatedApp"]

HEARTBEAT_SECONDS: Final = 2.0
COMMIT_SECONDS: Final = 1.0
FETCH_SECONDS: Final = 0.6


class _Position:
    """Where one assigned partition is read (aiokafka's `TopicPartitionState`)."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.highwater: int | None = None
        self.timestamp: int | None = None
        self.buffer: list[Batch] = []


class _Assigned:
    """The partitions of one generation (aiokafka's `Assignment`)."""

    def __init__(self) -> None:
        self.active = True
        self.states: dict[TP, _Position] = {}

    def state_value(self, tp: Any) -> _Position | None:
        return self.states.get(TP(*tp))


def _buffered(assigned: _Assigned, tps: Iterable[TP]) -> int:
    return sum(len(batch.records) for tp in tps for batch in assigned.states[tp].buffer)


class SimulatedApp:
    """App, reader and thread in one: the worker uses a few names of each."""

    def __init__(
        self, cluster: Cluster, group: Group, process: Process, positions: Assignment,
        steps: Steps, wall_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self.fresh: dict[TP, Fresh] = {}
        self.positions = positions
        self.watch = positions.watch
        self.generation = -1
        self.asked_at: list[float] = []
        """when fetches were sent (seconds of the run)"""
        self._cluster = cluster
        self._group = group
        self._process = process
        self._steps = steps
        self._wall_ms = wall_ms
        self._assigned = _Assigned()
        self._flowing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._hook: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._rebalancing = asyncio.Event()

    @property
    def reader(self) -> "SimulatedApp":
        """The consumer."""
        return self

    @property
    def thread(self) -> "SimulatedApp":
        """The consumer's thread."""
        return self

    async def start(self) -> None:
        """Join the group and read."""
        works = (
            self._belong(),
            self._heartbeat(),
            self._commit_often(),
            self._fetch(),
            self._hand(),
        )
        self._tasks = [asyncio.ensure_future(work) for work in works]

    async def stop(self) -> None:
        """Leave the group."""
        for task in self._tasks:
            task.cancel()
        await self._cluster.reply(lambda: self._group.leave(self._process.name))

    async def committed(self, tps: Sequence[TP]) -> dict[TP, int | None]:
        """Return the committed offset of each partition."""
        group = self._group
        found: dict[TP, int | None] = await self._cluster.reply(
            lambda: {tp: group.committed.get(tp.partition) for tp in tps}
        )
        return found

    async def is_member(self) -> bool:
        """Return whether the group accepts a commit of this worker."""
        return bool(self._assigned.states) and await self._send_commit({}) is Answer.FINE

    async def commit(self) -> None:
        """Commit what the positions say."""
        offsets = {tp.partition: offset for tp, offset in self.positions.committable().items()}
        await self._send_commit(offsets)

    async def _send_commit(self, offsets: dict[int, int]) -> Answer:
        name, generation = self._process.name, self.generation
        answer: Answer = await self._cluster.reply(
            lambda: self._group.commit(name, generation, offsets)
        )
        return answer

    async def reseek(self, tp: TP, offset: int) -> None:
        """Read partition `tp` again from `offset`."""
        self._seek_to({tp: offset})

    def _seek_to(self, targets: Mapping[TP, int]) -> None:
        for tp, offset in targets.items():
            state = self._assigned.state_value(tp)
            if state is not None:
                state.position = offset
                self.fresh.pop(tp, None)
                if not self._cluster.strikes(self._cluster.plan.stale_batches):
                    state.buffer.clear()

    async def _belong(self) -> None:
        """Be a member: join, be told, give up, for ever."""
        while True:
            generation, mine = await self._join()
            tps = {TP(TOPIC, number) for number in mine}
            await self._begin(generation, tps)
            self._hook = asyncio.ensure_future(self._tell(generation, tps))
            await self._until_rebalance(generation)
            self._flowing = False
            await self._guarded(self._steps.on_revoked())
            self._assigned.active = False
            self._assigned = _Assigned()

    async def _join(self) -> Joined:
        done: asyncio.Future[Joined] = self._cluster.loop.create_future()
        name = self._process.name
        await self._cluster.reply(lambda: self._group.join(name, name.split("/")[0], done))
        try:
            async with asyncio.timeout(20):
                return await done
        except TimeoutError:
            return await self._join()

    async def _begin(self, generation: int, tps: set[TP]) -> None:
        committed = await self.committed(sorted(tps))
        self._assigned = _Assigned()
        for tp in sorted(tps):
            self._assigned.states[tp] = _Position(committed[tp] or 0)
        self.generation = generation
        self._rebalancing = asyncio.Event()

    async def _tell(self, generation: int, tps: set[TP]) -> None:
        """Run the hook of the worker; then seek, and let batches flow."""
        await self._guarded(self._steps.on_assigned(tps))
        if generation == self.generation and not self._rebalancing.is_set():
            self._seek_to(self.positions.seek_targets())
            self._flowing = True

    async def _until_rebalance(self, generation: int) -> None:
        await self._rebalancing.wait()
        self._cluster.note("revoked", f"{self._process.name} of generation {generation}")

    async def _heartbeat(self) -> None:
        name = self._process.name
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS / 3)
            generation = self.generation
            if generation < 0:
                continue
            answer = await self._cluster.reply(partial(self._group.heartbeat, name, generation))
            if answer is not Answer.FINE and generation == self.generation:
                self._rebalancing.set()

    async def _commit_often(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            if self._flowing:
                await self.commit()

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            self._steps.fail(error)

    async def _fetch(self) -> None:
        """Ask for every partition whose records have been handed on, again and again."""
        while True:
            assigned = self._assigned
            wanted = [(tp, s.position) for tp, s in assigned.states.items() if not s.buffer]
            if not wanted:
                await asyncio.sleep(0.1)
                continue
            rows = [(tp.partition, position, 0) for tp, position in wanted]
            request = SimpleNamespace(
                topics=[(TOPIC, rows)], _min_bytes=1, _max_wait_ms=round(FETCH_SECONDS * 1000)
            )
            this: Any = SimpleNamespace(consumer=self, _fetched=partial(_buffered, assigned))
            await ConsumerThread._stamped(this, self._send, assigned, 0, request)

    async def _send(self, assigned: _Assigned, _: int, request: Any) -> bool:
        """Send one fetch; nothing comes of it while the brokers are away."""
        cluster = self._cluster
        self.asked_at.append(cluster.loop.now)
        away = cluster.away_for(self._process)
        if away:
            await asyncio.sleep(min(0.4, away) + cluster.quick())
            return False
        rows = request.topics[0][1]
        found: list[tuple[int, list[Record], int, int]] = []
        for wait in (0.0, FETCH_SECONDS):
            # As Kafka does: with nothing to give it waits as long as it may, and looks again.
            await asyncio.sleep(wait)
            # The response may wait in the socket: what it says was true when it was sent.
            found = await cluster.reply(lambda: [self._serve(row) for row in rows])
            if any(
                end > position for (_, position, _), (_, _, end, _) in zip(rows, found, strict=True)
            ):
                break
        if cluster.strikes(cluster.plan.slow_fetches):
            cluster.note("fetch slow", self._process.name)
            await asyncio.sleep(cluster.chance.random() * 1.4)
        if not assigned.active:
            return False
        return self._receive(assigned, rows, found)

    def _serve(self, row: tuple[int, int, int]) -> tuple[int, list[Record], int, int]:
        """Return a number of records of one partition, where they end, and its highwater."""
        partition, position, _ = row
        events = self._cluster.events[partition]
        # Out of range is reset to the earliest, as the consumer is set.
        position = max(position, events.first)
        size = self._cluster.chance.choice((1, 3, 10, 1000))
        records = events.between(position, events.end)
        end = records[size].offset if len(records) > size else max(position, events.end)
        return partition, records[:size], end, events.end

    def _receive(self, assigned: _Assigned, rows: Any, found: Any) -> bool:
        for (_, position, _), (partition, records, end, highwater) in zip(rows, found, strict=True):
            tp = TP(TOPIC, partition)
            state = assigned.states[tp]
            state.highwater = highwater
            state.timestamp = self._wall_ms()
            if state.position == position and end > position:
                state.buffer.append(Batch(TOPIC, partition, records, end))
                state.position = end
                self._arrived.set()
        return True

    async def _hand(self) -> None:
        """Hand on what has been fetched, one batch after the other."""
        while True:
            states = [s for s in self._assigned.states.values() if s.buffer]
            if not states or not self._flowing:
                self._arrived.clear()
                await (asyncio.sleep(0.05) if states else self._arrived.wait())
                continue
            batch = self._cluster.chance.choice(states).buffer.pop(0)
            await self._guarded(self._steps.on_events((batch,)))
