"""The log of ticks and snapshots, and the state of a ledger in a snapshot."""

from functools import cache
from itertools import pairwise
from random import Random
from typing import Any, Final
from zlib import crc32

import msgspec

from fuzzing.engine import Target, one_line
from fuzzing.event_targets import EVENTS
from fuzzing.mutation import mutate
from fuzzing.trees import odd_value
from streams.events import EventDecoder
from streams.instants import HOUR, SECOND
from streams.kafka.ledgerlog.history import History
from streams.kafka.ledgerlog.records import (
    Chunk,
    End,
    Epoch,
    LogDamagedError,
    LogRecord,
    Tick,
    decode,
    encode,
)
from streams.ledger import Ledger, QueueRules, Rules
from streams.ledger.snapshot import SnapshotError, load
from streams.ledger.writing import dump

__all__ = ["LogHistories", "LogRecords", "Snapshots"]

T: Final = 1_767_571_200 * SECOND
_RULES: Final = Rules(queues={"sales*": QueueRules(answer_target=5 * SECOND)}, max_queues=20)


def _records() -> list[LogRecord]:
    data = dump(Ledger(_RULES))
    return [
        Epoch(_RULES, "0.1.0", "worker-1"),
        Tick(1, 0, ((10, T), (20, T + SECOND)), 0xDEADBEEF),
        Tick(2, 0, (), 0),
        Epoch(Rules(), "0.1.0", "worker-1", claimed=3),
        Chunk(3, 0, data[:100]),
        Chunk(3, 1, data[100:]),
        End(3, 2, crc32(data)),
        Tick(3, 3, ((21, T + 2 * SECOND),), 7),
        Epoch(Rules(), "0.1.0", "worker-2"),
    ]


_LOG: Final = [encode(record) for record in _records()]


class LogRecords(Target):
    """One record of the log."""

    name = "log-records"

    def make(self, random: Random) -> bytes:
        value = random.choice(_LOG)
        choice = random.random()
        if choice < 0.5:
            value = value[:3] + _spoilt_message(random, value[3:])
        return mutate(random, value, _TOKENS, _LOG) if choice > 0.35 else value

    def check(self, data: bytes) -> bool:
        try:
            record = decode(data)
        except LogDamagedError as error:
            one_line(str(error))
            return False
        if "nan" not in repr(record):
            assert decode(encode(record)) == record
        return True


class LogHistories(Target):
    """A log from its first record on; in an input each record has two bytes of length before it."""

    name = "log-history"

    def make(self, random: Random) -> bytes:
        values = list(_LOG)
        for _ in range(random.choice((1, 1, 2, 4))):
            at = random.randrange(len(values))
            _WAYS[random.randrange(len(_WAYS))](random, values, at)
        return b"".join(len(value).to_bytes(2, "big") + value for value in values)

    def check(self, data: bytes) -> bool:
        history = History(0)
        whole = True
        offset = 0
        while data:
            length = int.from_bytes(data[:2], "big")
            value, data = data[2 : 2 + length], data[2 + length :]
            try:
                history.read(offset, value)
            except LogDamagedError as error:
                one_line(str(error))
                whole = False
            offset += 1
        assert history.epoch is None or 0 <= history.epoch < offset
        epochs = [entry.epoch for entry in history.entries if isinstance(entry, Tick)]
        assert all(earlier <= later for earlier, later in pairwise(epochs))
        if history.snapshot is not None:
            _try_load(history.snapshot.rules, history.snapshot.data)
        return whole


def _drop(_: Random, values: list[bytes], at: int) -> None:
    del values[at : at + 1]
    values.append(_LOG[1])


def _twice(random: Random, values: list[bytes], at: int) -> None:
    values.insert(random.randrange(len(values)), values[at])


def _spoil_one(random: Random, values: list[bytes], at: int) -> None:
    values[at] = mutate(random, values[at], _TOKENS, _LOG)[:60_000]


def _retype(random: Random, values: list[bytes], at: int) -> None:
    values[at] = values[at][:3] + _spoilt_message(random, values[at][3:])[:60_000]


_WAYS: Final = (_drop, _twice, _spoil_one, _retype, _retype)


class Snapshots(Target):
    """The state of a ledger; damage that a checksum did not catch, or another program's bytes."""

    name = "snapshot"

    def make(self, random: Random) -> bytes:
        state = random.choice(_states())
        if random.random() < 0.6:
            return _spoilt_message(random, state)
        return mutate(random, state, _TOKENS, _states())

    def check(self, data: bytes) -> bool:
        return _try_load(_RULES, data)


def _try_load(rules: Rules, data: bytes) -> bool:
    try:
        ledger = load(rules, data)
    except SnapshotError as error:
        one_line(str(error))
        return False
    dump(ledger)
    return True


@cache
def _states() -> list[bytes]:
    """Return states of a ledger in the middle of things."""
    ledger = Ledger(_RULES)
    states = [dump(ledger)]
    decoder = EventDecoder()
    for number in range(40):
        fields = EVENTS[number * 5 % len(EVENTS)]
        at = T // 1000 + number * 700
        named = {"call_id": f"c{number % 7}", "customer": f"k{number % 5}", "id": f"e{number}"}
        kept = {name: value for name, value in named.items() if name in fields}
        ledger.apply(decoder.decode(msgspec.json.encode({**fields, **kept, "at": at})))
        if not number % 9:
            ledger.advance(T + number * SECOND)
            states.append(dump(ledger))
    ledger.advance(T + 2 * HOUR)
    return [*states, dump(ledger)]


def _spoilt_message(random: Random, message: bytes) -> bytes:
    """Return a MessagePack `message` with one value in it replaced by an odd one."""
    try:
        tree = msgspec.msgpack.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return message  # spoilt before
    node, way = tree, random.randint(1, 6)
    while way and isinstance(node, list | dict) and node:
        key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if way == 1 or not isinstance(node[key], list | dict) or not node[key]:
            node[key] = _packable(random, node[key])
            break
        node, way = node[key], way - 1
    return msgspec.msgpack.encode(tree)


def _packable(random: Random, before: Any) -> Any:
    if isinstance(before, int) and random.random() < 0.5:
        return random.choice((0, 1, -1, before + 1, 2**32, 2**63 - 1, -(2**63)))
    value = odd_value(random)
    try:
        msgspec.msgpack.encode(value)
    except (OverflowError, ValueError):
        return random.choice((None, b"", b"\0" * 8, "none", [[]]))
    return value


_TOKENS: Final = [
    *(
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\x7f\xff\xff\xff",
    ),
    *(
        b"\xdc\xff\xff",
        b"\x91" * 3000,
        b"\x81\xa1a" * 2000,
        b"\xc0",
        b"\xc1",
        b"\xc2",
        b"\xd5\x01\x00\x00",
    ),
    *(
        b"\xcf" + b"\xff" * 8,
        b"\xd3\x80" + b"\0" * 7,
        b"\xcb\x7f\xf8" + b"\0" * 6,
        b"\xca\x7f\x80\0\0",
    ),
    *(
        b"\xa4tick",
        b"\xa5epoch",
        b"\xa5chunk",
        b"\xa3end",
        b"CL\x01",
        b"CL\x02",
        b"\xc4\x00",
        b"\xff",
    ),
]
