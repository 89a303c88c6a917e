"""One owned partition of the events topic, live: its state machine, and how fresh it is.

Pure: it reads no clock and waits for nothing, so a batch and a tick are atomic against each
other. What decides a verdict is in the machine; here is what only the owner sees.
"""

from typing import Final, NamedTuple

from streams.instants import SECOND
from streams.kafka.batch import Batch, Fresh
from streams.kafka.clock import caught_up_at, firing_time
from streams.kafka.exported import Exported
from streams.kafka.ledgerlog.machine import Machine, Outcome
from streams.kafka.ledgerlog.records import Tick
from streams.ledger import Ledger
from streams.ledger.live import is_awaited
from streams.ledger.totals import Histogram

__all__ = ["IDLE", "PartitionProcessor", "Stretch"]

IDLE: Final = SECOND
"""So long a partition goes without a tick that would say nothing but the time."""

_LATENCY_BOUNDS: Final = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
)  # fmt: skip


class Stretch(NamedTuple):
    """What one tick closes: the records and deadlines since the tick before, and their outputs.

    Once the tick is durable `settle` the stretch: only then is `to_offset` (the next offset of
    the source) committed and `exported` shown.
    """

    partition: int
    to_offset: int
    tick: Tick
    outcome: Outcome
    exported: Exported


class PartitionProcessor:
    """Takes batches and ticks into `machine`, and shows what is durable of it."""

    def __init__(self, machine: Machine) -> None:
        self.number = machine.partition
        self.machine = machine
        self.durable_offset = machine.next_offset if machine.number else None
        """below it everything is covered by a durable tick; None: there is none yet"""
        self.exported = Exported.of(machine, Exported.nothing(machine.rules))
        self.latency = Histogram(list(_LATENCY_BOUNDS), [0] * (len(_LATENCY_BOUNDS) + 1))
        self.highwater: int | None = None
        self.holes = 0
        self._gap: int | None = None
        self._ticked_offset = machine.next_offset
        self._ticked_at = 0

    @property
    def ledger(self) -> Ledger:
        """The promises of this partition, including what is not durable yet."""
        return self.machine.ledger

    @property
    def next_offset(self) -> int:
        """The source offset up to which everything is applied."""
        return self.machine.next_offset

    @property
    def lag(self) -> int | None:
        """Records not yet applied; None: not known yet."""
        return None if self.highwater is None else max(0, self.highwater - self.next_offset)

    @property
    def caught_up(self) -> bool:
        """Whether the newest fetch found nothing that has not been applied."""
        return self.lag == 0

    @property
    def last_heartbeat_at(self) -> int | None:
        """Event time (microseconds) of the newest sign of life of any source."""
        return max(self.ledger.heartbeats.values(), default=None)

    @property
    def unknown_fields(self) -> int:
        """Fields of events that were tolerated without being understood."""
        return self.machine.unknown_fields

    @property
    def unticked(self) -> int:
        """Offsets applied since the last tick, whose outputs are still kept in memory."""
        return self.next_offset - self._ticked_offset

    def apply(self, batch: Batch, wall: int) -> bool:
        """Take in what is new in `batch`; `wall` is the time (microseconds).

        Returns False if records are missing before it: read again from `next_offset`. A gap that
        comes again after that is a true hole (compaction, retention, control records).
        """
        if batch.next_offset <= self.next_offset:
            return True
        if batch.first_offset > self.next_offset and not self._is_hole(batch.first_offset):
            return False
        self._gap = None
        live = self.highwater is not None and batch.next_offset >= self.highwater
        self.machine.take(
            batch.since(self.next_offset).records,
            batch.next_offset,
            lambda: self._firing_time(wall),
            self.latency if live else None,
            wall,
        )
        return True

    def has_caught_up(self, fresh: Fresh | None) -> bool:
        """Return whether everything that was there at the newest fetch has been applied."""
        return caught_up_at(fresh, self.next_offset) is not None

    def has_news(self, wall: int, fresh: Fresh | None, *, hold: bool = False) -> bool:
        """Return whether a tick now would bring more than a later `now`; arguments as of `tick`."""
        if self.next_offset != self._ticked_offset:
            return True
        earliest = self.ledger.book.deadlines.earliest
        if earliest is None:
            return False
        caught_up = None if hold else caught_up_at(fresh, self.next_offset)
        return self._firing_time(wall, caught_up) >= earliest

    def owes_news(self, wall: int, fresh: Fresh | None, *, hold: bool = False) -> bool:
        """Return whether a tick now would tell of a promise that the time alone has broken.

        Somebody waits for that; everything else is told in its time. Arguments as of `tick`.
        """
        caught_up = None if hold else caught_up_at(fresh, self.next_offset)
        return is_awaited(self.ledger.book, self._firing_time(wall, caught_up))

    def expects(self, until: int) -> bool:
        """Return whether a deadline may come until then (microseconds)."""
        earliest = self.ledger.book.deadlines.earliest
        return earliest is not None and earliest <= until

    def rests(self, wall: int) -> bool:
        """Return whether the last tick is so young that without news another one can wait."""
        return wall < self._ticked_at + IDLE

    def tick(self, epoch: int, wall: int, fresh: Fresh | None, *, hold: bool = False) -> Stretch:
        """Fire what is due at `wall` (microseconds) and close the stretch since the last tick.

        With `hold` the clock fires nothing, only the watermark does.
        """
        if fresh is not None:
            self.highwater = fresh.highwater
        self._ticked_at = wall
        caught_up = None if hold else caught_up_at(fresh, self.next_offset)
        self.machine.go_on(self._firing_time(wall, caught_up))
        moved = self._ticked_offset != self.next_offset
        tick, outcome = self.machine.close(epoch)
        self._ticked_offset = self.next_offset
        if moved or outcome.changes:
            exported = Exported.of(self.machine, self.exported)
        else:
            exported = self.exported.later(self.machine)
        return Stretch(self.number, self.next_offset, tick, outcome, exported)

    def settle(self, stretch: Stretch) -> None:
        """Note that the tick of `stretch` is durable."""
        self.exported = stretch.exported
        self.durable_offset = stretch.to_offset

    def _is_hole(self, first_offset: int) -> bool:
        """Return whether this gap came before; a later one may be left over from that fetch."""
        if first_offset == self._gap:
            self.holes += 1
            return True
        self._gap = first_offset if self._gap is None else min(self._gap, first_offset)
        return False

    def _firing_time(self, wall: int, caught_up: int | None = None) -> int:
        machine = self.machine
        return firing_time(
            machine.ledger.now,
            watermark=machine.watermark,
            wall=wall,
            grace=machine.rules.grace,
            caught_up=caught_up,
        )
