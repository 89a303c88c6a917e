"""The appender of a log: how it goes on past ghosts, and how it learns that it was replaced."""

import asyncio
from zlib import crc32

import pytest
from log_in_memory import MemoryLog

from streams.kafka.ledgerlog import writer as module
from streams.kafka.ledgerlog.history import History, Snapshot
from streams.kafka.ledgerlog.ports import AppendUnknownError
from streams.kafka.ledgerlog.records import Chunk, End, Epoch, LogDamagedError, Tick, encode
from streams.kafka.ledgerlog.writer import FencedError, LogWriter, claim
from streams.ledger import Rules

RULES = Rules()
GHOST = Tick(9, -1, ((9, 9),), 9)
"""Of an owner before all those whose epochs are still in the log."""


def tick(number: int, epoch: int = 0) -> Tick:
    return Tick(number, epoch, ((number, number),), number)


def owner() -> Epoch:
    return Epoch(RULES, "1", "other")


async def owned(log: MemoryLog) -> LogWriter:
    """Take the partition over."""
    epoch = await claim(log, RULES, "one")
    return LogWriter(log, "one", epoch, epoch + 1, ())


def history(log: MemoryLog) -> History:
    found = History(log.first)
    for offset, value in enumerate(log.values, log.first):
        found.read(offset, value)
    return found


def test_the_offset_of_the_claim_is_the_epoch() -> None:
    """Whatever others wrote before it."""
    log = MemoryLog()
    log.intrude(owner(), GHOST)

    async def work() -> None:
        one = await owned(log)
        await one.tick(tick(1, one.epoch))
        assert (one.epoch, one.next_offset) == (2, 4)

    asyncio.run(work())
    assert [each for each in history(log).entries if isinstance(each, Tick)] == [tick(1, 2)]


def test_the_record_of_a_ghost_is_passed_over() -> None:
    """It took the expected offset, but it claims nothing: the owner goes on behind it."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.on_append = [[GHOST, Epoch(RULES, "1", "zombie", claimed=0)], [GHOST]]
        await one.tick(tick(1))
        await one.tick(tick(2))
        assert one.next_offset == log.end == 6
        assert await one.is_mine()

    asyncio.run(work())
    assert [each for each in history(log).entries if isinstance(each, Tick)] == [tick(1), tick(2)]


@pytest.mark.parametrize("before", [(), (GHOST, GHOST, GHOST, GHOST)])
def test_the_epoch_of_another_worker_fences(before: tuple[Tick, ...]) -> None:
    """The tick that was just appended counts for nothing, and everyone sees that."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.on_append = [[*before, owner(), GHOST]]
        with pytest.raises(FencedError, match=f"replaced at offset {1 + len(before)}"):
            await one.tick(tick(1))

    asyncio.run(work())
    assert not [each for each in history(log).entries if isinstance(each, Tick)]


def test_a_successor_that_has_trimmed_the_log_fences() -> None:
    """A worker that was stopped for long finds nothing of what was written meanwhile."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.intrude(owner(), *(tick(n, 1) for n in range(1, 9)))
        await log.trim(7)
        assert not await one.is_mine()
        with pytest.raises(FencedError, match="below offset 7"):
            await one.tick(tick(1))

    asyncio.run(work())


def test_a_partition_is_mine_until_another_takes_it() -> None:
    """Ghosts do not change that."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.intrude(GHOST)
        assert await one.is_mine()
        await one.tick(tick(1))
        log.intrude(owner())
        assert not await one.is_mine()

    asyncio.run(work())


def test_a_new_owner_in_the_place_of_a_lost_record_is_seen() -> None:
    """After an unclean election the log may have grown again to just the expected length."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        await one.tick(tick(1))
        assert await one.is_mine()
        await one.tick(tick(2))
        log.damage(2, encode(owner()))
        assert not await one.is_mine()
        await one.tick(tick(3))
        assert not await one.is_mine()

    asyncio.run(work())


def test_a_tick_of_an_owner_whose_epoch_was_overlooked_is_damage() -> None:
    """It can only be one that took over unseen."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        await one.tick(tick(1))
        log.intrude(tick(7, 1))
        with pytest.raises(LogDamagedError, match="the beginning of its epoch 1 is missing"):
            await one.tick(tick(2))

    asyncio.run(work())


