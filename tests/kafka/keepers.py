"""A partition kept in memory: loaded, fed from its source, given up as a crash would."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache

from log_in_memory import MemoryPorts

from streams import promise_events
from streams.events import Event
from streams.instants import SECOND
from streams.kafka.batch import Fresh
from streams.kafka.keeper import Fruits, Keeper, load_keeper
from streams.ledger import Rules
from streams.simulate import Centre, small_centre

__all__ = ["apply", "centre", "feed", "grow", "load", "rest", "wire"]


@cache
def centre(calls: int = 120, seed: int = 5) -> tuple[Event, ...]:
    """Return the events of a simulated centre, in order of time."""
    return tuple(Centre(small_centre(), seed=seed).events(calls))


async def load(
    ports: MemoryPorts, rules: Rules | None = None, *, accept_loss: bool = False
) -> Keeper:
    """Take partition 0 over."""
    place = ports.place(rules, accept_loss=accept_loss)
    return await load_keeper(place, ports.commits.get(0))


def apply(keeper: Keeper, ports: MemoryPorts) -> Fresh:
    """Apply everything that is in the source and return what a fetch would have said."""
    source, one = ports.source(0), keeper.processor
    wall = max((row.timestamp for row in source.rows), default=0) * 1000
    assert one.apply(source.batch(one.next_offset, source.end), wall)
    return Fresh(wall, source.end)


async def feed(keeper: Keeper, ports: MemoryPorts, seconds: float = 0) -> None:
    """Apply what is new and tick `seconds` after the newest record."""
    fresh = apply(keeper, ports)
    wall = fresh.at + round(seconds * SECOND)
    await keeper.tick(wall, Fresh(wall, fresh.highwater))


async def grow(keeper: Keeper, ports: MemoryPorts, events: Sequence[Event], size: int = 40) -> None:
    """Let `events` come, with a tick after each `size` of them."""
    for start in range(0, len(events), size):
        ports.source(0).extend(events[start : start + size])
        await feed(keeper, ports)


def wire(written: Sequence[Fruits]) -> list[bytes]:
    """Return the promise events of `written` as they stand on Kafka."""
    return [
        promise_events.encode(promise_events.from_change(change, each.epoch))
        for each in written
        for change in each.changes
    ]


async def rest(until: Callable[[], bool] | None = None, turns: int = 50) -> None:
    """Let everything else on the loop go on until it waits."""
    for _ in range(turns):
        await asyncio.sleep(0)
    assert until is None or until()
