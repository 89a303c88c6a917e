"""Deliberate breaks of the worker, one for each thing the design forbids.

A harness that does not notice them proves nothing. `prepare(name)` puts one in place, in the
process of the worker, before it starts.
"""

import itertools
from collections.abc import Callable
from typing import Any, Final

__all__ = ["MUTATIONS", "prepare"]


def _patch(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


def _always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def _export_before_durable() -> None:
    """Show totals as soon as they are computed, not when their tick is durable."""
    from streams.kafka.partition import PartitionProcessor

    tick = PartitionProcessor.tick

    def hasty(self: Any, *args: Any, **kwargs: Any) -> Any:
        stretch = tick(self, *args, **kwargs)
        self.settle(stretch)
        return stretch

    _patch(PartitionProcessor, "tick", hasty)


def _ignore_epoch() -> None:
    """Believe every tick in the log, whoever wrote it."""
    from streams.kafka.ledgerlog.history import History
    from streams.kafka.ledgerlog.records import Tick

    take = History._take

    def credulous(self: Any, offset: int, record: Any) -> None:
        if isinstance(record, Tick):
            self.entries.append(record)
        else:
            take(self, offset, record)

    _patch(History, "_take", credulous)


def _skip_contiguity() -> None:
    """Take every acknowledged offset for the expected one: nobody is ever fenced."""
    from streams.kafka.ledgerlog.writer import LogWriter

    async def careless(self: Any, end: int) -> None:
        self.next_offset = end

    _patch(LogWriter, "_pass_ghosts", careless)


def _tick_one_record_early() -> None:
    """When the state is rebuilt, let each tick come before the last of its records."""
    from streams.kafka.ledgerlog.machine import Machine

    repeat = Machine.repeat

    def early(self: Any, tick: Any, records: Callable[[int], Any]) -> Any:
        first = self.next_offset
        return repeat(self, tick, lambda to: records(to - 1 if to > first + 1 else to))

    _patch(Machine, "repeat", early)


def _arrival_for_sending() -> None:
    """Count as caught up when a fetch was answered, not when it was sent."""
    from streams.kafka import transport

    def late(asked: int, answered: int, *_: Any) -> int:
        return max(asked, answered)

    _patch(transport, "looked_at", late)


def _drop_record() -> None:
    """Lose the first record of every fortieth batch, and take every gap for a hole."""
    from streams.kafka.partition import PartitionProcessor

    apply, count = PartitionProcessor.apply, itertools.count(1)

    def forgetful(self: Any, batch: Any, wall: int) -> bool:
        if next(count) % 40 == 0 and len(batch.records) > 1:
            batch = batch.since(batch.records[1].offset)
        return apply(self, batch, wall)

    _patch(PartitionProcessor, "apply", forgetful)
    _patch(PartitionProcessor, "_is_hole", _always(True))


def _fire_while_lagging() -> None:
    """Fire by the clock although records wait to be applied."""
    from streams.kafka import partition

    _patch(partition, "caught_up_at", lambda fresh, _: fresh and fresh.at)


def _fire_after_outage() -> None:
    """Fire by the clock as soon as a fetch succeeds again."""
    from streams.kafka.clock import FetchWatch

    _patch(FetchWatch, "holds", _always(False))


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    "export-before-durable": _export_before_durable,
    "ignore-epoch": _ignore_epoch,
    "skip-contiguity": _skip_contiguity,
    "tick-one-record-early": _tick_one_record_early,
    "arrival-for-sending": _arrival_for_sending,
    "drop-record": _drop_record,
    "fire-while-lagging": _fire_while_lagging,
    "fire-after-outage": _fire_after_outage,
}


def prepare(name: str) -> None:
    """Break the worker as `name` says.

    Raises:
        KeyError: there is no such break.
    """
    MUTATIONS[name]()