def test_a_log_shorter_than_what_was_acknowledged_is_refused() -> None:
    """The topic was made again, or a broker lost what it had confirmed."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        await one.tick(tick(1))
        log.values.pop()
        with pytest.raises(LogDamagedError, match="ends at offset 1 although 2 was acknowledged"):
            await one.is_mine()
        with pytest.raises(LogDamagedError, match="ends at offset 1 although 2 was acknowledged"):
            await one.tick(tick(2))

    asyncio.run(work())


def test_an_append_without_an_answer_says_so() -> None:
    """Whether it arrives nobody knows; the writer does not go on by itself."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.lost_answers = 1
        with pytest.raises(AppendUnknownError):
            await one.tick(tick(1))

    asyncio.run(work())
    assert log.end == 2


def test_a_snapshot_is_an_epoch_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epoch, chunks in order, end; the ticks after it carry its epoch."""
    monkeypatch.setattr(module, "CHUNK_BYTES", 4)
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        assert await one.snapshot(RULES, b"the state")
        assert one.epoch == 1
        await one.tick(tick(1, one.epoch))

    asyncio.run(work())
    chunks = [Chunk(1, n, part) for n, part in enumerate((b"the ", b"stat", b"e"))]
    assert log.records()[2:] == [*chunks, End(1, 3, crc32(b"the state")), tick(1, 1)]
    assert history(log).snapshot == Snapshot(1, RULES, b"the state")


def test_a_snapshot_displaced_by_a_ghost_is_left_for_the_next_time() -> None:
    """Its epoch counts for nobody; ticks go on under the old one."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.on_append = [[GHOST]]
        assert not await one.snapshot(RULES, b"state")
        assert one.epoch == 0
        await one.tick(tick(1, one.epoch))
        assert await one.snapshot(RULES, b"state")

    asyncio.run(work())
    found = history(log)
    assert found.snapshot == Snapshot(4, RULES, b"state")
    assert found.ignored == 2


def test_a_ghost_between_the_chunks_leaves_the_snapshot_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its record is of another epoch."""
    monkeypatch.setattr(module, "CHUNK_BYTES", 2)
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.on_append = [[], [GHOST], [Chunk(0, 1, b"ghost")], [GHOST]]
        assert await one.snapshot(RULES, b"state")

    asyncio.run(work())
    assert history(log).snapshot == Snapshot(1, RULES, b"state")


def test_a_successor_in_the_middle_of_a_snapshot_fences(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written of it does not exist."""
    monkeypatch.setattr(module, "CHUNK_BYTES", 2)
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        log.on_append = [[], [], [owner()]]
        with pytest.raises(FencedError):
            await one.snapshot(RULES, b"state")

    asyncio.run(work())
    assert (history(log).snapshot, history(log).epoch) == (None, 3)


def test_what_lies_below_the_last_but_one_snapshot_is_trimmed() -> None:
    """Should the newest one be damaged, the one before it and what follows are still there."""
    log = MemoryLog()

    async def work() -> None:
        one = await owned(log)
        epochs = []
        for number in range(3):
            await one.tick(tick(number + 1, one.epoch))
            assert await one.snapshot(RULES, b"state")
            epochs.append(one.epoch)
            assert await one.trim()
        assert log.trimmed_to == epochs[:2]
        assert log.first == epochs[1]

    asyncio.run(work())
    assert history(log).before_last == log.first


def test_a_new_owner_trims_by_the_snapshots_it_found() -> None:
    """Not only by those it has written itself."""
    log = MemoryLog()

    async def work() -> None:
        log.intrude(*[GHOST] * 20)
        epoch = await claim(log, RULES, "one")
        one = LogWriter(log, "one", epoch, epoch + 1, (3, 12))
        await one.trim()
        assert await one.snapshot(RULES, b"state")
        await one.trim()

    asyncio.run(work())
    assert log.trimmed_to == [3, 12]
