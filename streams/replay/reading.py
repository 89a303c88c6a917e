"""All events of an input, in the order of their event time and with little memory."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final

from streams.events import CallEvent, Event
from streams.sources import Source

__all__ = ["Input", "Progress", "read"]

Progress = Callable[[int], None]
"""Told how many more events have been dealt with."""

PROGRESS_EVENTS: Final = 20_000

_at: Final = attrgetter("at")


class Input:
    """What was read; `events` are in the order of their event time."""

    __slots__ = ("dead_letters", "events", "records", "unknown_fields")

    def __init__(
        self,
        events: list[Event],
        records: int,
        dead_letters: dict[str, int],
        unknown_fields: int = 0,
    ) -> None:
        self.events = events
        self.records = records
        self.dead_letters = dead_letters
        self.unknown_fields = unknown_fields


def read(source: Source, lines: Iterable[bytes], progress: Progress | None = None) -> Input:
    """Read all `lines` of a source and sort their events by event time, first come first.

    Raises:
        SourceError: the input as a whole cannot be read.
    """
    events = _events(source, lines, progress)
    events.sort(key=_at)
    return Input(events, source.records, dict(source.rejected), source.unknown_fields)


def _events(source: Source, lines: Iterable[bytes], progress: Progress | None) -> list[Event]:
    events: list[Event] = []
    names: dict[str, str] = {}
    for number, event in enumerate(source.read(lines), 1):
        _share(event, names)
        events.append(event)
        if progress is not None and not number % PROGRESS_EVENTS:
            progress(PROGRESS_EVENTS)
    return events


def _share(event: Any, names: dict[str, str]) -> None:
    """Keep the names that many events carry once in memory."""
    event.source = _kept(event.source, names)
    queue = event.queue
    if queue is not None:
        event.queue = _kept(queue, names)
    customer = event.customer
    if customer is not None:
        event.customer = _kept(customer, names)
    if isinstance(event, CallEvent):
        event.call_id = _kept(event.call_id, names)


def _kept(name: str, names: dict[str, str]) -> str:
    return names.setdefault(name, name)
