"""All events of an input, in the order of their event time and with little memory."""

from collections.abc import Callable, Iterable
from operator import attrgetter, itemgetter
from typing import Any, Final

from streams.collector import uncollected
from streams.events import CallEvent, Event
from streams.ledger.kinds import AT, Told
from streams.sources import Source

__all__ = ["Input", "Progress", "read", "read_told"]

Progress = Callable[[int], None]
"""Told how many more events have been dealt with."""

PROGRESS_EVENTS: Final = 20_000

_at: Final = attrgetter("at")
_told_at: Final = itemgetter(AT)


class Input:
    """What was read: `events`, or what a ledger takes of them, in the order of event time."""

    __slots__ = ("dead_letters", "events", "records", "told", "unknown_fields")

    def __init__(self, source: Source, events: list[Event], told: list[Told]) -> None:
        self.events = events
        self.told = told
        self.records = source.records
        self.dead_letters = dict(source.rejected)
        self.unknown_fields = source.unknown_fields

    @property
    def number(self) -> int:
        """How many events there are."""
        return len(self.events) + len(self.told)


def read(source: Source, lines: Iterable[bytes], progress: Progress | None = None) -> Input:
    """Read all `lines` of a source and sort their events by event time, first come first.

    Raises:
        SourceError: the input as a whole cannot be read.
    """
    events = _events(source, lines, progress)
    events.sort(key=_at)
    return Input(source, events, [])


def read_told(source: Source, lines: Iterable[bytes], progress: Progress | None = None) -> Input:
    """Read all `lines` like `read`, and keep only what a ledger takes of each event.

    Raises: as `read`.
    """
    told: list[Told] = []
    with uncollected(for_good=True):
        for number, said in enumerate(source.told(lines), 1):
            told.append(said)
            if progress is not None and not number % PROGRESS_EVENTS:
                progress(PROGRESS_EVENTS)
        told.sort(key=_told_at)
    return Input(source, [], told)


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
