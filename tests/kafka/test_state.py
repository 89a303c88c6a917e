"""What a worker tells its probes."""

import asyncio
import time

import pytest
from faust.types import TP
from keepers import rest
from log_in_memory import LOG_TOPIC, Clock, MemoryPorts
from records import TOPIC

from streams.instants import SECOND
from streams.kafka import state
from streams.kafka.assignment import Assignment
from streams.kafka.batch import Fresh
from streams.kafka.state import SILENT, STUCK, WorkerState
from streams.ledger import Rules
from streams.metrics.source import Snapshotting
from streams.settings import Settings

NOW = 1_772_445_600 * SECOND


class World:
    """A worker's assignment with its clock and its ports in memory."""

    def __init__(self) -> None:
        self.ports = MemoryPorts()
        self.clock = Clock(NOW)
        self.assignment = Assignment(TOPIC, LOG_TOPIC, Rules(), self.ports, clock=self.clock)
        self.state = WorkerState(Settings(), Rules(), self.assignment)

    async def take(self, *numbers: int) -> None:
        """Own `numbers` and hear from the broker."""
        await self.assignment.take(numbers)
        self.state.assigned = True
        await self.hear()

    async def hear(self) -> None:
        """Have a fetch answered that finds nothing new, and tick."""
        self.assignment.watch.succeeded(self.clock(), self.clock())
        fresh = Fresh(self.clock(), 0)
        await self.assignment.tick({TP(TOPIC, each): fresh for each in self.assignment.keepers})


def test_it_is_not_ready_before_its_first_assignment() -> None:
    """But alive: it may wait for others."""
    fresh = World().state
    assert fresh.ready() == "no broker has answered yet"
    fresh.reached = True
    assert fresh.ready() == "no partition has been assigned yet"
    assert fresh.healthy() is None


def test_it_is_ready_when_every_partition_is_loaded() -> None:
    """Before that it says which one is not, and shows no totals of it."""
    world = World()

    async def work() -> None:
        world.ports.log(1).open.clear()
        taking = asyncio.ensure_future(world.take(0, 1))
        await rest()
        world.state.assigned = True
        assert world.state.ready() == "partition 1 is being loaded from its log"
        assert (list(world.state.partitions), world.state.loading) == ([0], [1])
        world.clock.advance(3)
        world.ports.log(1).open.set()
        await taking
        assert world.state.ready() is None
        assert (sorted(world.state.partitions), world.state.loading) == ([0, 1], [])
        assert world.state.recovery_seconds == {0: 0, 1: 3}

    asyncio.run(work())


def test_it_is_not_ready_while_a_partition_is_lost() -> None:
    """Its series vanish until it is exact again."""
    world = World()

    async def work() -> None:
        await world.take(0, 1)
        world.ports.log(1).lost_answers = 1
        await world.hear()
        assert world.state.ready() == "partition 1 is being loaded from its log"
        assert list(world.state.partitions) == [0]
        await world.assignment.recover()
        await world.hear()
        assert world.state.ready() is None

    asyncio.run(work())


def test_a_worker_without_partitions_is_ready() -> None:
    """There may be more workers than partitions."""
    world = World()
    asyncio.run(world.take())
    assert world.state.ready() is None


def test_a_broker_that_does_not_answer_makes_it_unready_and_later_unhealthy() -> None:
    """Both say since when."""
    world = World()

    async def work() -> None:
        await world.take(0)
        world.clock.advance(SILENT / SECOND + 1)
        assert world.state.ready() == f"no answer from the broker for {SILENT // SECOND + 1} s"
        assert world.state.healthy() is None
        world.clock.advance((STUCK - SILENT) / SECOND)
        assert world.state.healthy() == f"no answer from the broker for {STUCK // SECOND + 1} s"

    asyncio.run(work())


def test_a_worker_whose_ticks_stopped_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is what counts, not that the process is there."""
    world = World()
    asyncio.run(world.take(0))
    world.state.ticked(0.01)
    assert world.state.healthy() is None
    assert (world.state.ticks, world.state.tick_seconds.count) == (1, 1)
    monkeypatch.setattr(state, "STUCK", 0)
    assert world.state.healthy() == "no tick for 0 s"


def test_the_newest_snapshot_of_each_partition_is_told() -> None:
    """The metrics read when, how long and how large."""
    one = World().state
    assert isinstance(one, Snapshotting)
    before = time.time()
    for size in (10, 20):
        one.snapshotted(3, 0.5, size)
    note = one.snapshots[3]
    assert before <= note.at <= time.time()
    assert (note.seconds, note.size_bytes) == (0.5, 20)
