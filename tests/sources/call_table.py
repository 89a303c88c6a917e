"""Rows of call records in few words: cells in, events out."""

from collections.abc import Iterable

from queue_log import PSEUDONYMS

from streams.events import CallOffered, Event, as_object
from streams.sources import Options
from streams.sources.call_records import CallRecords

NUMBER = "+447700900123"
HEADER = (
    "call_id,queue,customer,offered_at,answered_at,ended_at,outcome,answered_by,ended_by,resolved"
)
CALLBACK = "record,customer,call_id,requested_at,attempted_at,connected_at,with,cancelled_at"
START = "2026-01-05T09:00:00Z"


def at(seconds: int) -> str:
    return f"2026-01-05T09:{seconds // 60:02}:{seconds % 60:02}Z"


def reader(**options: object) -> CallRecords:
    return CallRecords(Options(**{"pseudonyms": PSEUDONYMS, **options}))  # type: ignore[arg-type]


def table(*rows: str) -> list[bytes]:
    return [f"{row}\n".encode() for row in rows]


def read(*rows: str, **options: object) -> list[Event]:
    """Return the events of a table; none of its rows may be refused."""
    source = reader(**options)
    events = list(source.read(table(*rows)))
    assert source.rejected == {}
    return events


def offered(events: Iterable[Event]) -> list[CallOffered]:
    return [event for event in events if isinstance(event, CallOffered)]


def told(events: Iterable[Event]) -> list[dict[str, object]]:
    """Return the events as plain objects without what all of them have."""
    left_out = {"id", "source"}
    return [
        {name: value for name, value in as_object(event).items() if name not in left_out}
        for event in events
    ]


def of_row(**cells: str) -> list[dict[str, object]]:
    """Return what is told of the call `c1` of customer `k`, offered at second 0."""
    row = {"call_id": "c1", "customer": "k", "offered_at": at(0), **cells}
    return told(read(",".join(row), ",".join(row.values())))[1:]
