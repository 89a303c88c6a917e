"""Partitions that were taken over, or of which nobody knows: lost, and loaded again in time."""

import asyncio
from contextlib import suppress

from assignments import assignment, calls, epochs, take_in
from keepers import rest
from log_in_memory import MemoryPorts


def test_a_fenced_partition_is_lost_and_loaded_again_only_by_a_member() -> None:
    """Two workers would take it from each other for ever if each came back by itself."""
    ports = MemoryPorts()

    async def work() -> None:
        one, two = assignment(ports), assignment(MemoryPorts(ports), name="two")
        await one.take([0, 1])
        await two.take([0])
        await one.tick({})
        assert (sorted(one.owned), one.lost, one.lost_count) == ([1], {0}, 1)
        ports.member = False
        for _ in range(3):
            await one.recover()
        assert (one.lost, epochs(ports.log(0))) == ({0}, 2)
        ports.source(0).extend(calls(3))
        take_in(two, ports)
        await two.tick({})
        assert sorted(two.owned) == [0], "nobody took it back"
        ports.member = True
        await one.recover()
        assert (sorted(one.owned), one.lost) == ([0, 1], set())
        assert ports.seeks == [(0, 3)]

    asyncio.run(work())


def test_a_tick_of_unknown_outcome_loses_the_partition_for_the_moment() -> None:
    """It is loaded again under a new epoch, and counts what had arrived."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(3))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        take_in(one, ports)
        ports.log(0).lost_answers = 1
        await one.tick({})
        assert (one.owned, one.lost) == ({}, {0})
        await one.recover()
        assert one.owned[0].exported.fates["applied"] == 3
        assert epochs(ports.log(0)) == 2

    asyncio.run(work())


def test_a_take_over_of_unknown_outcome_is_tried_again() -> None:
    """The other partitions are live meanwhile."""
    ports = MemoryPorts()
    ports.log(0).lost_appends = 2

    async def work() -> None:
        one = assignment(ports)
        await one.take([0, 1])
        assert (sorted(one.owned), one.lost) == ([1], {0})
        await one.recover()
        assert one.lost == {0}
        await one.recover()
        assert (sorted(one.owned), one.lost) == ([0, 1], set())

    asyncio.run(work())


def test_a_tick_that_was_broken_off_by_a_hand_over_voids_the_partition() -> None:
    """If it comes back, it is loaded: nobody knows whether the tick arrived."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(3))

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        take_in(one, ports)
        ports.log(0).open.clear()
        ticking = asyncio.ensure_future(one.tick({}))
        await rest()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        ports.log(0).open.set()
        one.revoke()
        await one.take([0])
        assert epochs(ports.log(0)) == 2
        assert one.owned[0].exported.fates["applied"] == 3

    asyncio.run(work())


def test_what_was_lost_is_forgotten_with_the_assignment() -> None:
    """It is not ours to load any more."""
    ports = MemoryPorts()

    async def work() -> None:
        one, two = assignment(ports), assignment(MemoryPorts(ports), name="two")
        await one.take([0])
        await two.take([0])
        await one.tick({})
        one.revoke()
        await one.recover()
        assert (one.lost, epochs(ports.log(0))) == (set(), 2)

    asyncio.run(work())


def test_a_load_that_a_rebalance_overtook_owns_nothing() -> None:
    """The partition may be somebody else's already."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        ports.log(0).open.clear()
        taking = asyncio.ensure_future(one.take([0]))
        await rest()
        one.revoke()
        ports.log(0).open.set()
        await taking
        assert (one.owned, one.lost) == ({}, set())

    asyncio.run(work())
