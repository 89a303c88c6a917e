"""The readers of vendors' records: queue_log, call records, canonical events line by line."""

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from fuzzing.engine import Target, one_line
from fuzzing.event_targets import EVENTS, SECRET, reread
from fuzzing.mutation import mutate
from fuzzing.trees import as_json, spoil
from streams.events import REASONS, Event
from streams.sources import Options, Pseudonyms, Source, SourceError, open_input
from streams.sources.asterisk_queue_log import AsteriskQueueLog
from streams.sources.call_records import COLUMNS, CallRecords
from streams.sources.canonical import CanonicalEvents
from streams.sources.pseudonym import Key

__all__ = ["CallTables", "EventLines", "QueueLogs", "Watched", "read_all"]

T: Final = 1_767_571_200
"""2026-01-05T00:00:00Z"""
_FORMER: Final = Key("old", b"a former secret of ours", (T + 1000) * 1_000_000)
_PSEUDONYMS: Final = Pseudonyms(Key("new", b"a secret of the tests"), (_FORMER,), "GB")


class Watched:
    """Options for a source whose refusals are looked at as they come."""

    def __init__(self, **more: object) -> None:
        self.refused = 0
        self.options = Options(
            pseudonyms=_PSEUDONYMS,
            callback_keys=frozenset("1"),
            dial_prefix="9",
            on_rejected=self._refused,
            **more,  # type: ignore[arg-type]
        )

    def _refused(self, _line: int, reason: str, detail: str) -> None:
        assert reason in REASONS
        one_line(detail, SECRET[-9:])
        self.refused += 1


def read_all(source: Source, watched: Watched, lines: Sequence[bytes]) -> list[Event]:
    """Return the events of `lines`, each of which must be able to go over the wire."""
    events = list(source.read(lines))
    assert sum(source.rejected.values()) == watched.refused
    assert source.records >= watched.refused
    for event in events:
        reread(event)
    return events


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True) if b"\r" not in data else _by_newline(data)


def _by_newline(data: bytes) -> list[bytes]:
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


class QueueLogs(Target):
    """A few lines of a queue_log between two that are right and must be read."""

    name = "queue-log"

    def make(self, random: Random) -> bytes:
        began = random.choice((T, T, T, T, T, T, 631_152_000, 4_102_444_780))
        seconds = 0
        lines = []
        for _ in range(random.choice((1, 2, 3, 5, 8))):
            seconds += random.choice((0, 0, 1, 2, 40))
            line = b"%d|%s" % (began + seconds, random.choice(_LOG))
            lines.append(line.replace(b"|c1|", b"|%s|" % random.choice(_CALL_IDS)))
        if random.random() < 0.8:
            at = random.randrange(len(lines))
            lines[at] = mutate(random, lines[at], _LOG_TOKENS, _LOG)
        return b"\n".join(lines)

    def check(self, data: bytes) -> bool:
        watched = Watched()
        source = AsteriskQueueLog(watched.options)
        first = b"%d|first|sales|NONE|ENTERQUEUE||07700900123|1\n" % T
        last = b"%d|last|sales|NONE|ENTERQUEUE||07700900124|1\n" % (T + 7200)
        events = read_all(source, watched, [first, *_by_newline(data + b"\n"), last])
        told = {event.call_id for event in events if event.kind == "call.queued"}  # type: ignore[union-attr]
        assert {"first", "last"} <= told
        return len(events) > 2


