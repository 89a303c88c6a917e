"""While the state of a partition is written, everything goes on."""

import asyncio
from collections.abc import Awaitable, Callable

from assignments import assignment, calls, take_in, tick_count
from log_in_memory import MemoryPorts

from streams.kafka.assignment import Assignment, Wanted
from streams.kafka.batch import Batch

MANY = 2000
"""calls, so that their state is written in more than one turn"""


def with_many_calls(
    work: Callable[[Assignment, MemoryPorts, "asyncio.Task[int | None]"], Awaitable[None]],
) -> MemoryPorts:
    """Do `work` while the state of partition 0 of two is being written."""
    ports = MemoryPorts()
    ports.source(0).extend(calls(MANY))

    async def all_of_it() -> None:
        one = assignment(ports)
        await one.take([0, 1])
        take_in(one, ports)
        writing = asyncio.ensure_future(one.snapshot(0, {}))
        while tick_count(ports.log(0)) == 0:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
        assert one.keepers[0].is_in_snapshot
        await work(one, ports, writing)

    asyncio.run(all_of_it())
    return ports


def more(ports: MemoryPorts, number: int) -> Batch:
    """Let so many calls come to partition 0; returns the batch that was fetched then."""
    source = ports.source(0)
    end = source.end
    source.extend(calls(number, first=end))
    return source.batch(end, source.end, 0)


def test_what_comes_meanwhile_is_applied_at_once() -> None:
    """The state that is written is that of the tick before; the next owner reads the rest."""

    async def work(
        one: Assignment, ports: MemoryPorts, writing: "asyncio.Task[int | None]"
    ) -> None:
        assert one.apply(more(ports, 10)) is None
        assert one.owned[0].next_offset == MANY + 10
        assert not writing.done()
        assert await writing

    ports = with_many_calls(work)

    async def load_again() -> None:
        two = assignment(MemoryPorts(ports), name="two")
        await two.take([0])
        assert two.owned[0].next_offset == MANY
        assert two.owned[0].machine.losses == 0

    asyncio.run(load_again())


def test_other_partitions_go_on() -> None:
    """Their batches are applied, and their ticks wait for nobody."""

    async def work(
        one: Assignment, ports: MemoryPorts, writing: "asyncio.Task[int | None]"
    ) -> None:
        ports.source(1).extend(calls(3))
        batch = ports.source(1).batch(0, 3, 1)
        one.apply(batch)
        await one.tick({}, Wanted.NEWS)
        assert tick_count(ports.log(1)) == 1
        assert not writing.done()
        assert await writing

    with_many_calls(work)


def test_nobody_waits_for_it_before_a_hand_over() -> None:
    """The state is given up; the tick before it counts, and so does the last one."""

    async def work(
        one: Assignment, ports: MemoryPorts, writing: "asyncio.Task[int | None]"
    ) -> None:
        one.call_off_snapshots()
        await one.tick({})
        assert await writing is None
        assert tick_count(ports.log(0)) == 2

    with_many_calls(work)
