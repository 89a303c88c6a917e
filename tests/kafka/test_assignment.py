"""Owned partitions: taken over, kept over rebalances, given up, taken again."""

import asyncio

import pytest
from assignments import BASE, assignment, calls, epochs, take_in, tick_count
from faust.types import TP
from keepers import rest
from log_in_memory import LOG_TOPIC, Clock, MemoryLog, MemoryPorts
from records import TOPIC

from streams.instants import SECOND
from streams.kafka.assignment import UNTICKED_LIMIT
from streams.kafka.batch import Fresh
from streams.kafka.clock import HOLD, SESSION
from streams.kafka.errors import LogRefusedError


def test_a_new_partition_is_read_from_its_first_record() -> None:
    """Nobody has counted anything of it yet."""
    ports = MemoryPorts()
    ports.source(2).first = 40
    one = assignment(ports)
    asyncio.run(one.take([2]))
    assert one.seek_targets() == {TP(TOPIC, 2): 40}
    assert list(one.recovery_seconds) == [2]


def test_nothing_is_committed_before_the_first_durable_tick() -> None:
    """Not even where reading began: to the next owner, ticks up to there would be missing."""
    ports = MemoryPorts()
    ports.source(2).first = 40

    async def work() -> None:
        one = assignment(ports)
        await one.take([2])
        assert one.committable() == {}
        await one.tick({})
        assert one.committable() == {TP(TOPIC, 2): 40}

    asyncio.run(work())


def test_a_partition_goes_on_where_its_last_owner_was() -> None:
    """Whatever the group has committed, which may be less."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(5))

    async def work() -> None:
        former = assignment(ports)
        await former.take([0])
        take_in(former, ports)
        await former.tick({})
        one = assignment(MemoryPorts(ports), name="two")
        await one.take([0])
        assert one.seek_targets() == {TP(TOPIC, 0): 5}
        assert one.owned[0].exported.fates["applied"] == 5

    asyncio.run(work())


def test_a_partition_that_comes_back_is_kept_without_a_new_epoch() -> None:
    """Every join of a worker takes all partitions away for a moment."""
    ports = MemoryPorts()
    for number in (0, 1):
        ports.source(number).extend(calls(5))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0, 1])
        take_in(one, ports)
        await one.tick({})
        kept = one.owned[0]
        take_in(one, ports, 1)
        one.revoke()
        assert (one.seek_targets(), one.committable()) == ({}, {})
        await one.take([0, 2])
        assert one.owned[0] is kept
        assert one.seek_targets() == {TP(TOPIC, 0): 5, TP(TOPIC, 2): 0}
        assert epochs(ports.log(0)) == 1
        assert sorted(one.recovery_seconds) == [0, 2]

    asyncio.run(work())


def test_what_was_applied_since_the_last_tick_is_kept_too() -> None:
    """The records are not read again if the partition comes back."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(5))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        take_in(one, ports)
        one.revoke()
        await one.take([0])
        assert one.seek_targets() == {TP(TOPIC, 0): 5}
        assert one.committable() == {}
        await one.tick({})
        assert one.committable() == {TP(TOPIC, 0): 5}

    asyncio.run(work())


def test_a_partition_that_was_elsewhere_meanwhile_is_loaded_again() -> None:
    """It came back, but another worker has counted in between."""
    ports = MemoryPorts()

    async def work() -> None:
        one, two = assignment(ports), assignment(MemoryPorts(ports), name="two")
        await one.take([0])
        one.revoke()
        await two.take([0])
        ports.source(0).extend(calls(3))
        take_in(two, ports)
        await two.tick({})
        await one.take([0])
        assert one.owned[0].exported.fates["applied"] == 3
        assert epochs(ports.log(0)) == 3

    asyncio.run(work())


def test_a_partition_that_went_elsewhere_is_not_kept_beyond_one_assignment() -> None:
    """Memory follows what is owned."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0, 1])
        kept = one.owned[0]
        await one.take([1])
        await one.take([0, 1])
        assert one.owned[0] is not kept
        assert (epochs(ports.log(0)), epochs(ports.log(1))) == (2, 1)

    asyncio.run(work())


def test_a_batch_of_a_foreign_partition_is_dropped() -> None:
    """It may come late, after the partition was given up."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(5))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        one.revoke()
        assert take_in(one, ports) is None
        await one.tick({})
        assert tick_count(ports.log(0)) == 0

    asyncio.run(work())


