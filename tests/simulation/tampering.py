"""What no owner may take in silence: a log that lost or changed records, a source that ran away."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cluster import Appended, LogPartition

from streams.kafka.ledgerlog.records import Epoch, Tick, decode

if TYPE_CHECKING:
    from world import World

__all__ = ["TAMPERS"]

NOTICED_SECONDS = 0.05


def _truncate(world: "World", number: int) -> None:
    """Lose the last records of the log, as an unclean election of a leader does."""
    log = world.cluster.logs[0]
    if log.end - number <= log.first:
        return
    log.cut = log.records[-number:]
    del log.records[-number:]
    world.cut_at = world.loop.now
    world.cluster.later(NOTICED_SECONDS, _note_who_knows, world, log.end)


def _note_who_knows(world: "World", end: int) -> None:
    """Remember which owners had been told of more than is left, and what they show."""
    for slot in world.slots:
        if slot.worker is None or slot.process.is_dead:
            continue
        keeper = slot.worker.assignment.keepers.get(0)
        if keeper is not None and keeper._log.next_offset > end:
            expected = keeper._log.next_offset
            world.knowing.append((keeper, expected, keeper.processor.exported))


def _overtake(world: "World", number: int) -> None:
    """Have retention delete all but the last records of the source while nobody reads."""
    events = world.cluster.events[0]
    if len(events.records) <= number:
        return
    for slot in world.slots:
        slot.process.kill()
        world.at(world.loop.now + 0.3, world.start, slot)
    events.first = events.records[-number].offset


def _damage(world: "World", number: int) -> None:
    """Change one bit of one record of the log, in the middle of what one owner wrote."""
    log, chance = world.cluster.logs[0], world.cluster.chance
    entry = _in_the_middle(log, number)
    if entry is not None:
        place = chance.randrange(len(entry.value))
        changed = bytes([entry.value[place] ^ (1 << chance.randrange(8))])
        log.shown[entry.offset] = entry.value[:place] + changed + entry.value[place + 1 :]


def _hole(world: "World", number: int) -> None:
    """Lose one record in the middle of what one owner wrote."""
    log = world.cluster.logs[0]
    entry = _in_the_middle(log, number)
    if entry is not None:
        log.shown[entry.offset] = None


def _in_the_middle(log: LogPartition, number: int) -> Appended | None:
    """Return one of the last records that a tick of the same owner follows.

    Had he written nothing after it, the log without it would look as if it had ended before.
    """
    for entry in reversed(log.records[log.first : log.end - number]):
        record, follower = decode(entry.value), decode(log.records[entry.offset + 1].value)
        epoch = entry.offset if isinstance(record, Epoch) else record.epoch
        if isinstance(follower, Tick) and follower.epoch == epoch:
            return entry
    return None


TAMPERS: Final[dict[str, Callable[["World", int], None]]] = {
    "truncate": _truncate,
    "overtake": _overtake,
    "damage": _damage,
    "hole": _hole,
}
"""Each does something to partition 0; there may be nothing yet to take hold of."""
