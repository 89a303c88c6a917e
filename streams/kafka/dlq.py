"""Reading the topic of dead letters, for whoever has to find out what was refused and why.

Beside the letters the topic holds marks: each is written by `callsla dlq replay` and notes which
letters have been replayed. A mark comes after its letters, in their partition, so it is kept at
least as long as they are; offsets of a consumer group would be forgotten after a week.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, NamedTuple

import orjson
from kafka import KafkaConsumer, TopicPartition
from msgspec import Struct

from streams.instants import MILLISECOND
from streams.kafka.dead_letters import (
    HEADER_PREFIX,
    MARK_HEADER,
    ORIGIN_HEADER,
    REPLAY_PREFIX,
    VALUE_OMITTED,
)
from streams.kafka.errors import EdgeError, UnreachableError
from streams.kafka.security import kafka_python_options
from streams.kafka.topics import translated
from streams.settings import Settings, SettingsError

__all__ = [
    "DeadLetterTopic",
    "Filters",
    "Identity",
    "Letter",
    "Place",
    "Position",
    "dead_letter_topic",
    "encode_mark",
    "letter_of",
]

POLL_MS: Final = 1000
SILENT_SECONDS: Final = 30.0
_PLACE: Final = re.compile(r"([\w.-]{1,249})/(\d{1,9}):(\d{1,18})@(-?\d{1,18})", re.ASCII)

Identity = tuple[str, int]
"""Of a refusal: where the record was refused for the first time, and at which attempt this was.

A worker that starts again may write a letter a second time; both have the same identity.
"""


class Position(NamedTuple):
    """Where a dead letter is in the topic of dead letters."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Place(NamedTuple):
    """Where a refused record came from; `timestamp` in milliseconds, -1 for none.

    The timestamp tells records apart of which one was in a topic that has been made anew.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}:{self.offset}@{self.timestamp}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """Return what `str` of a place says; None: it is none."""
        found = _PLACE.fullmatch(text)
        return cls(found[1], int(found[2]), int(found[3]), int(found[4])) if found else None


class Letter(Struct, frozen=True, dict=True):
    """One record of the topic that is no mark.

    `headers` are the record's own, `told` is what ours say (without prefix), `refused_at` is in
    microseconds. `source` is None in a record that no worker wrote.
    """

    position: Position
    refused_at: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    told: Mapping[str, str]

    @cached_property
    def source(self) -> Place | None:
        """Where the record was refused."""
        names = ("partition", "offset", "timestamp")
        topic, (partition, offset, stamp) = self.told.get("topic"), map(self.told.get, names)
        return Place.parse(f"{topic}/{partition}:{offset}@{stamp}")

    @cached_property
    def origin(self) -> Place | None:
        """Where the record was refused for the first time, before any replay."""
        found = [value for name, value in self.headers if name == ORIGIN_HEADER and value]
        return Place.parse(found[-1].decode(errors="replace")) if found else self.source

    @property
    def identity(self) -> Identity:
        """What is the same in every letter about the same refusal."""
        return (str(self.origin), self.attempt) if self.origin else (str(self.position), 0)

    @property
    def attempt(self) -> int:
        """1 for a record that had never been replayed, 2 for one that failed again, ..."""
        text = self.told.get("attempt", "1")
        return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 1

    @property
    def omitted(self) -> bool:
        """Whether the record's value was too large for the topic and is not here."""
        return VALUE_OMITTED.removeprefix(HEADER_PREFIX) in self.told

    @property
    def own_headers(self) -> list[tuple[str, bytes | None]]:
        """The headers the record had when it was refused for the first time."""
        return [pair for pair in self.headers if not pair[0].startswith(REPLAY_PREFIX)]


class Filters(Struct, frozen=True, kw_only=True):
    """Which letters are meant; the times are those of the refusal, in microseconds."""

    reasons: frozenset[str] = frozenset()
    topic: str | None = None
    since: int | None = None
    until: int | None = None
    partition: int | None = None

    def take(self, letter: Letter) -> bool:
        """Return whether `letter` is one of them; `until` itself is not."""
        return (
            (not self.reasons or letter.told.get("reason") in self.reasons)
            and self.topic in (None, letter.told.get("topic"))
            and (self.since is None or letter.refused_at >= self.since)
            and (self.until is None or letter.refused_at < self.until)
        )