def test_missing_records_are_asked_for() -> None:
    """The answer is the offset to read again from."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(15))
    one = assignment(ports)
    asyncio.run(one.take([0]))
    assert one.apply(ports.source(0).batch(10, 15)) == 0


def test_only_what_a_durable_tick_covers_is_committed_and_shown() -> None:
    """The offset of the group follows the log."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(5))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        take_in(one, ports)
        ports.log(0).open.clear()
        ticking = asyncio.ensure_future(one.tick({TP(TOPIC, 0): Fresh(BASE, 5)}))
        await rest()
        assert one.committable() == {}
        assert one.owned[0].exported.fates["applied"] == 0
        ports.log(0).open.set()
        await ticking
        assert one.committable() == {TP(TOPIC, 0): 5}
        assert one.owned[0].exported.fates["applied"] == 5

    asyncio.run(work())


def test_a_slow_log_does_not_hold_up_the_others() -> None:
    """Partitions tick side by side."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0, 1])
        ports.log(0).open.clear()
        ticking = asyncio.ensure_future(one.tick({}))
        await rest()
        assert one.keepers[1].ticks_since_snapshot == 1
        assert not ticking.done()
        ports.log(0).open.set()
        await ticking

    asyncio.run(work())


def test_a_log_that_cannot_be_followed_stops_the_worker() -> None:
    """At a load and at a tick; the text names the topic and the partition."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        await one.tick({})
        ports.log(0).values.clear()
        with pytest.raises(LogRefusedError, match=f"{LOG_TOPIC}, partition 0: the log ends at"):
            await one.tick({})
        ports.logs[0], ports.commits[0] = MemoryLog(), 5
        with pytest.raises(LogRefusedError, match=f"{LOG_TOPIC}, partition 0: the log goes to"):
            await assignment(ports).take([0])

    asyncio.run(work())


def test_a_snapshot_of_a_partition_that_is_not_live_is_none() -> None:
    """It may have been lost while others had their turn."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        size = await one.snapshot(0, {})
        assert size is not None
        assert size > 0
        one.revoke()
        assert await one.snapshot(0, {}) is None

    asyncio.run(work())


@pytest.mark.parametrize("comes_back", [False, True])
@pytest.mark.parametrize(("seconds", "held"), [(SESSION / SECOND, False), (60, True)])
def test_after_a_long_absence_the_clock_is_held_back(
    seconds: float, held: bool, comes_back: bool
) -> None:
    """If nobody had the partition the sources may have been cut off too: buffers are to come."""
    ports = MemoryPorts()
    clock = Clock(BASE)
    ports.source(0).extend(calls(1))

    async def work() -> None:
        former = assignment(ports, clock)
        await former.take([0])
        take_in(former, ports)
        await former.tick({TP(TOPIC, 0): Fresh(clock(), 1)})
        former.revoke()
        clock.advance(seconds)
        one = former if comes_back else assignment(ports, clock)
        await one.take([0])
        assert one.watch.holds(clock()) is held
        clock.advance(HOLD / SECOND)
        assert not one.watch.holds(clock())

    asyncio.run(work())


@pytest.mark.parametrize(("seconds", "held"), [(0.5, False), (4, True)])
def test_the_clock_is_held_back_after_a_tick_that_waited_long(seconds: float, held: bool) -> None:
    """While a replica is missing consumers are not shown what producers have written."""
    ports = MemoryPorts()
    clock = Clock(BASE)

    async def work() -> None:
        one = assignment(ports, clock)
        await one.take([0])
        ports.log(0).open.clear()
        ticking = asyncio.ensure_future(one.tick({}))
        await rest()
        clock.advance(seconds)
        ports.log(0).open.set()
        await ticking
        assert one.watch.holds(clock()) is held

    asyncio.run(work())


def test_reading_pauses_while_too_many_outputs_wait() -> None:
    """Memory is bounded though the broker may take no outputs for a while."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(1))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        assert one.apply(ports.source(0).batch(0, UNTICKED_LIMIT + 1)) is None
        assert one.crowded
        await one.tick({})
        assert not one.crowded

    asyncio.run(work())
