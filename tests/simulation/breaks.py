"""The code broken on purpose, in ways that the design forbids: each has to be caught by some seed.

A harness that catches nothing proves nothing. Every mutation replaces one function of the program
while it is in force.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from streams.kafka import assignment, clock, keeper, partition, transport
from streams.kafka.batch import Batch, Fresh
from streams.kafka.ledgerlog import history, machine, writer
from streams.kafka.ledgerlog.records import Epoch, LogRecord, Tick

__all__ = ["MUTATIONS", "mutated"]

Patch = tuple[Any, str, Any]
"""Where, what, and what stands there instead."""


def _export_early() -> Patch:
    """Totals are exported before the tick is durable."""
    tick = partition.PartitionProcessor.tick

    def broken(self: Any, *args: Any, **kwargs: Any) -> Any:
        stretch = tick(self, *args, **kwargs)
        self.settle(stretch)
        return stretch

    return partition.PartitionProcessor, "tick", broken


def _ignore_epoch() -> Patch:
    """Whoever wrote a tick, it counts."""
    take = history.History._take

    def broken(self: Any, offset: int, record: LogRecord) -> None:
        if isinstance(record, Tick):
            self.entries.append(record)
        elif isinstance(record, Epoch) or record.epoch == self.epoch:
            take(self, offset, record)

    return history.History, "_take", broken


def _skip_contiguity() -> Patch:
    """Nobody looks at what others wrote in between."""

    async def broken(self: Any, end: int) -> None:
        self.next_offset = end

    return writer.LogWriter, "_pass_ghosts", broken


def _tick_early() -> Patch:
    """A tick says that it came one record earlier than it did."""

    def broken(self: Any, now: int) -> None:
        self.ledger.advance(now)
        self._steps.append((max(0, self.next_offset - 1), now))

    return machine.Machine, "advance", broken


def _fetch_arrival() -> Patch:
    """A fetch says that everything was there when it came back, not when it was sent."""

    async def broken(self: Any, send: Any, assigned: Any, node: int, request: Any) -> bool:
        before = transport._stamps(assigned, request)
        read = self.consumer.positions.clock
        asked = read()
        brought: bool = await send(assigned, node, request)
        answered = read()
        confirmed = transport._confirmed(assigned, request, before)
        self.consumer.fresh.update({tp: Fresh(answered, end) for tp, end in confirmed.items()})
        if confirmed:
            self.consumer.watch.succeeded(asked, answered)
        else:
            self.consumer.watch.failed(asked)
        return brought

    return transport.ConsumerThread, "_stamped", broken


def _drop_record() -> Patch:
    """The first record of a batch that follows another is lost."""
    apply = partition.PartitionProcessor.apply

    def broken(self: Any, batch: Batch, wall: int) -> bool:
        if batch.first_offset == self.next_offset > 0 and len(batch.records) > 1:
            batch = batch._replace(records=batch.records[1:])
            self.machine.next_offset = batch.first_offset
        return apply(self, batch, wall)

    return partition.PartitionProcessor, "apply", broken


def _fire_lagging() -> Patch:
    """The clock fires deadlines although there are records to read."""

    def broken(fresh: Fresh | None, next_offset: int) -> int | None:
        return None if fresh is None else fresh.at

    return partition, "caught_up_at", broken


def _fire_after_outage() -> Patch:
    """The clock fires deadlines at once when the brokers are back."""
    return clock.FetchWatch, "holds", lambda *_: False


def _forget_outputs() -> Patch:
    """A new owner does not write the outputs of the last tick again."""
    return keeper, "_repeated", lambda *_: None


def _go_on_void() -> Patch:
    """Who waited behind an append of unknown outcome ticks on."""
    return keeper.Keeper, "_require_known", lambda *_: None


def _commit_ahead() -> Patch:
    """What is applied is committed, durable or not."""

    def broken(self: Any) -> Any:
        return self.seek_targets()

    return assignment.Assignment, "committable", broken


MUTATIONS: Final[dict[str, Callable[[], Patch]]] = {
    "export-early": _export_early,
    "ignore-epoch": _ignore_epoch,
    "skip-contiguity": _skip_contiguity,
    "tick-early": _tick_early,
    "fetch-arrival": _fetch_arrival,
    "drop-record": _drop_record,
    "fire-lagging": _fire_lagging,
    "fire-after-outage": _fire_after_outage,
    "forget-outputs": _forget_outputs,
    "go-on-void": _go_on_void,
    "commit-ahead": _commit_ahead,
}


@contextmanager
def mutated(name: str | None) -> Iterator[None]:
    """Have the mutation `name` in force (None: no mutation)."""
    if name is None:
        yield
        return
    where, what, instead = MUTATIONS[name]()
    with mock.patch.object(where, what, instead):
        yield
