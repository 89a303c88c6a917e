"""Records as Kafka hands them out, made by hand."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.events import Event, encode
from streams.kafka.batch import Batch

__all__ = ["TOPIC", "Raw", "batch", "records"]

TOPIC = "callcenter.events"


class Raw(NamedTuple):
    """One consumed record; `timestamp` in milliseconds."""

    offset: int
    value: bytes | None
    timestamp: int = -1
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def records(events: Iterable[Event], first: int = 0) -> list[Raw]:
    """Return one record an event, stamped when it happened."""
    return [Raw(n, encode(event), event.at // 1000) for n, event in enumerate(events, first)]


def batch(rows: Sequence[Raw], next_offset: int | None = None, partition: int = 0) -> Batch:
    """Return `rows` as one fetched batch."""
    end = rows[-1].offset + 1 if next_offset is None else next_offset
    return Batch(TOPIC, partition, rows, end)
