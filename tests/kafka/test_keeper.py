"""One owned partition with its log: what is shown of it is durable, and nothing is lost."""

import asyncio
from contextlib import suppress

import pytest
from keepers import apply, centre, feed, grow, load, rest, wire
from log_in_memory import MemoryLog, MemoryPorts
from truths import truths

from streams.kafka.batch import Fresh
from streams.kafka.keeper import Keeper
from streams.kafka.ledgerlog.ports import AppendUnknownError
from streams.kafka.ledgerlog.records import End, Epoch, Tick
from streams.kafka.ledgerlog.writer import FencedError
from streams.ledger import Rules

EVENTS = centre()
NOW = EVENTS[-1].at


def ticks(log: MemoryLog) -> list[Tick]:
    return [each for each in log.records() if isinstance(each, Tick)]


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel `task`, as a hand-over that runs out of time does."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def shown(keeper: Keeper) -> int:
    return truths([keeper.processor.exported.totals]).total()


def test_totals_are_shown_only_after_their_tick_is_durable() -> None:
    """Until the acknowledgement nothing is shown, committable or written."""
    ports = MemoryPorts()
    ports.source(0).extend(EVENTS)

    async def work() -> None:
        keeper = await load(ports)
        ports.log(0).open.clear()
        ticking = asyncio.ensure_future(feed(keeper, ports))
        await rest()
        assert len(ticks(ports.log(0))) == 1, "it has arrived, but nobody knows"
        assert (shown(keeper), keeper.processor.durable_offset) == (0, None)
        assert ports.outputs.written == []
        ports.log(0).open.set()
        await ticking
        assert shown(keeper) > 0
        assert keeper.processor.durable_offset == len(EVENTS)
        assert len(ports.outputs.ids()) > 0

    asyncio.run(work())


def test_no_tick_follows_before_the_outputs_of_the_last_are_written() -> None:
    """Or more than one tick's outputs could be missing after a crash."""
    ports = MemoryPorts()
    ports.source(0).extend(EVENTS)

    async def work() -> None:
        keeper = await load(ports)
        ports.outputs.open.clear()
        first = asyncio.ensure_future(feed(keeper, ports))
        second = asyncio.ensure_future(feed(keeper, ports, 1))
        third = asyncio.ensure_future(keeper.snapshot(NOW, None))
        await rest()
        assert [tick.number for tick in ticks(ports.log(0))] == [1]
        assert shown(keeper) > 0, "the totals do not wait for them"
        ports.outputs.open.set()
        await asyncio.gather(first, second, third)
        assert [tick.number for tick in ticks(ports.log(0))] == [1, 2, 3]

    asyncio.run(work())


def test_the_next_owner_writes_the_outputs_of_the_last_tick_again() -> None:
    """The same bytes under the same ids, before its first tick; none of an older tick."""
    ports = MemoryPorts()

    async def work() -> None:
        keeper = await load(ports)
        await grow(keeper, ports, EVENTS)
        written = [*ports.outputs.written]
        again = await load(ports, Rules())
        assert ports.outputs.written == written
        await feed(again, ports, 1)
        (repeated, *_) = ports.outputs.written[len(written) :]
        assert wire([repeated]) == wire([written[-1]])

    asyncio.run(work())


def test_outputs_that_a_crash_prevented_come_from_the_next_owner() -> None:
    """The tick was durable, its outputs were not written: nothing is missing in the end."""
    ports, other = MemoryPorts(), MemoryPorts()
    other.source(0).extend(EVENTS)
    ports.source(0).extend(EVENTS)

    async def work() -> None:
        await feed(await load(other), other)
        keeper = await load(ports)
        ports.outputs.open.clear()
        crash = asyncio.ensure_future(feed(keeper, ports))
        await rest()
        await cancelled(crash)
        ports.outputs.open.set()
        assert ports.outputs.written == []
        await (await load(ports)).tick(NOW, None)
        assert wire(ports.outputs.written) == wire(other.outputs.written) != []

    asyncio.run(work())