class CallTables(Target):
    """A few rows of call records between two that are right; sometimes a header is spoilt."""

    name = "call-records"

    def make(self, random: Random) -> bytes:
        columns = random.sample(COLUMNS, random.randint(4, len(COLUMNS)))
        mark = random.choice(",;\t")
        rows = [mark.join(columns)]
        for _ in range(random.choice((1, 2, 4))):
            right = random.random() < 0.5
            cells = [_cell(random, column, right=right) for column in columns]
            rows.append(mark.join(cells))
        data = "\n".join(rows).encode()
        return mutate(random, data, _TABLE_TOKENS) if random.random() < 0.8 else data

    def check(self, data: bytes) -> bool:
        self._alone(data)
        watched = Watched(timezone="Europe/Berlin")
        source = CallRecords(watched.options)
        head = b"call_id,queue,offered_at,agent\n"
        first, last = b"first,sales,%d,ann\n" % T, b"last,sales,%d,ann\n" % (T + 7200)
        lines = [head, first, *_by_newline(data + b"\n"), head, last]
        events = read_all(source, watched, lines)
        told = {event.call_id for event in events if event.kind == "call.offered"}  # type: ignore[union-attr]
        assert {"first", "last"} <= told
        return len(events) > 2

    def _alone(self, data: bytes) -> None:
        watched = Watched()
        try:
            read_all(CallRecords(watched.options), watched, _by_newline(data))
        except SourceError as error:
            one_line(str(error), SECRET[1:])


class EventLines(Target):
    """Canonical events in a file, plain or gzip, between two lines that are right.

    The first byte of an input says how the rest gets into the file.
    """

    name = "event-lines"

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._path = Path(self._folder.name) / "events"

    def close(self) -> None:
        self._folder.cleanup()

    def make(self, random: Random) -> bytes:
        lines = []
        for _ in range(random.choice((1, 2, 4))):
            fields = random.choice(EVENTS)
            fields = spoil(random, fields, list(fields)) if random.random() < 0.5 else fields
            lines.append(as_json(random, fields))
        data = b"\n".join(lines)
        if random.random() < 0.6:
            data = mutate(random, data, (b"\n", b"\r\n", b"\0", b"\x1f\x8b", b"\n\n"))
        how = random.choice((_PLAIN, _PLAIN, _PACKED, _DAMAGED, _DAMAGED, _RAW))
        if how == _DAMAGED:
            data = mutate(random, _packed(data), (b"\x1f\x8b\x08",), (_packed(b"{}\n" * 99),))
        return how + data

    def check(self, data: bytes) -> bool:
        how, content = data[:1], data[1:]
        if how in (_DAMAGED, _RAW):
            return self._any(content)
        whole = _GOOD % b"first" + content + b"\n" + _GOOD % b"last"
        self._path.write_bytes(_packed(whole) if how == _PACKED else whole)
        watched = Watched()
        lines = list(open_input(self._path))
        assert b"".join(lines) == whole
        events = read_all(CanonicalEvents(watched.options), watched, lines)
        assert {"first", "last"} <= {event.id for event in events}
        return len(events) > 2

    def _any(self, content: bytes) -> bool:
        self._path.write_bytes(content)
        watched = Watched()
        try:
            read_all(CanonicalEvents(watched.options), watched, list(open_input(self._path)))
        except SourceError as error:
            one_line(str(error))
            return False
        return watched.refused == 0


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


_PLAIN, _PACKED, _DAMAGED, _RAW = b"p", b"z", b"d", b"r"
_GOOD: Final = b'{"id":"%s","kind":"call.offered","at":"2026-01-05T00:00:00Z","call_id":"c1"}\n'

