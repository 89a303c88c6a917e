"""The broker's side: partitions of the log and of the events, and what became of each record.

Everything here happens at the broker: no process has to live for it, so what a worker sent may
arrive after its death. Nothing is thrown away, so that the judge can read afterwards what trimming
removed.
"""

import asyncio
import contextvars
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from random import Random
from typing import Any, Final, NamedTuple

from plan import Plan
from virtual_loop import PROCESS, Process, VirtualLoop

__all__ = ["TOPIC", "Appended", "Cluster", "EventsPartition", "LogPartition", "Record"]

TOPIC: Final = "callcenter.events"
APPEND_SECONDS: Final = 12.0
_OFFSET: Final = attrgetter("offset")


class Record(NamedTuple):
    """One record of the events; `timestamp` in milliseconds, `landed` in seconds of the run."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    landed: float


class Appended(NamedTuple):
    """One record of the log: who sent it when, and when it landed (seconds of the run)."""

    offset: int
    value: bytes
    writer: Process
    sent: float
    landed: float


class LogPartition:
    """One partition of the log; `records` are all that ever were there, the first at offset 0."""

    def __init__(self) -> None:
        self.first = 0
        self.records: list[Appended] = []
        self.cut: list[Appended] = []
        """what a leader change lost"""
        self.shown: dict[int, bytes | None] = {}
        """what a reader gets instead of the value that was written; None: nothing"""

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return len(self.records)

    def held(self, first: int, end: int) -> list[tuple[int, bytes]] | None:
        """Return offsets and values as a reader gets them; None: trimmed."""
        if first < self.first:
            return None
        values = [(r.offset, self.shown.get(r.offset, r.value)) for r in self.records[first:end]]
        return [(offset, value) for offset, value in values if value is not None]


class EventsPartition:
    """One partition of the events; offsets may have holes."""

    def __init__(self) -> None:
        self.first = 0
        self.end = 0
        self.records: list[Record] = []

    def between(self, first: int, end: int) -> list[Record]:
        """Return the records of `first` <= offset < `end`."""
        start = bisect_left(self.records, max(first, self.first), key=_OFFSET)
        return self.records[start : bisect_left(self.records, end, lo=start, key=_OFFSET)]

    def missed_from(self, offset: int) -> float:
        """Return when the first record at or beyond `offset` landed; infinity: none did."""
        return next((r.landed for r in self.records if r.offset >= offset), float("inf"))


class Cluster:
    """The brokers of one run."""

    def __init__(self, loop: VirtualLoop, plan: Plan, chance: Random) -> None:
        self.loop = loop
        self.plan = plan
        self.chance = chance
        self.logs = [LogPartition() for _ in range(plan.partitions)]
        self.events = [EventsPartition() for _ in range(plan.partitions)]
        self.promises: dict[tuple[str, int | None], set[bytes]] = defaultdict(set)
        self.letters: set[tuple[int, int]] = set()
        self.outages: list[tuple[float, float]] = []
        self.is_calm = False
        """no more faults are drawn"""
        self.happened: Counter[str] = Counter()
        self.trace: Callable[[str], None] | None = None
        self._away_until = 0.0
        # No process: what the broker does outlives whoever asked for it.
        self._context = contextvars.Context()

    def note(self, what: str, detail: str = "") -> None:
        """Count that something happened, and tell it if anybody listens."""
        self.happened[what] += 1
        if self.trace is not None:
            self.trace(f"{what} {detail}")

    @property
    def is_away(self) -> bool:
        """Whether the brokers cannot be reached."""
        return self.loop.now < self._away_until

    @property
    def back_in(self) -> float:
        """Seconds until the brokers can be reached (0: now)."""
        return max(0.0, self._away_until - self.loop.now)

    def go_away(self, seconds: float) -> None:
        """Be unreachable for a while."""
        start, self._away_until = self.loop.now, self.loop.now + seconds
        self.outages.append((start, self._away_until))

    def later(self, delay: float, work: Callable[..., Any], *args: Any) -> None:
        """Do `work` at the broker after `delay` seconds."""
        self.loop.call_later(delay, work, *args, context=self._context)

    def strikes(self, rate: float) -> bool:
        """Return whether a fault of that rate happens now."""
        return not self.is_calm and rate > 0 and self.chance.random() < rate

    def quick(self) -> float:
        """Return how long one way takes, in seconds."""
        return 0.001 + 0.004 * self.chance.random()

    def away_for(self, process: Process | None) -> float:
        """Return in how many seconds `process` can reach the brokers (0: now)."""
        cut = 0.0 if process is None else process.cut_until
        return max(0.0, max(self._away_until, cut) - self.loop.now)

    async def reply(self, work: Callable[[], Any]) -> Any:
        """Have `work` done at the broker, as soon as it can be reached, and return its result."""
        done: asyncio.Future[Any] = self.loop.create_future()
        self._ask(done, work, PROCESS.get())
        return await done

    def _ask(self, done: asyncio.Future[Any], work: Callable[[], Any], asker: Any) -> None:
        delay = self.quick() + self.away_for(asker)
        self.later(delay, self._answer, done, work, asker)

    def _answer(self, done: asyncio.Future[Any], work: Callable[[], Any], asker: Any) -> None:
        if self.away_for(asker):
            self._ask(done, work, asker)
            return
        self.later(self.quick(), fulfil, done, work())

    def receive(
        self, partition: int, values: Sequence[bytes], writer: Process, done: asyncio.Future[int]
    ) -> None:
        """Append `values` some time or never, and tell `done` or not."""
        plan, delay, tell = self.plan, self.quick() + self.away_for(writer), True
        if self.strikes(plan.never_appended):
            self.note("append never", writer.name)
            return
        if self.strikes(plan.late_appends):
            self.note("append late", writer.name)
            delay += APPEND_SECONDS + self.chance.random() * 12
        elif self.strikes(plan.lost_acknowledgements):
            self.note("append without acknowledgement", writer.name)
            tell = False
        elif self.strikes(plan.slow_appends):
            self.note("append slow", writer.name)
            delay += self.chance.random() * 3
        self.later(delay, self._land, partition, values, writer, self.loop.now, done, tell)

    def _land(
        self, partition: int, values: Sequence[bytes], writer: Process, sent: float,
        done: asyncio.Future[int], tell: bool,
    ) -> None:  # fmt: skip
        log, now = self.logs[partition], self.loop.now
        if self.away_for(writer):
            delay = self.away_for(writer) + self.quick()
            self.later(delay, self._land, partition, values, writer, sent, done, tell)
            return
        offset = log.end
        for each, value in enumerate(values, offset):
            log.records.append(Appended(each, value, writer, sent, now))
        if self.trace is not None:
            self.trace(f"log {partition}: {writer.name} appended at {offset}")
        if tell:
            self.later(self.quick(), fulfil, done, offset)


def fulfil(future: asyncio.Future[Any], result: Any) -> None:
    """Set the result unless nobody waits for it any more."""
    if not future.done():
        future.set_result(result)
