"""The deterministic state machine of one partition: records and ticks in, verdicts out.

Nothing but the records of the source, in offset order, and `advance(now)` may influence it: no
clock, no chance, no setting that is not in the log. So the same records and ticks give the same
hash at every tick, wherever and whenever they are taken in.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple
from zlib import crc32

import msgspec
from msgspec import Struct

from streams.collector import uncollected
from streams.events import REASONS
from streams.instants import MINUTE, SECOND
from streams.kafka.batch import Record
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.ledgerlog.records import LogDamagedError, Tick
from streams.ledger import Ledger
from streams.ledger.changes import Change
from streams.ledger.intake import NEVER, Intake
from streams.ledger.rules import Rules
from streams.ledger.snapshot import SnapshotError, load
from streams.ledger.totals import Histogram
from streams.ledger.writing import Writing, dump, prepare
from streams.packed_changes import packed

__all__ = ["MOST_UNJUDGED", "STRIDE", "Machine", "Outcome", "StateWriting"]

STRIDE: Final = 5 * MINUTE
"""While behind, deadlines fire at least every so much event time.

Verdicts are functions of the facts, so any stride gives the same within `lateness`; in a long one
what happened to a call is judged together.
"""
SHORTEST_STRIDE: Final = 30 * SECOND
"""However soon a repeated call makes no answer useless any more: each stride costs a step."""
MOST_UNJUDGED: Final = 2000
"""When so many calls wait to be judged they are, in some milliseconds: nothing else has its turn
meanwhile."""


class _State(Struct, array_like=True):
    number: int
    next_offset: int
    hash: int
    newest_record: int
    unknown_fields: int
    losses: int
    dead_letters: dict[str, int]
    ledger: bytes


class Outcome(NamedTuple):
    """What came of the stretch that a tick closes."""

    changes: list[Change]
    dead_letters: Sequence[DeadLetter]


_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode
_plainly: Final = msgspec.msgpack.Encoder().encode
"""What it is given is in order: nothing has to be sorted each time."""
_EIGHT: Final = b"\x98"
"""Begins a MessagePack array of eight elements."""
_decode_state: Final = msgspec.msgpack.Decoder(_State).decode


class Machine:
    """The ledger of partition `partition` of `topic`, and what else its records determine."""

    def __init__(self, topic: str, partition: int, rules: Rules) -> None:
        self.topic = topic
        self.partition = partition
        self.ledger = Ledger(rules)
        self.next_offset = 0
        """the source offset up to which everything is applied"""
        self.number = 0
        """of the last tick"""
        self.hash = 0
        """rolling, as of the last tick"""
        self.dead_letters: dict[str, int] = dict.fromkeys(REASONS, 0)
        self.losses = 0
        """how often an owner had to go on without what could not be rebuilt"""
        self._intake = Intake()
        self._unknown_fields = 0
        self._refused: list[DeadLetter] = []
        self._steps: list[tuple[int, int]] = []
        self._stride = _stride_of(rules)

    @property
    def rules(self) -> Rules:
        """What decides a verdict now."""
        return self.ledger.rules

    @property
    def unknown_fields(self) -> int:
        """Fields of events that were tolerated without being understood."""
        return self._unknown_fields + self._intake.unknown_fields

    @property
    def newest_record(self) -> int:
        """The highest timestamp (microseconds) of the records applied."""
        return self._intake.newest_record

    @property
    def watermark(self) -> int:
        """The highest event time applied, but no later than Kafka has stamped any record.

        Otherwise one event a minute ahead of its time, read from a backlog, would fire the
        deadlines of a minute early.
        """
        return min(self.ledger.watermark, self.newest_record or self.ledger.watermark)

    def take(
        self,
        records: Sequence[Record],
        next_offset: int,
        stride: Callable[[], int] | None = None,
        latency: Histogram | None = None,
        wall: int = 0,
    ) -> None:
        """Apply `records`, the next ones of the source; the source goes on at `next_offset`.

        `stride` says up to when deadlines may fire after a stride of event time inside the batch
        (None: never); `latency` counts how old each event was at `wall` (microseconds).
        """
        take, ledger, done = self._intake.take, self.ledger, 0
        while done < len(records):
            ends = NEVER if stride is None else self._stride_ends()
            done = take(ledger, records, done, ends, latency, wall)
            if stride is not None and (ledger.watermark > ends or self._has_much_to_judge()):
                self.next_offset = records[done - 1].offset + 1
                self.go_on(stride())
        self._refuse(records)
        self.next_offset = next_offset

    def _has_much_to_judge(self) -> bool:
        book = self.ledger.book
        # A tick has a snapshot that is being written be written at once, which takes longer.
        return book.originals is None and len(book.touched_calls()) >= MOST_UNJUDGED

    def go_on(self, now: int) -> None:
        """Fire every deadline up to `now`, after a gap in two steps.

        Otherwise an answer whose customer rang again before the gap would be useful first, because
        so much time has passed, and corrected at once.
        """
        reached = self.ledger.now + self._stride
        if now > reached + self._stride:
            self.advance(reached)
        self.advance(now)

    def advance(self, now: int) -> None:
        """Fire every deadline up to `now`."""
        self.ledger.advance(now)
        self._steps.append((self.next_offset, now))

    def close(self, epoch: int) -> tuple[Tick, Outcome]:
        """End the stretch since the last tick: return its tick and what came of it."""
        outcome = Outcome(self.ledger.drain(), self._refused)
        self._refused = []
        self.number += 1
        self.hash = crc32(packed(outcome.changes), crc32(self._digest(), self.hash))
        tick = Tick(self.number, epoch, tuple(self._steps), self.hash)
        self._steps = []
        return tick, outcome

    def repeat(self, tick: Tick, records: Callable[[int], Sequence[Record]]) -> Outcome:
        """Do what `tick` says was done; `records(to_offset)` hands on the next of the source.

        Raises:
            LogDamagedError: a tick is missing before it, or the result is another than then.
        """
        if tick.number != self.number + 1:
            raise LogDamagedError(f"tick {tick.number} follows tick {self.number}")
        reached = [self.next_offset, *(to_offset for to_offset, _ in tick.steps)]
        if reached != sorted(reached):
            raise LogDamagedError(f"tick {tick.number} goes back from source offset {max(reached)}")
        for to_offset, now in tick.steps:
            self.take(records(to_offset), to_offset)
            self.advance(now)
        again, outcome = self.close(tick.epoch)
        if again.hash != tick.hash:
            msg = f"tick {tick.number} (source offset {self.next_offset}) has another hash"
            raise LogDamagedError(msg)
        return outcome

    def prepare(self) -> Iterator[None]:
        """Write beforehand what `write` is likely to need, a little at each step; at any time."""
        return prepare(self.ledger)

    def write(self) -> "StateWriting":
        """Begin to write the whole state as of the last tick.

        Only right after `close`: what was applied since would be lost.
        """
        return StateWriting(self)

    def dump(self) -> bytes:
        """Return the whole state as of the last tick; equal states give equal bytes.

        Only right after `close`, as `write`.
        """
        return _enveloped(self, dump(self.ledger))

    @classmethod
    def load(cls, topic: str, partition: int, rules: Rules, data: bytes) -> "Machine":
        """Return a machine that goes on exactly where the dumped one stopped.

        Raises:
            LogDamagedError: the bytes are damaged or of another version.
        """
        machine = cls(topic, partition, rules)
        try:
            state = _decode_state(data)
            with uncollected():
                machine.ledger = load(rules, state.ledger)
        except (msgspec.MsgspecError, SnapshotError) as error:
            raise LogDamagedError(f"a snapshot that cannot be read: {error}") from None
        machine.number = state.number
        machine.next_offset = state.next_offset
        machine.hash = state.hash
        machine._intake.newest_record = state.newest_record
        machine._unknown_fields = state.unknown_fields
        machine.losses = state.losses
        machine.dead_letters.update(state.dead_letters)
        return machine

    def change_rules(self, rules: Rules) -> None:
        """Judge by `rules` from here on; what was decided stays decided."""
        if _in_order(rules) != _in_order(self.ledger.rules):
            self.ledger = load(rules, dump(self.ledger))
            self._stride = _stride_of(rules)

    def _digest(self) -> bytes:
        """Return the beginning of an array whose last element is what changed."""
        ledger = self.ledger
        told = _plainly(
            [
                self.next_offset,
                ledger.now,
                ledger.watermark,
                self.newest_record,
                ledger.boundary_ambiguous,
                list(ledger.fates.values()),
                list(self.dead_letters.values()),
            ]
        )
        return _EIGHT + told[1:]

    def _stride_ends(self) -> int:
        """Return the watermark at which the next tick inside a batch is due."""
        return self.ledger.now + self.ledger.rules.grace + self._stride

    def _refuse(self, records: Sequence[Record]) -> None:
        """Make dead letters of what was refused of `records`."""
        for one in self._intake.refused:
            self.dead_letters[one.reason] += 1
            record = records[one.position]
            letter = DeadLetter(
                record, self.topic, self.partition, one.stage, one.reason, one.detail
            )
            self._refused.append(letter)
        self._intake.refused.clear()


class StateWriting:
    """The state of a machine, written a little at a time; what it takes in meanwhile is not in it.

    `finish` or `give_up` ends it.
    """

    def __init__(self, machine: Machine) -> None:
        self._ledger = Writing(machine.ledger)
        self._around = _enveloped(machine, b"")

    def step(self) -> bool:
        """Write for a millisecond or less; False if all is written."""
        return self._ledger.step()

    def finish(self) -> bytes:
        """Return the bytes that `Machine.dump` would have returned at the beginning."""
        state = _decode_state(self._around)
        state.ledger = self._ledger.finish()
        return _encode(state)

    def give_up(self) -> None:
        """Have the machine keep nothing for it any longer."""
        self._ledger.give_up()


def _enveloped(machine: Machine, ledger: bytes) -> bytes:
    return _encode(
        _State(
            number=machine.number,
            next_offset=machine.next_offset,
            hash=machine.hash,
            newest_record=machine.newest_record,
            unknown_fields=machine.unknown_fields,
            losses=machine.losses,
            dead_letters=machine.dead_letters,
            ledger=ledger,
        )
    )


def _stride_of(rules: Rules) -> int:
    """Return a stride in which no answer can become useful for want of a repeated call."""
    shortest = min(one.repeat_window for one in (rules.default, *rules.queues.values()))
    return max(SHORTEST_STRIDE, min(STRIDE, shortest // 2))


def _in_order(rules: Rules) -> bytes:
    """Return `rules` to compare: of the patterns of queues the first that matches counts."""
    return msgspec.msgpack.encode(rules)