_LOG: Final = [
    rest.encode()
    for rest in (
        "NONE|NONE|NONE|QUEUESTART|",
        "c1|sales|NONE|ENTERQUEUE||+447700900123|1",
        "c1|stock|NONE|ENTERQUEUE||anonymous|2",
        "c1|sales|SIP/ann|CONNECT|7|c9|3",
        "c1|sales|NONE|ABANDON|1|1|12",
        "c1|sales|NONE|EXITWITHKEY|1|1|9|4",
        "c1|sales|NONE|EXITWITHTIMEOUT|1|1|30",
        "c1|sales|NONE|EXITEMPTY|1|1|3",
        "c1|sales|NONE|WITHDRAW|",
        "c1|sales|SIP/ann|COMPLETEAGENT|7|120|1",
        "c1|sales|SIP/ann|COMPLETECALLER|7|5|1",
        "c1|sales|SIP/ann|BLINDTRANSFER|4000|default|7|30|1",
        "c1|sales|SIP/ann|ATTENDEDTRANSFER|BRIDGE|b|7|30|1",
        "c1|sales|SIP/ann|TRANSFER|07700900123,default|7|30",
        "c1|sales|SIP/ann|SYSCOMPAT|",
        "c1|sales|SIP/ann|AGENTDUMP|",
        "c1|sales|SIP/ann|RINGNOANSWER|5000",
        "c1|NONE|Local/07700900123@out|OUTDIAL|9+447700900123|trunk|1",
        "c1|NONE|SIP/ann|OUTANSWER|907700900123|ANSWER|6|86400",
        "c1|NONE|SIP/ann|OUTNOANSWER|07700900123|CANCEL|30",
        "c1|NONE|SIP/ann|OUTBUSY|07700900123|BUSY|86399",
        "c1|sales|SIP/ann|OUTCALL|ANSWER|40|since=12|number=07700900123",
        "c1|sales|SIP/ann|OUTCALL|NOANSWER|0|12",
        "MANAGER|sales|SIP/ann|PAUSE|lunch",
        "REALTIME|NONE|SIP/ann|ADDMEMBER|",
    )
]
_CALL_IDS: Final = (b"c1", b"c1", b"c2", b"c3", b"c" * 103, b"c" * 128)
_LOG_TOKENS: Final = [
    *(b"|", b"||", b"|" * 300, b"NONE", b"ENTERQUEUE", b"OUTDIAL", b"OUTCALL", b"QUEUESTART"),
    *(b"631152000|", b"4102444799|", b"4102444800|", b"631151999|", b"999999999999|", b"86401"),
    *(b"07700900123 " * 200, b"<sip:07700900123@x>", b"tel:", b"+0", b"000", b"x" * 5000),
    *(b"c1" * 64, b"c1" * 65, "\u00b2\u0664".encode(), b"-1", b"99999", b"@", b"<", b">"),
]


def _cell(random: Random, column: str, *, right: bool) -> str:
    """Return a cell that is `right`, or any."""
    cells = _CELLS.get(column, _TIMES)
    return random.choice(cells[:2] if right else cells)


_TIMES: Final = (
    *("2026-01-05T00:00:07Z", "2026-01-05T01:00:07+01:00", "1767571207", "1767571207250", ""),
    *("2026-03-29T02:30:00", "2026-10-25 02:30", "1767571207.123456789", "2026-W01-1T00", "x"),
    *("0001-01-01T00:00", "9999-12-31T23:59:59.999999", "20260105T000007", "2026-01-05T24:00:00"),
)
_CELLS: Final[dict[str, tuple[str, ...]]] = {
    "record": ("call", "callback", "", "Call", "x"),
    "call_id": ("c1", "c2", "", "x" * 128),
    "queue": ("sales", "stock", '"sa""les"', ""),
    "customer": ("k1", "+447700900123", "", '"+44 7700 900123"'),
    "phone": ("07700900123", "anonymous", "", "00447700900123"),
    "anonymous": ("true", "no", "", "perhaps"),
    "outcome": ("answered", "abandoned", "diverted", "rejected", "lost", "callback_requested", ""),
    "answered_by": ("human", "bot", "", "nobody"),
    "ended_by": ("customer", "agent", "system", ""),
    "resolved": ("true", "0", ""),
    "agent": ("ann", ""),
    "source": ("pbx", ""),
    "with": ("human", "voicemail", ""),
}
_TABLE_TOKENS: Final = [
    *(b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\n\n", b"\0", b"x" * 140_000, b"," * 300),
    *(b"\ncall_id,offered_at\n", b"\ncall_id,call_id,offered_at\n", b'\n"call_id,offered_at\n'),
    *(b"\noffered_at;call_id,x\n", b"\nrecord,connected_at\n", b"offered_at", b"call_id"),
    *("\u0661\u0662".encode(), "\u2028".encode(), b"e400", b"+14:60", b"1e9", b"1767571207_000"),
]