def test_outputs_survive_several_owners_that_crash_before_writing_them() -> None:
    """They keep the epoch of their tick."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS)
        last = ports.outputs.written[-1]
        for _ in range(3):
            await load(ports)
        await (await load(ports, Rules())).tick(NOW, None)
        assert wire(ports.outputs.written[-1:]) == wire([last])

    asyncio.run(work())


def test_after_a_snapshot_nothing_is_written_again() -> None:
    """No snapshot is begun before the outputs of its tick are written."""
    ports = MemoryPorts()

    async def work() -> None:
        keeper = await load(ports)
        await grow(keeper, ports, EVENTS)
        assert keeper.ticks_since_snapshot > 1
        assert await keeper.snapshot(NOW, None) == len(keeper.processor.machine.dump())
        assert keeper.ticks_since_snapshot == 0
        written = len(ports.outputs.written)
        await (await load(ports)).tick(NOW, None)
        assert len(ports.outputs.written) == written

    asyncio.run(work())


def test_an_append_that_was_broken_off_makes_the_state_void() -> None:
    """Whether it arrived nobody knows: it is no more mine, and ticks no further."""
    ports = MemoryPorts()

    async def work() -> None:
        keeper = await load(ports)
        await grow(keeper, ports, EVENTS[:80])
        ports.source(0).extend(EVENTS[80:])
        ports.log(0).open.clear()
        ticking = asyncio.ensure_future(feed(keeper, ports))
        await rest()
        await cancelled(ticking)
        ports.log(0).open.set()
        assert keeper.is_void
        assert not await keeper.is_mine()
        assert keeper.processor.durable_offset == 80
        with pytest.raises(AppendUnknownError):
            await keeper.tick(NOW, None)
        again = await load(ports)
        assert again.processor.durable_offset == len(EVENTS), "it had arrived"

    asyncio.run(work())


def test_a_tick_that_waits_behind_a_broken_off_append_does_not_go_on() -> None:
    """A reader would find a hole, or the same number twice."""
    ports = MemoryPorts()
    ports.source(0).extend(EVENTS)

    async def work() -> None:
        keeper = await load(ports)
        ports.log(0).open.clear()
        first = asyncio.ensure_future(feed(keeper, ports))
        second = asyncio.ensure_future(keeper.tick(NOW, None))
        await rest()
        await cancelled(first)
        ports.log(0).open.set()
        with pytest.raises(AppendUnknownError):
            await second
        assert [tick.number for tick in ticks(ports.log(0))] == [1]

    asyncio.run(work())


@pytest.mark.parametrize("arrives", [True, False])
def test_a_tick_without_an_answer_counts_if_it_arrived(arrives: bool) -> None:
    """The owner gives up; the next one finds out, and counts the same either way."""
    ports, other = MemoryPorts(), MemoryPorts()

    async def work() -> None:
        await grow(await load(other), other, EVENTS, size=len(EVENTS))
        keeper = await load(ports)
        ports.source(0).extend(EVENTS)
        ports.log(0).lost_answers, ports.log(0).lost_appends = int(arrives), int(not arrives)
        with pytest.raises(AppendUnknownError):
            await feed(keeper, ports)
        assert not await keeper.is_mine()
        assert ports.outputs.written == []
        again = await load(ports)
        assert again.processor.machine.number == int(arrives)
        await feed(again, ports)
        assert set(ports.outputs.ids()) == set(other.outputs.ids())

    asyncio.run(work())


def test_writing_outputs_that_was_broken_off_is_made_good() -> None:
    """The partition stays mine: what the last tick brought comes before the next tick."""
    ports = MemoryPorts()
    ports.source(0).extend(EVENTS)

    async def work() -> None:
        keeper = await load(ports)
        ports.outputs.open.clear()
        ticking = asyncio.ensure_future(feed(keeper, ports))
        await rest()
        await cancelled(ticking)
        assert not keeper.is_void
        assert await keeper.is_mine()
        ports.outputs.open.set()
        await keeper.tick(NOW, None)
        assert len(ports.outputs.ids()) == len(set(ports.outputs.ids())) > 0
        assert keeper.processor.durable_offset == len(EVENTS)

    asyncio.run(work())


def test_a_replaced_owner_shows_and_writes_nothing_more() -> None:
    """Its tick lies behind another epoch."""
    ports = MemoryPorts()
    ports.source(0).extend(EVENTS)

    async def work() -> None:
        zombie = await load(ports)
        successor = await load(ports)
        assert not await zombie.is_mine()
        with pytest.raises(FencedError):
            await feed(zombie, ports)
        assert (shown(zombie), ports.outputs.written) == (0, [])
        await feed(successor, ports)
        assert shown(successor) > 0
        again = await load(ports)
        assert again.processor.machine.dump() == successor.processor.machine.dump()

    asyncio.run(work())


def test_a_cancelled_snapshot_makes_the_state_void_and_does_not_exist() -> None:
    """Its epoch may be in force: only a new owner can tell."""
    ports = MemoryPorts()

    async def work() -> None:
        keeper = await load(ports)
        await grow(keeper, ports, EVENTS)
        end = ports.log(0).end
        snapshotting = asyncio.ensure_future(keeper.snapshot(NOW, None))
        while ports.log(0).end < end + 3:  # noqa: ASYNC110 - tick, epoch, chunk
            await asyncio.sleep(0)
        snapshotting.cancel()
        with suppress(asyncio.CancelledError):
            await snapshotting
        assert keeper.is_void
        state = keeper.processor.machine.dump()
        assert not [each for each in ports.log(0).records() if isinstance(each, End)]
        again = await load(ports)
        assert again.processor.machine.dump() == state

    asyncio.run(work())


def test_rules_of_a_new_owner_hold_from_its_epoch() -> None:
    """They stand in the log, so every reader judges alike."""
    ports = MemoryPorts()
    other = Rules(grace=0)

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS[:80])
        keeper = await load(ports, other)
        assert keeper.processor.machine.rules == other
        await grow(keeper, ports, EVENTS[80:])
        again = await load(ports, other)
        assert again.processor.machine.dump() == keeper.processor.machine.dump()

    asyncio.run(work())
    epochs = [each.rules for each in ports.log(0).records() if isinstance(each, Epoch)]
    assert epochs == [Rules(), other, other]


def test_what_is_known_of_freshness_does_not_enter_the_state() -> None:
    """Two owners that fetched differently, with the same ticks, have the same state."""
    states = []
    for highwater in (len(EVENTS), len(EVENTS) + 5):
        ports = MemoryPorts()
        ports.source(0).extend(EVENTS)

        async def work(ports: MemoryPorts = ports, highwater: int = highwater) -> bytes:
            keeper = await load(ports)
            apply(keeper, ports)
            await keeper.tick(NOW, Fresh(NOW, highwater))
            return keeper.processor.machine.dump()

        states.append(asyncio.run(work()))
    assert states[0] == states[1]
