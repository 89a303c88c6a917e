"""All events of an input, in the order of their event time and with little memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from streams.events import CallEvent, Event
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
    share = names.setdefault
    for number, event in enumerate(source.read(lines), 1):
        # The long names that many events carry are kept once in memory.
        customer = event.customer
        if customer is not None:
            event.customer = share(customer, customer)
        if isinstance(event, CallEvent):
            event.call_id = share(event.call_id, event.call_id)
        yield event
        if progress is not None and not number % PROGRESS_EVENTS:
            progress(PROGRESS_EVENTS)
