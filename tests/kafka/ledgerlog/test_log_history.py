"""Which records of a log count, and which are those of owners that were replaced."""

from zlib import crc32

import pytest

from streams.instants import SECOND
from streams.kafka.ledgerlog.history import History, Snapshot
from streams.kafka.ledgerlog.records import (
    FORMAT,
    Chunk,
    End,
    Epoch,
    LogDamagedError,
    LogRecord,
    NewerFormatError,
    Tick,
    encode,
)
from streams.ledger import Rules

OTHER = Rules(grace=SECOND)
NO_RECORD = "a record that callsla did not write"


def owner(rules: Rules | None = None, claimed: int | None = None) -> Epoch:
    return Epoch(rules or Rules(), "1", "one", claimed)


def tick(number: int, epoch: int) -> Tick:
    return Tick(number, epoch, ((number, number),), number)


def snapshot(epoch: int, data: bytes = b"state") -> list[LogRecord]:
    """Return what follows the epoch of a snapshot."""
    half = len(data) // 2
    return [Chunk(epoch, 0, data[:half]), Chunk(epoch, 1, data[half:]), End(epoch, 2, crc32(data))]


def read(*entries: LogRecord, first: int = 0) -> History:
    history = History(first)
    for offset, record in enumerate(entries, first):
        history.read(offset, encode(record))
    return history


def numbers(history: History) -> list[int]:
    return [each.number for each in history.entries if isinstance(each, Tick)]


def test_the_ticks_of_the_owner_in_force_count() -> None:
    """One owner after the other, each under the offset of its epoch."""
    history = read(owner(), tick(1, 0), tick(2, 0), owner(OTHER), tick(3, 3))
    assert (history.epoch, numbers(history), history.ignored) == (3, [1, 2, 3], 0)
    assert history.rules == OTHER
    assert [e.rules for e in history.entries if isinstance(e, Epoch)] == [Rules(), OTHER]


def test_the_tick_of_a_zombie_is_passed_over() -> None:
    """It lies behind its successor's epoch and names its own."""
    history = read(owner(), tick(1, 0), owner(), tick(2, 0), tick(2, 2), tick(3, 0))
    assert (numbers(history), history.ignored) == ([1, 2], 2)
    assert [e.epoch for e in history.entries if isinstance(e, Tick)] == [0, 2]


def test_a_zombie_cannot_claim_the_partition_back_with_a_snapshot() -> None:
    """It claims the offset it expects, which is not the one it gets."""
    history = read(owner(), tick(1, 0), owner(), owner(OTHER, claimed=2), tick(2, 2))
    assert (history.epoch, history.rules, history.ignored) == (2, Rules(), 1)
    assert numbers(history) == [1, 2]


def test_the_snapshot_of_a_zombie_is_passed_over() -> None:
    """Also when its epoch was valid, and the successor took over in the middle."""
    zombie = snapshot(1, b"zombie")
    history = read(owner(), owner(claimed=1), zombie[0], owner(), *zombie[1:], tick(1, 3))
    assert (history.epoch, history.snapshot, numbers(history)) == (3, None, [1])
    assert history.ignored == 2


def test_a_claimed_epoch_counts_only_at_its_offset() -> None:
    """One record earlier or later it is somebody else's place."""
    for claimed, valid in ((1, False), (2, True), (3, False)):
        history = read(owner(), tick(1, 0), owner(claimed=claimed))
        assert (history.epoch == 2) is valid


def test_replay_begins_after_the_newest_complete_snapshot() -> None:
    """What lies before it is in it."""
    history = read(
        owner(), tick(1, 0), owner(claimed=2), *snapshot(2), tick(2, 2),
        owner(OTHER, claimed=7), *snapshot(7, b"newest"), tick(3, 7),
    )  # fmt: skip
    assert history.snapshot == Snapshot(7, OTHER, b"newest")
    assert (history.before_last, numbers(history)) == (2, [3])
    assert not any(isinstance(each, Epoch) for each in history.entries)


