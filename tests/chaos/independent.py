"""The state of a partition rebuilt from its source and its log, by other code than the worker's.

What a record of the log means is written down once more here, as plainly as can be; only the types
of the records and the ledger itself are shared with the worker. It reads the log from its very
first record, so no snapshot is believed: each is compared with the state it claims to be.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec
from msgspec import Struct, field
from scraping import Key
from topic_tail import Stored

from streams.events import Event, EventDecoder, Rejected
from streams.kafka.ledgerlog.records import Chunk, End, Epoch, Tick, decode
from streams.ledger import Change, Ledger, QueueTotals, Rules, dump

__all__ = ["Changed", "PartitionTruth", "RebuiltTick", "rebuilt", "series_at"]

_SNAPSHOT_FIELDS: Final = (
    "number", "next_offset", "hash", "newest_record", "unknown_fields", "losses", "dead_letters",
    "ledger",
)  # fmt: skip


class Changed(NamedTuple):
    """One change of a verdict, and the tick that brought it."""

    epoch: int
    tick: int
    now: int
    change: Change


class RebuiltTick(Struct, frozen=True):
    """One valid tick, and what `/metrics` has to say of the partition from then on."""

    offset: int
    number: int
    epoch: int
    to_offset: int
    now: int
    series: frozenset[tuple[Key, float]]


class PartitionTruth(Struct):
    """All that follows from one partition's source and log."""

    partition: int
    ledger: Ledger
    ticks: list[RebuiltTick] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    dead_letters: dict[int, str] = field(default_factory=dict)
    """by source offset, with the reason"""
    accepted: list[tuple[Event, int]] = field(default_factory=list)
    """the events that count, with the time (milliseconds) of their record"""
    epochs: list[Epoch] = field(default_factory=list)
    """valid ones"""
    snapshots: int = 0
    torn: int = 0
    """snapshots without an end"""
    ignored: int = 0
    """records of owners that had been replaced"""
    faults: list[str] = field(default_factory=list)
    """what cannot be: a tick missing, a snapshot that differs ..."""


def rebuilt(
    partition: int,
    log: Sequence[tuple[int, bytes]],
    source: Sequence[Stored],
    rules: Rules,
) -> PartitionTruth:
    """Follow `log` over `source`, both complete and in offset order."""
    truth = PartitionTruth(partition, Ledger(rules))
    follower = _Follower(truth, source)
    for offset, value in log:
        follower.follow(offset, decode(value))
    truth.torn += follower.is_in_snapshot
    return truth


class _Follower:
    def __init__(self, truth: PartitionTruth, source: Sequence[Stored]) -> None:
        self._truth = truth
        self._source = source
        self._position = 0
        self._decoder = EventDecoder()
        self._epoch = -1
        self._chunks: list[Chunk] = []
        self.is_in_snapshot = False
        truth.ticks.append(_tick(truth, -1, Tick(0, -1, ((0, 0),), 0)))

    def follow(self, offset: int, record: Any) -> None:
        """Take in one record of the log, if it counts."""
        truth = self._truth
        if isinstance(record, Epoch):
            if record.claimed in (None, offset):
                self._begin(offset, record)
            else:
                truth.ignored += 1
        elif record.epoch != self._epoch:
            truth.ignored += 1
        elif isinstance(record, Tick):
            if self.is_in_snapshot:
                truth.faults.append(f"offset {offset}: a tick inside a snapshot")
            self._apply(offset, record)
        elif isinstance(record, Chunk):
            self._chunks.append(record)
        else:
            self._compare(offset, record)

    def _begin(self, offset: int, epoch: Epoch) -> None:
        truth = self._truth
        truth.torn += self.is_in_snapshot
        self._epoch, self._chunks = offset, []
        self.is_in_snapshot = epoch.claimed is not None
        truth.epochs.append(epoch)
        if epoch.rules != truth.ledger.rules:
            truth.faults.append(f"offset {offset}: other rules than the workers were given")

    def _apply(self, offset: int, tick: Tick) -> None:
        truth = self._truth
        last = truth.ticks[-1]
        if tick.number != last.number + 1:
            truth.faults.append(f"offset {offset}: tick {tick.number} follows {last.number}")
        for to_offset, now in tick.steps:
            self._read_to(to_offset)
            truth.ledger.advance(now)
        now = truth.ledger.now
        truth.changes += [
            Changed(tick.epoch, tick.number, now, change) for change in truth.ledger.drain()
        ]
        truth.ticks.append(_tick(truth, offset, tick))

    def _read_to(self, to_offset: int) -> None:
        while self._position < to_offset:
            if self._position >= len(self._source):
                self._truth.faults.append(f"a tick goes to {to_offset}, beyond the source")
                self._position = to_offset
                return
            self._take(self._source[self._position])
            self._position += 1

    def _take(self, record: Stored) -> None:
        truth, value = self._truth, record.value()
        offset = record.offset() or 0
        stamp = record.timestamp()[1]
        try:
            event = self._decoder.decode(value if isinstance(value, bytes) else b"", ())
        except Rejected as error:
            truth.dead_letters[offset] = error.reason
            return
        fate = truth.ledger.apply(event, stamp * 1000)
        if fate in ("future", "too_old", "limit"):
            truth.dead_letters[offset] = fate
        elif fate != "late":
            truth.accepted.append((event, stamp))

    def _compare(self, offset: int, end: End) -> None:
        truth = self._truth
        self.is_in_snapshot = False
        truth.snapshots += 1
        data = b"".join(chunk.data for chunk in self._chunks)
        indices = [chunk.index for chunk in self._chunks]
        if indices != list(range(end.chunks)) or crc32(data) != end.checksum:
            truth.faults.append(f"offset {offset}: the parts of the snapshot are not its own")
            return
        told = dict(zip(_SNAPSHOT_FIELDS, msgspec.msgpack.decode(data), strict=True))
        truth.faults += [
            f"offset {offset}: the snapshot at tick {told['number']} differs in {what}"
            for what in self._differences(told)
        ]

    def _differences(self, told: dict[str, Any]) -> Iterator[str]:
        truth = self._truth
        if told["number"] != truth.ticks[-1].number:
            yield f"its number (should be {truth.ticks[-1].number})"
        if told["next_offset"] != self._position:
            yield f"its source offset ({told['next_offset']}, should be {self._position})"
        if sum(told["dead_letters"].values()) != len(truth.dead_letters):
            yield f"its dead letters ({told['dead_letters']})"
        own = dump(truth.ledger)
        if told["ledger"] != own:
            yield f"the ledger: {_differing_parts(told['ledger'], own)}"


