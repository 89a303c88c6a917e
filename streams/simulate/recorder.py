"""The telephone systems that report what happens, each with its own clock resolution."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from streams.events import Event, SourceHeartbeat
from streams.instants import SECOND
from streams.keys import CallKeys
from streams.simulate.agenda import Agenda
from streams.simulate.config import SourceConfig

__all__ = ["Delivery", "Recorder", "Source", "in_event_time_order"]


class Delivery(NamedTuple):
    """An event on its way to Kafka."""

    at: int
    """When it is delivered, microseconds since 1970; its event time may be earlier."""
    key: str | None
    """None: it goes to every partition."""
    event: Event


class Source:
    """A telephone system; `serial` counts what it has reported."""

    __slots__ = ("name", "reports_hangup", "resolution", "serial")

    def __init__(self, config: SourceConfig) -> None:
        self.name = config.name
        self.resolution = config.resolution
        self.reports_hangup = config.reports_hangup
        self.serial = 0


class Recorder:
    """Turns what happens now into events and hands them on.

    `run` makes ids differ between runs, so that two runs may go to one topic. `reported` is what
    has not been taken yet.
    """

    def __init__(self, agenda: Agenda, run: str) -> None:
        self._agenda = agenda
        self._run = run
        self._keys = CallKeys()
        self.reported: list[Delivery] = []

    def report(self, kind: type[Event], source: Source, **fields: Any) -> None:
        """Report an event of `kind`, stamped now in the resolution of its source."""
        now = self._agenda.now
        source.serial += 1
        event = kind(
            id=f"{self._run}-{source.serial}",
            at=now - now % source.resolution,
            source=source.name,
            **fields,
        )
        self.reported.append(Delivery(now, self._keys.key(event), event))

    def beat(self, source: Source) -> None:
        """Report that the source is alive."""
        self.report(SourceHeartbeat, source)

    def take(self) -> list[Delivery]:
        """Return what was reported since the last time."""
        reported, self.reported = self.reported, []
        return reported


def in_event_time_order(deliveries: Iterable[Delivery]) -> Iterator[Event]:
    """Yield the events sorted by their time; no source may be coarser than a second."""
    for _, second in groupby(deliveries, lambda delivery: delivery.at // SECOND):
        yield from sorted((delivery.event for delivery in second), key=attrgetter("at"))