def test_a_snapshot_without_its_end_does_not_exist() -> None:
    """Torn by a crash: replay goes on from the one before, over the torn one's epoch."""
    whole = [owner(), tick(1, 0), owner(claimed=2), *snapshot(2)]
    for kept in range(3):
        torn = [tick(2, 2), owner(claimed=7), *snapshot(7, b"torn")[:kept]]
        history = read(*whole, *torn, owner(), tick(3, 8 + kept))
        assert history.snapshot == Snapshot(2, Rules(), b"state")
        assert numbers(history) == [2, 3]


def test_the_records_of_a_ghost_between_chunks_do_not_spoil_a_snapshot() -> None:
    """Whatever a replaced owner sends meanwhile."""
    first, second, end = snapshot(1)
    ghost = Chunk(0, 0, b"ghost")
    history = read(owner(), owner(claimed=1), ghost, first, tick(9, 0), second, ghost, end)
    assert history.snapshot == Snapshot(1, Rules(), b"state")
    assert history.ignored == 3


@pytest.mark.parametrize(
    "spoilt",
    [
        [*snapshot(1)[:2], End(1, 2, crc32(b"other"))],
        [snapshot(1)[0], snapshot(1)[2]],
        [*snapshot(1)[1:]],
        [*snapshot(1)[:2], End(1, 3, crc32(b"state"))],
    ],
    ids=["checksum", "last chunk missing", "first chunk missing", "count"],
)
def test_a_snapshot_that_is_not_what_was_written_is_refused(spoilt: list[LogRecord]) -> None:
    """Its end says how many chunks and which checksum."""
    with pytest.raises(LogDamagedError, match="snapshot of epoch 1 is not what was written"):
        read(owner(), owner(claimed=1), *spoilt)


def test_a_trimmed_log_begins_in_the_middle() -> None:
    """With the snapshot before the last one: what belongs to none is passed over."""
    history = read(tick(5, 90), owner(claimed=101), *snapshot(101), tick(6, 101), first=100)
    assert (history.first, history.snapshot) == (100, Snapshot(101, Rules(), b"state"))
    assert (numbers(history), history.ignored) == ([6], 1)


def broken(*entries: LogRecord | None) -> History:
    """Return a history in which None cannot be read."""
    history = History(0)
    for offset, record in enumerate(entries):
        try:
            history.read(offset, b"?" if record is None else encode(record))
        except LogDamagedError as error:
            history.break_off(str(error))
    return history


def test_what_follows_damage_is_not_entered() -> None:
    """A replay goes as far as it can be sure, and the first damage is told."""
    history = broken(owner(), tick(1, 0), None, tick(3, 0), owner(), tick(4, 4), None)
    assert (history.damage, numbers(history)) == (f"offset 2: {NO_RECORD}", [1])


def test_a_snapshot_after_the_damage_mends_it() -> None:
    """Its owner had accepted the loss."""
    history = broken(owner(), None, tick(2, 0), owner(), owner(claimed=4), *snapshot(4), tick(3, 4))
    assert (history.damage, numbers(history)) == (None, [3])
    assert history.snapshot == Snapshot(4, Rules(), b"state")


def test_the_snapshot_of_one_that_may_have_been_replaced_mends_nothing() -> None:
    """What cannot be read may have been its successor's epoch."""
    first, *others = snapshot(1)
    history = broken(owner(), owner(claimed=1), first, None, *others)
    assert (history.damage, history.snapshot) == (f"offset 3: {NO_RECORD}", None)


def test_what_is_no_record_is_refused_with_its_offset() -> None:
    """So that somebody can look at it."""
    history = read(owner(), first=40)
    with pytest.raises(LogDamagedError, match="offset 41: a record that callsla did not write"):
        history.read(41, b"{}")
    newer = b"CL" + bytes([FORMAT + 1]) + b"?"
    with pytest.raises(NewerFormatError, match=f"offset 41: it has format {FORMAT + 1}"):
        history.read(41, newer)
