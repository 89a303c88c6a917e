"""One partition of the events topic: its ledger, and how far it has come.

Pure: it reads no clock and waits for nothing, so a batch and a tick are atomic against each
other. The ledger's only inputs are the records of the partition, in offset order, and the ticks.
"""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from streams.events import REASONS, EventDecoder, Rejected
from streams.kafka.batch import Batch, Fresh, Record
from streams.kafka.clock import STRIDE, caught_up_at, firing_time
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.exported import Exported
from streams.ledger import Ledger
from streams.ledger.changes import Change
from streams.ledger.rules import Rules
from streams.ledger.totals import Histogram

__all__ = ["PartitionProcessor", "Stretch"]

_LATENCY_BOUNDS: Final = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

_REFUSED: Final = {
    "future": "the event lies further in the future of its record than `max_future`",
    "too_old": "the event is older than `max_age`",
}


class Stretch(NamedTuple):
    """What one tick closes: the outputs of the records and deadlines since the tick before.

    `to_offset` is the next offset of the source. When the outputs are written, `settle` the
    stretch: only then is the offset committed and `exported` shown. `loaded` says whether it
    reaches the end the partition had when it was assigned; before that `exported` is incomplete.
    """

    partition: int
    to_offset: int
    changes: Sequence[Change]
    dead_letters: Sequence[DeadLetter]
    exported: Exported
    loaded: bool


class PartitionProcessor:
    """Reads one partition into one ledger, beginning at `next_offset`.

    Outputs of records below `published_to` have been written before and are not written again.
    `loaded_at` is the end of the partition when it was assigned: below it the totals are still
    being rebuilt and are shown to nobody.
    """

    def __init__(
        self, topic: str, number: int, rules: Rules, *, next_offset: int = 0, published_to: int = 0,
        loaded_at: int = 0,
    ) -> None:  # fmt: skip
        self.topic = topic
        self.number = number
        self.ledger = Ledger(rules)
        self.next_offset = next_offset
        self.durable_offset: int | None = None
        self.exported = Exported.nothing(rules)
        self.dead_letters: dict[str, int] = dict.fromkeys(REASONS, 0)
        self.latency = Histogram(list(_LATENCY_BOUNDS), [0] * (len(_LATENCY_BOUNDS) + 1))
        self.highwater: int | None = None
        self.holes = 0
        self._published_to = published_to
        self._loaded_at = loaded_at
        self._decoder = EventDecoder()
        self._refused: list[DeadLetter] = []
        self._newest_record = 0
        self._gap: int | None = None
        self._ticked_offset = -1

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
        return self._decoder.unknown_fields

    @property
    def unticked(self) -> int:
        """Offsets applied since the last tick, whose outputs are still kept in memory."""
        return self.next_offset - max(self._ticked_offset, 0)

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
        records = batch.since(self.next_offset).records
        written = bisect_left(records, self._published_to, key=attrgetter("offset"))
        if written:
            self._run(records[:written], wall, live=live)
            self._silence()
        self._run(records[written:], wall, live=live)
        self.next_offset = batch.next_offset
        return True

    def tick(self, wall: int, fresh: Fresh | None, *, hold: bool = False) -> Stretch:
        """Fire what is due at `wall` (microseconds) and close the stretch since the last tick.

        With `hold` the clock fires nothing, only the watermark does.
        """
        if fresh is not None:
            self.highwater = fresh.highwater
        caught_up = None if hold else caught_up_at(fresh, self.next_offset)
        self._advance(wall, caught_up)
        changes = self.ledger.drain()
        if changes or self._ticked_offset != self.next_offset:
            exported = Exported.of(self.ledger, self.dead_letters, self.exported)
        else:
            exported = self._moved()
        refused, self._refused = self._refused, []
        self._ticked_offset = self.next_offset
        loaded = self.next_offset >= self._loaded_at
        return Stretch(self.number, self.next_offset, changes, refused, exported, loaded)

    def settle(self, stretch: Stretch) -> None:
        """Note that everything `stretch` holds is written."""
        self.exported = stretch.exported
        self.durable_offset = stretch.to_offset

    def _moved(self) -> Exported:
        """Return the totals as they were, under a later `now`."""
        before = self.exported
        return Exported(
            totals=before.totals,
            fates=dict(self.ledger.fates),
            dead_letters=before.dead_letters,
            boundary_ambiguous=before.boundary_ambiguous,
            watermark=before.watermark,
            now=self.ledger.now,
        )

    def _is_hole(self, first_offset: int) -> bool:
        """Return whether this gap came before; a later one may be left over from that fetch."""
        if first_offset == self._gap:
            self.holes += 1
            return True
        self._gap = first_offset if self._gap is None else min(self._gap, first_offset)
        return False

    def _run(self, records: Sequence[Record], wall: int, *, live: bool) -> None:
        apply, decode, ledger = self.ledger.apply, self._decoder.decode, self.ledger
        stride_ends = self._stride_ends()
        for record in records:
            try:
                event = decode(record.value or b"", record.headers)
            except Rejected as error:
                self._refuse(record, "decode", error.reason, str(error))
                continue
            stamp = record.timestamp * 1000
            self._newest_record = max(self._newest_record, stamp)
            fate = apply(event, stamp if stamp > 0 else None)
            if fate in _REFUSED:
                self._refuse(record, "ledger", fate, _REFUSED[fate])
            elif live:
                self.latency.add(max(0, wall - event.at))
            if ledger.watermark > stride_ends:
                self._advance(wall)
                stride_ends = self._stride_ends()

    def _stride_ends(self) -> int:
        """Return the watermark at which the next tick inside a batch is due."""
        return self.ledger.now + self.ledger.rules.grace + STRIDE

    def _advance(self, wall: int, caught_up: int | None = None) -> None:
        """Fire deadlines; the watermark counts no further than the time Kafka has stamped.

        Otherwise one event a minute ahead of its time, read from a backlog, would fire the
        deadlines of a minute early.
        """
        ledger = self.ledger
        newest = self._newest_record or ledger.watermark
        ledger.advance(
            firing_time(
                ledger.now,
                watermark=min(ledger.watermark, newest),
                wall=wall,
                grace=ledger.rules.grace,
                caught_up=caught_up,
            )
        )

    def _silence(self) -> None:
        self.ledger.advance(self.ledger.now)
        self.ledger.drain()
        self._refused.clear()

    def _refuse(self, record: Record, stage: str, reason: str, detail: str) -> None:
        self.dead_letters[reason] += 1
        letter = DeadLetter(record, self.topic, self.number, stage, reason, detail)
        self._refused.append(letter)
