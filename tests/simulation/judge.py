"""What the log and the source say, worked out without the code under test, and without snapshots.

Of the program only the plain ledger, the decoders and the types are used. A record counts if its
epoch is in force: that is said here a second time, from its definition.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, dropwhile
from typing import Any, Final, NamedTuple

import msgspec
from cluster import Appended, EventsPartition, LogPartition, Record
from virtual_loop import Process

from streams import promise_events
from streams.events import REASONS, Event, EventDecoder, Rejected
from streams.kafka.exported import Exported
from streams.kafka.ledgerlog.records import Epoch, Tick, decode
from streams.ledger import Ledger
from streams.ledger.rules import Rules
from streams.ledger.totals import VERDICTS, Histogram, Totals

__all__ = ["Judged", "JudgedTick", "fingerprint_of", "judge", "plain_truths", "truths"]

_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode


class JudgedTick(NamedTuple):
    """One tick that counts; `sent` and `landed` in seconds of the run."""

    number: int
    epoch: int
    steps: tuple[tuple[int, int], ...]
    writer: Process
    sent: float
    landed: float
    fingerprint: bytes
    watermarks: tuple[int, ...]
    """as of each step: the highest event time, no later than any stamp of Kafka"""

    @property
    def to_offset(self) -> int:
        return self.steps[-1][0]

    @property
    def now(self) -> int:
        return self.steps[-1][1]


class Judged:
    """What one partition comes to."""

    def __init__(self, rules: Rules) -> None:
        self.ledger = Ledger(rules)
        self.ticks: list[JudgedTick] = []
        self.promises: dict[tuple[str, int | None], bytes] = {}
        self.last_promises: set[tuple[str, int | None]] = set()
        """those of the last tick"""
        self.watermarks: list[int] = []
        """those of the steps of the last tick"""
        self.letters: set[int] = set()
        self.taken: list[Event] = []
        """the events that had an effect, or are repetitions of one that had"""
        self.faults: list[str] = []
        self.epochs: list[tuple[int, float]] = []
        """(epoch, landed) of the valid ones"""
        self._dead_letters: dict[str, int] = dict.fromkeys(REASONS, 0)
        self._decoder = EventDecoder()
        self._newest = 0
        self.nothing = self.fingerprint()

    def fingerprint(self) -> bytes:
        """Return everything that is exported, as bytes."""
        ledger = self.ledger
        return _fingerprint(
            ledger.totals, ledger.fates, self._dead_letters, ledger.boundary_ambiguous, ledger.now
        )

    def apply(self, record: Record) -> None:
        """Take in one record of the source."""
        try:
            event = self._decoder.decode(record.value or b"", record.headers)
        except Rejected as error:
            self._refuse(record, error.reason)
            return
        stamp = record.timestamp * 1000
        self._newest = max(self._newest, stamp)
        fate = self.ledger.apply(event, stamp)
        if fate in ("future", "too_old", "limit"):
            self._refuse(record, fate)
        elif fate != "late":
            self.taken.append(event)

    def _refuse(self, record: Record, reason: str) -> None:
        self._dead_letters[reason] += 1
        self.letters.add(record.offset)

    @property
    def watermark(self) -> int:
        """The event time up to which the records themselves say that time has passed."""
        return min(self.ledger.watermark, self._newest or self.ledger.watermark)


def judge(number: int, log: LogPartition, events: EventsPartition, rules: Rules) -> Judged:
    """Return what partition `number` comes to."""
    judged, in_force = Judged(rules), -1
    records = iter(events.records)
    for entry in log.records:
        record = decode(entry.value)
        if isinstance(record, Epoch):
            if record.claimed is None or record.claimed == entry.offset:
                in_force = entry.offset
                judged.epochs.append((in_force, entry.landed))
        elif isinstance(record, Tick) and record.epoch == in_force:
            if record.number != len(judged.ticks) + 1:
                judged.faults.append(f"tick {record.number} after {len(judged.ticks)} ticks")
            records = _follow(judged, record, records)
            _close(judged, number, entry, record)
    return judged


def _follow(judged: Judged, tick: Tick, records: Iterator[Record]) -> Iterator[Record]:
    """Do what `tick` says; returns the records that are left."""
    judged.watermarks = []
    begun, at = tick.steps[0]
    if tick.number == 1 and at == 0:
        # The very first step says where the source began: nobody has read what lay before.
        records = dropwhile(lambda record: record.offset < begun, records)
    for to_offset, now in tick.steps:
        for record in records:
            if record.offset >= to_offset:
                records = chain([record], records)
                break
            judged.apply(record)
        judged.watermarks.append(judged.watermark)
        judged.ledger.advance(now)
    return records


def _close(judged: Judged, number: int, entry: Appended, tick: Tick) -> None:
    """Note what is exported from `tick` on, and what it has to tell subscribers."""
    judged.last_promises = set()
    for change in judged.ledger.drain():
        event = promise_events.from_change(change, tick.epoch)
        key = (f"{number}/{event.id}", tick.epoch)
        judged.promises[key] = promise_events.encode(event)
        judged.last_promises.add(key)
    judged.ticks.append(
        JudgedTick(
            tick.number,
            tick.epoch,
            tick.steps,
            entry.writer,
            entry.sent,
            entry.landed,
            judged.fingerprint(),
            tuple(judged.watermarks),
        )
    )


def fingerprint_of(exported: Exported) -> bytes:
    """Return what `exported` shows, as `Judged.fingerprint` does."""
    return _fingerprint(
        exported.totals,
        exported.fates,
        exported.dead_letters,
        exported.boundary_ambiguous,
        exported.now,
    )


def _fingerprint(
    totals: Totals, fates: Mapping[str, int], letters: Mapping[str, int], ambiguous: int, now: int
) -> bytes:
    queues: list[Any] = [
        (
            label,
            _known(q.counts),
            _known(q.corrections),
            _values(q.answer_wait),
            _values(q.callback_delay),
        )
        for label, q in sorted(totals.queues.items())
    ]
    return _encode((now, ambiguous, _known(fates), _known(letters), queues))


def _values(histogram: Histogram) -> tuple[list[float], list[int], int]:
    return histogram.bounds, histogram.counts, histogram.total


def _known(counts: Mapping[Any, int]) -> list[Any]:
    return sorted(item for item in counts.items() if item[1])


def truths(totals: Totals, *, by_queue: bool) -> dict[tuple[str, str, str], int]:
    """Return the counters less what was corrected from them plus what was corrected to them."""
    found: dict[tuple[str, str, str], int] = {}
    for label, queue in totals.queues.items():
        for verdict, states in VERDICTS.items():
            for state in states:
                key = (label if by_queue else "", verdict, state)
                found[key] = found.get(key, 0) + queue.truth(verdict, state)
    return {key: number for key, number in found.items() if number}


def plain_truths(
    judged: Judged, rules: Rules, *, by_queue: bool
) -> dict[tuple[str, str, str], int]:
    """Return what a ledger counts that gets all events in order of time, and then one tick."""
    ledger = Ledger(rules)
    for event in sorted(judged.taken, key=lambda each: each.at):
        ledger.apply(event)
    ledger.advance(judged.ledger.now)
    return truths(ledger.totals, by_queue=by_queue)
