"""From the log and the source back to the state; refused when it would be another one."""

import asyncio
from collections.abc import Callable
from functools import cache
from zlib import crc32

from keepers import centre, feed, grow, load
from log_in_memory import MemoryLog, MemoryPorts, MemorySource
from records import TOPIC

from streams.instants import SECOND
from streams.kafka.ledgerlog.machine import Machine
from streams.kafka.ledgerlog.ports import LogStore
from streams.kafka.ledgerlog.rebuild import Rebuilt, read_history, rebuild
from streams.kafka.ledgerlog.records import Chunk, End, Epoch, Tick, encode
from streams.ledger import QueueRules, Rules

EVENTS = centre()
TICKS = -(-len(EVENTS) // 40)
OTHER = Rules(default=QueueRules(answer_target=5 * SECOND))


async def rebuilt_from(
    log: LogStore, source: MemorySource, followed: Callable[[Tick, Machine], None] | None = None
) -> Rebuilt:
    """Rebuild as the auditor does."""
    _, end = await log.bounds()
    history = await read_history(log, end)
    return await rebuild(history, source, TOPIC, 0, Rules(), followed)


def lived(first: int = 0, *, snapshots: int = 0) -> tuple[MemoryPorts, bytes]:
    """Return the world after an owner has worked in it, and the state it came to."""
    ports = MemoryPorts()
    ports.sources[0] = MemorySource(first=first)

    async def work() -> bytes:
        keeper = await load(ports)
        parts = snapshots + 1
        size = -(-len(EVENTS) // parts)
        for number in range(parts):
            await grow(keeper, ports, EVENTS[number * size : (number + 1) * size])
            if number < snapshots:
                wall = ports.source(0).rows[-1].timestamp * 1000
                await keeper.snapshot(wall, None)
        return keeper.processor.machine.dump()

    return ports, asyncio.run(work())


def ticks_at(log: MemoryLog) -> list[int]:
    """Return the offsets of the ticks."""
    return [n for n, each in enumerate(log.records(), log.first) if isinstance(each, Tick)]


def rebuild_in(ports: MemoryPorts) -> Rebuilt:
    return asyncio.run(rebuilt_from(ports.log(0), ports.source(0)))


@cache
def whole_state() -> bytes:
    return lived()[1]


def test_from_nothing_but_the_log_and_the_source() -> None:
    """Every tick is followed, and the state is the same bytes."""
    ports, state = lived()
    seen: list[tuple[int, int, int]] = []

    def followed(tick: Tick, machine: Machine) -> None:
        seen.append((tick.number, machine.hash, tick.hash))

    found = asyncio.run(rebuilt_from(ports.log(0), ports.source(0), followed))
    assert (found.loss, found.ticks) == (None, TICKS)
    assert found.machine.dump() == state
    assert [number for number, _, _ in seen] == list(range(1, TICKS + 1))
    assert all(ours == theirs for _, ours, theirs in seen)


def test_from_the_newest_snapshot() -> None:
    """The source is read only from there, and the state is the same as without it."""
    ports, state = lived(snapshots=2)
    found = rebuild_in(ports)
    assert found.machine.dump() == state
    ((first, end),) = ports.source(0).reads
    assert 0 < first < end == len(EVENTS)
    assert found.ticks < TICKS


def test_a_snapshot_at_the_end_needs_no_source() -> None:
    """Nothing is read, and no output can be missing."""
    ports, _ = lived()

    async def work() -> bytes:
        keeper = await load(ports)
        await keeper.snapshot(0, None)
        return keeper.processor.machine.dump()

    state = asyncio.run(work())
    ports.source(0).reads.clear()
    found = rebuild_in(ports)
    assert (found.machine.dump(), found.loss, found.last) == (state, None, None)
    assert ports.source(0).reads == []


def test_a_source_that_begins_above_zero() -> None:
    """Retention had cut it before the first owner came: the first tick says where it began."""
    ports, state = lived(first=7000)
    found = rebuild_in(ports)
    assert (found.loss, found.machine.dump()) == (None, state)
    assert found.machine.next_offset == 7000 + len(EVENTS)
    assert found.machine.number == TICKS


def test_offsets_without_a_record_are_no_loss() -> None:
    """Control records and compaction leave such."""
    ports = MemoryPorts()
    source = ports.source(0)
    for number, event in enumerate(EVENTS[:30]):
        source.extend([event])
        source.rows[-1] = source.rows[-1]._replace(offset=5 * number)

    async def work() -> bytes:
        keeper = await load(ports)
        await feed(keeper, ports)
        return keeper.processor.machine.dump()

    assert asyncio.run(work()) == rebuild_in(ports).machine.dump()


def test_a_partition_where_nothing_ever_happened() -> None:
    """An empty log and an empty source are a fresh state, not a loss."""
    found = rebuild_in(MemoryPorts())
    assert (found.loss, found.last, found.machine.number) == (None, None, 0)


def test_a_change_of_rules_between_owners_is_followed() -> None:
    """Each stretch is judged by the rules its owner was told, also by a reader who has others."""
    ports = MemoryPorts()

    async def work() -> bytes:
        half = len(EVENTS) // 2
        await grow(await load(ports), ports, EVENTS[:half])
        keeper = await load(ports, OTHER)
        await grow(keeper, ports, EVENTS[half:])
        return keeper.processor.machine.dump()

    state = asyncio.run(work())
    found = rebuild_in(ports)
    assert (found.loss, found.machine.dump(), found.machine.rules) == (None, state, OTHER)
    assert state != whole_state()


def test_a_source_that_was_trimmed_below_the_snapshot_is_enough() -> None:
    """What is in the snapshot is not needed any more."""
    ports, state = lived(snapshots=1)
    rebuild_in(ports)
    ((first, _),) = ports.source(0).reads
    ports.source(0).trim(first)
    found = rebuild_in(ports)
    assert (found.loss, found.machine.dump()) == (None, state)


def test_a_source_that_was_trimmed_above_the_snapshot_is_refused() -> None:
    """Retention has overtaken the log."""
    ports, _ = lived(snapshots=1)
    rebuild_in(ports)
    ((first, _),) = ports.source(0).reads
    ports.source(0).trim(first + 1)
    found = rebuild_in(ports)
    told = f"the source begins at offset {first + 1}, the ticks need it from {first}"
    assert found.loss == told
    assert (found.ticks, found.machine.next_offset) == (0, first)


def test_a_source_that_is_shorter_than_the_ticks_is_refused() -> None:
    """The topic was made again, or lost what had been read from it."""
    ports, _ = lived()
    del ports.source(0).rows[-1:]
    end = len(EVENTS) - 1
    assert rebuild_in(ports).loss == f"the source ends at {end}, the ticks went to {end + 1}"


def test_another_hash_is_refused() -> None:
    """A record of the source that is not what it was."""
    ports, _ = lived()
    rows = ports.source(0).rows
    rows[50] = rows[50]._replace(value=b"{")
    found = rebuild_in(ports)
    assert found.loss == "tick 2 (source offset 80) has another hash"
    assert found.last is None


def test_a_hole_in_the_ticks_is_refused() -> None:
    """Here a broker lost one: what lies before it is still followed."""
    ports, _ = lived()
    log = ports.log(0)
    third = ticks_at(log)[2]
    log.damage(third, encode(Tick(3, -1, ((0, 0),), 0)))
    found = rebuild_in(ports)
    assert (found.loss, found.ticks) == ("tick 4 follows tick 2", 2)
    assert found.machine.next_offset == 80


def test_a_damaged_record_is_refused_where_it_lies() -> None:
    """The state is that of the tick before; its outputs are not known to be missing."""
    ports, _ = lived()
    log = ports.log(0)
    third = ticks_at(log)[2]
    log.damage(third, b"CL\x01?")
    found = rebuild_in(ports)
    assert found.loss is not None
    assert found.loss.startswith(f"offset {third}: a damaged record")
    assert (found.machine.number, found.last) == (2, None)


def test_a_damaged_snapshot_falls_back_to_the_one_before() -> None:
    """As far towards the whole state as can be come, and it says that it is not the whole."""
    ports, _ = lived(snapshots=2)
    log = ports.log(0)
    chunk = max(n for n, each in enumerate(log.records()) if isinstance(each, Chunk))
    newest = log.records()[chunk]
    assert isinstance(newest, Chunk)
    log.damage(chunk, encode(Chunk(newest.epoch, newest.index, newest.data[:-1] + b"?")))
    found = rebuild_in(ports)
    assert found.loss == f"the snapshot of epoch {newest.epoch} is not what was written"
    assert found.ticks > 0


def test_a_snapshot_of_another_program_is_refused() -> None:
    """Its checksum is right, but it is no state."""
    log = MemoryLog()
    data = b"no state"
    log.intrude(Epoch(Rules(), "1", "one", 0), Chunk(0, 0, data), End(0, 1, crc32(data)))
    found = asyncio.run(rebuilt_from(log, MemorySource()))
    assert found.loss is not None
    assert found.loss.startswith("a snapshot that cannot be read")


def test_a_trimmed_log_without_a_snapshot_is_refused() -> None:
    """Somebody else than an owner has deleted from it."""
    ports, _ = lived()
    asyncio.run(ports.log(0).trim(3))
    assert rebuild_in(ports).loss == "the log begins at offset 3 without a complete snapshot"


def test_the_state_follows_from_what_a_trimmed_log_still_holds() -> None:
    """An owner trims below the last but one snapshot."""
    ports, state = lived(snapshots=2)
    snapshots = [e.epoch for e in ports.log(0).records() if isinstance(e, End)]
    asyncio.run(ports.log(0).trim(snapshots[0]))
    found = rebuild_in(ports)
    assert (found.loss, found.machine.dump()) == (None, state)