class DeadLetterTopic:
    """The dead letters up to the moment at which this was made."""

    def __init__(self, consumer: Any, name: str) -> None:
        self.name = name
        self._consumer = consumer
        tps = [TopicPartition(name, number) for number in sorted(self.partitions_of(name))]
        if not tps:
            raise EdgeError(f"the topic {name} does not exist: callsla topics create")
        starts, ends = consumer.beginning_offsets(tps), consumer.end_offsets(tps)
        self.bounds: dict[int, tuple[int, int]] = {
            tp.partition: (starts[tp], ends[tp]) for tp in tps
        }

    def partitions_of(self, topic: str) -> set[int]:
        """Return the partitions of any topic; none if it does not exist."""
        return set(self._consumer.partitions_for_topic(topic) or ())

    def letters(self, filters: Filters) -> Iterator[Letter]:
        """Yield the letters that `filters` take, partition by partition, the oldest first.

        Raises:
            EdgeError: the topic has no such partition.
            UnreachableError: the broker does not answer any more.
        """
        for partition in self._chosen(filters.partition):
            for record in self._records(partition, self._first(partition, filters.since)):
                letter = letter_of(record)
                if letter is not None and filters.take(letter):
                    yield letter

    def at(self, position: Position) -> Letter:
        """Return the letter at `position`.

        Raises:
            EdgeError: there is none.
        """
        (partition,) = self._chosen(position.partition)
        start, end = self.bounds[partition]
        if start <= position.offset < end:
            record = next(self._records(partition, position.offset), None)
            letter = letter_of(record) if record and record.offset == position.offset else None
            if letter is not None:
                return letter
            raise EdgeError(f"there is no dead letter at {position}: a mark, or removed")
        holds = f"holds {start} to {end - 1}" if start < end else "is empty"
        raise EdgeError(f"there is no dead letter at {position}: partition {partition} {holds}")

    def replayed(self, partition: int | None = None) -> set[Identity]:
        """Return what the marks of all partitions, or of one, say."""
        found: set[Identity] = set()
        for number in self._chosen(partition):
            for record in self._records(number, 0):
                found.update(_marked(record))
        return found

    def _chosen(self, partition: int | None) -> list[int]:
        if partition is None:
            return list(self.bounds)
        if partition not in self.bounds:
            last = max(self.bounds)
            raise EdgeError(f"{self.name} has no partition {partition}, only 0 to {last}")
        return [partition]

    def _first(self, partition: int, since: int | None) -> int:
        """Return the first offset written at `since` (microseconds) or later."""
        if since is None:
            return 0
        tp = TopicPartition(self.name, partition)
        found = self._consumer.offsets_for_times({tp: max(0, since // MILLISECOND)})[tp]
        return self.bounds[partition][1] if found is None else int(found.offset)

    def _records(self, partition: int, first: int) -> Iterator[Any]:
        tp, (start, end) = TopicPartition(self.name, partition), self.bounds[partition]
        position, heard = max(start, first), time.monotonic()
        self._consumer.assign([tp])
        self._consumer.seek(tp, position)
        while position < end:
            records = self._consumer.poll(POLL_MS).get(tp, [])
            yield from (record for record in records if record.offset < end)
            if self._consumer.position(tp) > position:
                position, heard = self._consumer.position(tp), time.monotonic()
            elif time.monotonic() - heard > SILENT_SECONDS:
                raise UnreachableError(f"the broker does not hand out {self.name} any more")


@contextmanager
def dead_letter_topic(settings: Settings) -> Iterator[DeadLetterTopic]:
    """Open the dead letters for the time of the block.

    Raises:
        SettingsError: the broker of `settings` is the embedded one.
        UnreachableError: no broker answers.
        EdgeError: the topic does not exist, or the broker refuses.
    """
    if settings.embedded:
        raise SettingsError(
            "the embedded broker ends with its worker, and its dead letters with it: "
            "set `broker` to a real one"
        )
    with translated(settings):
        consumer = KafkaConsumer(
            **kafka_python_options(settings),
            client_id=f"{settings.group}-dlq",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=10_000,
        )
        try:
            yield DeadLetterTopic(consumer, settings.dead_letters_topic)
        finally:
            consumer.close()


def letter_of(record: Any) -> Letter | None:
    """Return the letter in `record`, as kafka-python read it; None: it is a mark."""
    if _is_mark(record):
        return None
    told = {
        name.removeprefix(HEADER_PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(HEADER_PREFIX)
    }
    return Letter(
        position=Position(record.partition, record.offset),
        refused_at=record.timestamp * MILLISECOND,
        key=record.key,
        value=record.value,
        headers=[pair for pair in record.headers if not pair[0].startswith(HEADER_PREFIX)],
        told=told,
    )


def encode_mark(identities: Iterable[Identity]) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return value and headers of the mark that notes `identities` as replayed."""
    return orjson.dumps({"replayed": list(identities)}), [(MARK_HEADER, b"1")]


def _is_mark(record: Any) -> bool:
    """A dead letter can have carried the header of a mark before it was refused."""
    names = {name for name, _ in record.headers}
    return MARK_HEADER in names and not any(name.startswith(HEADER_PREFIX) for name in names)


def _marked(record: Any) -> Iterator[Identity]:
    if not _is_mark(record):
        return
    try:
        rows = orjson.loads(record.value or b"")["replayed"]
        yield from [(str(origin), int(attempt)) for origin, attempt in rows]
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        # Nothing of ours; what it may have meant would be replayed once more at worst.
        return
