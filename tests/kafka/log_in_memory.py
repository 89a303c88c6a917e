"""The ports of the log in memory: for tests of what is built on them, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from records import TOPIC, Raw

from streams.events import Event, encode
from streams.instants import SECOND
from streams.kafka.batch import Batch
from streams.kafka.keeper import Fruits, OutputWriter, Place
from streams.kafka.ledgerlog import records as log_records
from streams.kafka.ledgerlog.ports import AppendUnknownError, LogStore, Source
from streams.kafka.ledgerlog.records import LogDamagedError, LogRecord
from streams.ledger import Rules

__all__ = ["LOG_TOPIC", "Clock", "MemoryLog", "MemoryOutputs", "MemoryPorts", "MemorySource"]

LOG_TOPIC = "callcenter.ledger"
PORTION = 3
"""Records that a read hands on at a time: little, so that tests cross the border."""


class Clock:
    """A clock in microseconds that stands until it is moved."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> int:
        """Let `seconds` pass and return the time."""
        self.now += round(seconds * SECOND)
        return self.now


class MemoryLog(LogStore):
    """One partition of the ledger topic. `intrude` appends what another worker would."""

    def __init__(self) -> None:
        self.first = 0
        self.values: list[bytes] = []
        self.lost_appends = 0
        """so many next ones never arrive and are never acknowledged"""
        self.lost_answers = 0
        """so many next ones arrive, but their acknowledgement does not"""
        self.open = asyncio.Event()
        """while it is not set, an append waits after it has arrived"""
        self.open.set()
        self.trimmed_to: list[int] = []
        self.on_append: list[Sequence[LogRecord]] = []
        """what others append just before each of the next appends"""

    @property
    def end(self) -> int:
        """The offset that the next record gets."""
        return self.first + len(self.values)

    def intrude(self, *entries: LogRecord) -> int:
        """Append at once; return the offset of the first."""
        first = self.end
        self.values += [log_records.encode(each) for each in entries]
        return first

    def records(self) -> list[LogRecord]:
        """Return every record that is still there."""
        return [log_records.decode(each) for each in self.values]

    def damage(self, offset: int, value: bytes) -> None:
        """Put `value` in the place of a record."""
        self.values[offset - self.first] = value

    async def bounds(self) -> tuple[int, int]:
        """See `LogStore`."""
        await asyncio.sleep(0)
        return self.first, self.end

    async def append(self, values: Sequence[bytes]) -> int:
        """See `LogStore`."""
        await asyncio.sleep(0)
        if self.on_append:
            self.intrude(*self.on_append.pop(0))
        if self.lost_appends:
            self.lost_appends -= 1
            raise AppendUnknownError("lost on the way")
        first = self.end
        self.values += values
        if self.lost_answers:
            self.lost_answers -= 1
            raise AppendUnknownError("the answer was lost")
        await self.open.wait()
        return first

    async def read(self, first: int, end: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """See `LogStore`; what was trimmed is not there, as on Kafka."""
        for start in range(first, end, PORTION):
            await asyncio.sleep(0)
            if start < self.first:
                raise LogDamagedError(f"does not hold offset {start} any more")
            inside = range(start, min(start + PORTION, end))
            yield [(offset, self.values[offset - self.first]) for offset in inside]

    async def trim(self, below: int) -> bool:
        """See `LogStore`."""
        await asyncio.sleep(0)
        self.trimmed_to.append(below)
        cut = max(0, below - self.first)
        self.values, self.first = self.values[cut:], self.first + cut
        return True


class MemorySource(Source):
    """One partition of the events topic; each record is stamped when its event happened."""

    def __init__(self, events: Iterable[Event] = (), first: int = 0) -> None:
        self.first = first
        self.rows: list[Raw] = []
        self.reads: list[tuple[int, int]] = []
        self.extend(events)

    @property
    def end(self) -> int:
        """The offset that the next record gets."""
        return self.rows[-1].offset + 1 if self.rows else self.first

    def extend(self, events: Iterable[Event]) -> None:
        """Add a record for each event."""
        for event in events:
            self.add(encode(event), event.at // 1000)

    def add(self, value: bytes | None, timestamp: int, skip: int = 0) -> None:
        """Add a record; `skip` offsets before it stay empty."""
        self.rows.append(Raw(self.end + skip, value, timestamp))

    def batch(self, start: int, end: int, partition: int = 0) -> Batch:
        """Return what lies between two offsets as one fetched batch."""
        inside = [row for row in self.rows if start <= row.offset < end]
        return Batch(TOPIC, partition, inside, end)

    def trim(self, below: int) -> None:
        """Lose the records below an offset, as retention does."""
        self.rows = [row for row in self.rows if row.offset >= below]
        self.first = below

    async def bounds(self) -> tuple[int, int]:
        """See `Source`."""
        await asyncio.sleep(0)
        return self.first, self.end

    async def read(self, first: int, end: int) -> AsyncIterator[Batch]:
        """See `Source`."""
        self.reads.append((first, end))
        for start in range(first, end, PORTION):
            await asyncio.sleep(0)
            yield self.batch(start, min(start + PORTION, end))


class MemoryOutputs(OutputWriter):
    """Keeps what was written; while `open` is not set, nothing is accepted."""

    def __init__(self) -> None:
        self.written: list[Fruits] = []
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, fruits: Fruits) -> None:
        """See `OutputWriter`."""
        await asyncio.sleep(0)
        await self.open.wait()
        self.written.append(fruits)

    def ids(self) -> list[tuple[str, str, int]]:
        """Return which changes were written, in order."""
        return [(c.verdict, c.key, c.revision) for each in self.written for c in each.changes]


class MemoryPorts:
    """The world of one worker (`Ports`); several may share `logs` and `sources`."""

    def __init__(self, other: "MemoryPorts | None" = None) -> None:
        self.logs: dict[int, MemoryLog] = other.logs if other else {}
        self.sources: dict[int, MemorySource] = other.sources if other else {}
        self.commits: dict[int, int] = other.commits if other else {}
        self.outputs = MemoryOutputs()
        self.member = True
        self.seeks: list[tuple[int, int]] = []

    def log(self, partition: int) -> MemoryLog:
        """Return the log of `partition`."""
        return self.logs.setdefault(partition, MemoryLog())

    def source(self, partition: int) -> MemorySource:
        """Return the events of `partition`."""
        return self.sources.setdefault(partition, MemorySource())

    async def committed(self, partition: int) -> int | None:
        """Return the offset the group has committed."""
        return self.commits.get(partition)

    async def is_member(self) -> bool:
        """Return what `member` says."""
        return self.member

    async def seek(self, partition: int, offset: int) -> None:
        """Note where reading is to go on."""
        self.seeks.append((partition, offset))

    def place(self, rules: Rules | None = None, *, accept_loss: bool = False) -> Place:
        """Return partition 0 as a keeper sees it."""
        return Place(
            topic=TOPIC,
            log_topic=LOG_TOPIC,
            partition=0,
            log=self.log(0),
            source=self.source(0),
            outputs=self.outputs,
            rules=rules or Rules(),
            writer="one",
            accept_loss=accept_loss,
        )
