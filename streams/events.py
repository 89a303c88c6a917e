"""Canonical call-centre events: their types, how they are read and how they are written.

Every time in a decoded event is an integer of microseconds since 1970 (`streams.instants`).
"""

from typing import Any, Final

import msgspec
import orjson

from streams.cloudevents import Headers, headers_of, split
from streams.decoding import EventDecoder, check_instant
from streams.event_types import (
    EVENT_TYPES,
    AnsweredBy,
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackCancelled,
    CallbackConnected,
    CallbackEvent,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallEvent,
    CallOffered,
    CallQueued,
    CallRejected,
    CallTransferred,
    EndedBy,
    Event,
    Reached,
    SourceEvent,
    SourceHeartbeat,
    SourceRestarted,
)
from streams.instants import rfc3339
from streams.wire import MAX_EVENT_BYTES, REASONS, Rejected

__all__ = [
    "EVENT_TYPES",
    "MAX_EVENT_BYTES",
    "REASONS",
    "AnsweredBy",
    "CallAbandoned",
    "CallAnswered",
    "CallDiverted",
    "CallEnded",
    "CallEvent",
    "CallOffered",
    "CallQueued",
    "CallRejected",
    "CallTransferred",
    "CallbackAttempted",
    "CallbackCancelled",
    "CallbackConnected",
    "CallbackEvent",
    "CallbackRequested",
    "EndedBy",
    "Event",
    "EventDecoder",
    "Headers",
    "Reached",
    "Rejected",
    "SourceEvent",
    "SourceHeartbeat",
    "SourceRestarted",
    "as_object",
    "check_instant",
    "encode",
    "encode_binary",
    "encode_structured",
]

STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"


def as_object(event: Event) -> dict[str, Any]:
    """Return the plain JSON object of `event`, times as RFC 3339 in UTC."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    fields["at"] = rfc3339(event.at)
    if "due_at" in fields:
        fields["due_at"] = rfc3339(fields["due_at"])
    return fields


def encode(event: Event) -> bytes:
    """Return `event` as one line of plain JSON."""
    return orjson.dumps(as_object(event))


def encode_structured(event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return value and headers of `event` as a structured CloudEvent."""
    attributes, data = split(as_object(event))
    value = orjson.dumps({**attributes, "datacontenttype": "application/json", "data": data})
    return value, [("content-type", STRUCTURED_CONTENT_TYPE.encode())]


def encode_binary(event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return value and headers of `event` as a binary CloudEvent."""
    attributes, data = split(as_object(event))
    return orjson.dumps(data), [*headers_of(attributes), ("content-type", b"application/json")]