def _differing_parts(told: bytes, own: bytes) -> str:
    parts = zip(msgspec.msgpack.decode(told), msgspec.msgpack.decode(own), strict=False)
    found = [(n, str(a)[:120], str(b)[:120]) for n, (a, b) in enumerate(parts) if a != b]
    return "; ".join(f"part {n}: {a} / {b}" for n, a, b in found)


def _tick(truth: PartitionTruth, offset: int, tick: Tick) -> RebuiltTick:
    return RebuiltTick(
        offset=offset,
        number=tick.number,
        epoch=tick.epoch,
        to_offset=tick.steps[-1][0] if tick.steps else truth.ticks[-1].to_offset,
        now=truth.ledger.now,
        series=frozenset(series_at(truth).items()),
    )


def series_at(truth: PartitionTruth) -> dict[Key, float]:
    """Return the totals that `/metrics` has to export now, without zeros."""
    found: dict[Key, float] = {}
    for label, totals in truth.ledger.totals.queues.items():
        for (name, *labels), value in _of_queue(totals):
            found[(name, *sorted([*labels, f"queue={label}"]))] = value
    for fate, number in truth.ledger.fates.items():
        found["callcenter_events_total", f"fate={fate}"] = number
    for reason, number in Counter(truth.dead_letters.values()).items():
        found["callcenter_dead_letters_total", f"reason={reason}"] = number
    found["callcenter_boundary_ambiguous_total",] = truth.ledger.boundary_ambiguous
    return {_KEYS.setdefault(key, key): float(value) for key, value in found.items() if value}


_KEYS: Final[dict[Key, Key]] = {}
"""Each key once: there is one for each series and tick."""


def _of_queue(totals: QueueTotals) -> Iterator[tuple[tuple[str, ...], float]]:
    counts = totals.counts
    plain = {
        "calls_offered": [("offered", "offered")],
        "answer_promises": [("answer", "kept"), ("answer", "broken")],
        "answer_promises_broken": [("answer", "broken")],
        "callback_promises_opened": [("opened", "opened")],
        "callback_promises": [("callback", s) for s in ("kept", "kept_by_recall", "broken")],
        "callback_promises_broken": [("callback", "broken")],
        "promises": [("promise", "kept"), ("promise", "broken")],
        "promises_broken": [("promise", "broken")],
    }
    for name, keys in plain.items():
        yield (f"callcenter_{name}_total",), sum(counts.get(key, 0) for key in keys)
    states = {
        "outcome": ("calls", "outcome"),
        "usefulness": ("answers", "usefulness"),
        "callback": ("callback_promises_settled", "state"),
        "late": ("callback_promises_settled", "state"),
    }
    for (verdict, state), number in counts.items():
        if verdict in states:
            name, label = states[verdict]
            yield (f"callcenter_{name}_total", f"{label}={state}"), number
    for (verdict, was, state), number in totals.corrections.items():
        labels = (f"verdict={verdict}", f"from={was}", f"to={state}")
        yield ("callcenter_corrections_total", *labels), number
    yield from _histogram("callcenter_answer_wait_seconds", totals.answer_wait)
    yield from _histogram("callcenter_callback_delay_seconds", totals.callback_delay)


def _histogram(name: str, durations: Any) -> Iterator[tuple[tuple[str, ...], float]]:
    below = 0
    for bound, number in zip([*durations.bounds, "+Inf"], durations.counts, strict=True):
        below += number
        yield (f"{name}_bucket", f"le={bound}"), below
    yield (f"{name}_sum",), durations.total / 1_000_000
    yield (f"{name}_count",), below
