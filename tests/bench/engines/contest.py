"""What all engines of one bench share: broker, topics, truths, cores, folder."""

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import oracle
from msgspec import Struct, field

from engines.job import Result, expected
from engines.topics import Records, Topics, prefix
from streams.events import Event, EventDecoder

__all__ = ["REPOSITORY", "Backlog", "Contest"]

REPOSITORY: Final = Path(__file__).parents[3]
FAR: Final = 30 * 86_400_000_000
"""Microseconds behind the last event: by then every promise is settled."""


class Backlog(Struct, frozen=True):
    """A filled topic and what an engine has to count of it."""

    topic: str
    ends: list[int]
    truth: Result
    """of the smaller job"""
    figures: dict[str, Any] = {}
    """of the full promise by queue, once everything is settled; only of the whole topic"""

    @property
    def events(self) -> int:
        return sum(self.ends)


class Contest(Struct):
    """One bench."""

    folder: Path
    topics: Topics
    core: int | None
    """that of the engines; None: not pinned"""
    backlogs: dict[float, Backlog] = field(default_factory=dict)
    """by the share of the whole topic"""
    tags: Iterator[int] = field(default_factory=itertools.count)

    def tag(self) -> str:
        """Return a name nobody else has in this bench."""
        return f"r{next(self.tags)}"

    def fill(self, events: int, seed: int, shares: set[float]) -> None:
        """Simulate the topic; copy a prefix of it for each other share."""
        self.topics.simulate("events", events, seed)
        records = self.topics.read("events")
        for share in shares | {1.0}:
            self.backlogs[share] = self._backlog(records, share)
        gc.collect()
        gc.freeze()

    def _backlog(self, records: Records, share: float) -> Backlog:
        if share == 1.0:
            figures = _figures(records)
            return Backlog("events", [*map(len, records)], expected(records), figures)
        shorter = prefix(records, round(sum(map(len, records)) * share))
        name = f"events-{len(self.backlogs)}"
        self.topics.copy(name, shorter)
        return Backlog(name, [*map(len, shorter)], expected(shorter))


def _figures(records: Records) -> dict[str, Any]:
    """Return the figures of each queue by brute force, as `replay --json` has them."""
    events = list(_decoded(records))
    truth = oracle.judge(events, {}, max(event.at for event in events) + FAR)
    return {queue: truth.figures(queue) for queue in truth.queues}


def _decoded(records: Records) -> Iterator[Event]:
    decoder = EventDecoder()
    for value in itertools.chain.from_iterable(records):
        yield decoder.decode(value)
