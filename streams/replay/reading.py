"""All events of an input, in the order of their event time and with little memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from streams.events import CallAnswered, CallEvent, Event
from streams.sources import Source

__all__ = ["Input", "Progress", "read"]

Progress = Callable[[int], None]
"""Told how many more events have been dealt with."""

PROGRESS_EVENTS: Final = 20_000

_at = attrgetter("at")


@dataclass(slots=True)
class Input:
    """What was read; `events` are in the order of their event time."""

    events: list[Event]
    records: int
    dead_letters: dict[str, int]
    unknown_fields: int = 0


def read(source: Source, lines: Iterable[bytes], progress: Progress | None = None) -> Input:
    """Read all `lines` of a source and sort their events by event time, first come first.

    Raises:
        SourceError: the input as a whole cannot be read.
    """
    events = list(_events(source, lines, progress))
    events.sort(key=_at)
    return Input(events, source.records, dict(source.rejected), source.unknown_fields)


def _events(source: Source, lines: Iterable[bytes], progress: Progress | None) -> Iterator[Event]:
    names: dict[str, str] = {}
    for number, event in enumerate(source.read(lines), 1):
        _share(event, names.setdefault)
        yield event
        if progress is not None and not number % PROGRESS_EVENTS:
            progress(PROGRESS_EVENTS)


def _share(event: Event, share: Callable[[str, str], str]) -> None:
    """Keep each name once in memory, however many events carry it."""
    event.source = share(event.source, event.source)
    if event.queue is not None:
        event.queue = share(event.queue, event.queue)
    if event.customer is not None:
        event.customer = share(event.customer, event.customer)
    if isinstance(event, CallEvent):
        event.call_id = share(event.call_id, event.call_id)
    if type(event) is CallAnswered and event.agent is not None:
        event.agent = share(event.agent, event.agent)
