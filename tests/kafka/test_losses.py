"""Going on would lose counts: refused, or accepted, counted and never met again."""

import asyncio

import pytest
from keepers import centre, feed, grow, load, wire
from log_in_memory import MemoryLog, MemoryPorts
from truths import truths

from streams.kafka.errors import LogRefusedError
from streams.kafka.keeper import Keeper
from streams.kafka.ledgerlog.records import End, Tick, encode

EVENTS = centre()
NOW = EVENTS[-1].at
GHOST = Tick(9, -1, ((9, 9),), 9)
"""Of an owner before all those whose epochs are still in the log."""


def shown(keeper: Keeper) -> int:
    return truths([keeper.processor.exported.totals]).total()


def test_what_cannot_be_rebuilt_is_refused_with_one_line() -> None:
    """It names the partition, says why, and what can be done."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS)
        del ports.source(0).rows[-1:]
        with pytest.raises(LogRefusedError) as caught:
            await load(ports)
        told = str(caught.value)
        assert told.startswith("callcenter.ledger, partition 0: the source ends at")
        assert "--accept-loss" in told
        assert "\n" not in told

    asyncio.run(work())


def test_a_log_that_does_not_reach_the_commit_is_refused() -> None:
    """Offsets are committed after their tick is durable, so ticks are missing."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS[:80])
        ports.commits[0] = 80
        await load(ports)
        ports.commits[0] = 81
        with pytest.raises(LogRefusedError, match="goes to source offset 80, though 81 was"):
            await load(ports)

    asyncio.run(work())


@pytest.mark.parametrize(("first", "end"), [(50, 90), (0, 30)])
def test_a_source_that_does_not_hold_the_next_offset_is_refused(first: int, end: int) -> None:
    """Retention went past it, or the topic was made again: records would be skipped."""
    ports = MemoryPorts()

    async def work() -> None:
        keeper = await load(ports)
        await grow(keeper, ports, EVENTS[:40])
        await keeper.snapshot(NOW, None)
        source = ports.source(0)
        source.rows.clear()
        source.extend(EVENTS[:end])
        source.trim(first)
        told = f"holds offsets {first} to {end}, but 40 is the next"
        with pytest.raises(LogRefusedError, match=told):
            await load(ports)

    asyncio.run(work())


def test_an_accepted_loss_is_counted_and_begins_with_a_snapshot() -> None:
    """Whoever comes later follows from there and has nothing to accept."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS)
        log = ports.log(0)
        second = [n for n, each in enumerate(log.records()) if isinstance(each, Tick)][1]
        log.damage(second, encode(GHOST))
        with pytest.raises(LogRefusedError):
            await load(ports)
        keeper = await load(ports, accept_loss=True)
        assert keeper.processor.machine.losses == 1
        assert keeper.processor.next_offset == 40, "what it could be rebuilt to"
        assert isinstance(log.records()[-1], End)
        await feed(keeper, ports)
        again = await load(ports)
        assert again.processor.machine.losses == 1, "nothing more to accept"
        assert again.processor.machine.dump() == keeper.processor.machine.dump()

    asyncio.run(work())


def test_damage_that_was_accepted_is_not_met_again() -> None:
    """The record that nobody can read is still there, before the snapshot."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS)
        ports.log(0).damage(2, b"damaged")
        with pytest.raises(LogRefusedError, match="offset 2: a record that callsla did not"):
            await load(ports)
        keeper = await load(ports, accept_loss=True)
        await feed(keeper, ports)
        again = await load(ports)
        assert again.processor.machine.dump() == keeper.processor.machine.dump()

    asyncio.run(work())


def test_a_ghost_does_not_prevent_the_snapshot_of_an_accepted_loss() -> None:
    """Without it the next owner would meet the loss again."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS)
        ports.log(0).damage(2, encode(GHOST))
        ports.log(0).on_append = [[], [GHOST], [GHOST]]
        await load(ports, accept_loss=True)
        assert isinstance(ports.log(0).records()[-1], End)
        await load(ports)

    asyncio.run(work())


def test_after_an_accepted_loss_everything_the_source_holds_is_counted_again() -> None:
    """Of a log that is gone nothing is missing as long as the source has all of it."""
    ports = MemoryPorts()

    async def work() -> None:
        keeper = await load(ports)
        await grow(keeper, ports, EVENTS)
        ports.commits[0] = len(EVENTS)
        ports.logs[0] = MemoryLog()
        with pytest.raises(LogRefusedError, match="goes to source offset 0"):
            await load(ports)
        again = await load(ports, accept_loss=True)
        await feed(again, ports)
        lost, counted = shown(keeper), shown(again)
        assert counted == lost > 0

    asyncio.run(work())


def test_outputs_of_the_last_tick_are_written_before_an_accepted_loss_is_sealed() -> None:
    """Nobody writes again what lies before a snapshot."""
    ports = MemoryPorts()

    async def work() -> None:
        await grow(await load(ports), ports, EVENTS)
        last = ports.outputs.written.pop()
        ports.commits[0] = len(EVENTS) + 1
        await load(ports, accept_loss=True)
        assert wire(ports.outputs.written[-1:]) == wire([last])

    asyncio.run(work())
