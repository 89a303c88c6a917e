"""Canonical call-centre events: their types, how they are read and how they are written.

Every time in a decoded event is an integer of microseconds since 1970 (`streams.instants`).
"""

from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    TypeAlias,
    cast,
    get_args,
)

import msgspec
import orjson
from msgspec import Meta, Struct, field

from streams.cloudevents import UNKNOWN_SOURCE, Headers, headers_of, split
from streams.instants import EARLIEST, LATEST, MILLISECOND, parse_instant, rfc3339
from streams.wire import MAX_EVENT_BYTES, REASONS, Rejected, binary_fields, parse_fields

__all__ = [
    "EVENT_TYPES",
    "MAX_EVENT_BYTES",
    "REASONS",
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
    "Event",
    "EventDecoder",
    "Headers",
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

MAX_NAME: Final = 128
STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"

if TYPE_CHECKING:
    Instant = int
    Id = str
    Name = str
else:
    # On the wire a time is RFC 3339 text or epoch milliseconds; `_settle` leaves microseconds.
    Instant = (
        Annotated[
            str,
            Meta(
                description="RFC 3339 with zone, or epoch milliseconds",
                max_length=40,
                extra_json_schema={"format": "date-time"},
            ),
        ]
        | int
    )
    Id = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]

AnsweredBy = Literal["human", "bot", "ivr", "voicemail", "unknown"]
EndedBy = Literal["customer", "agent", "system"]
Reached = Literal["human", "voicemail", "unknown"]


class _Common(
    Struct, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"
):
    """Fields of every event. Two events with the same `source` and `id` are one event."""

    kind: ClassVar[str]
    id: Id
    at: Instant
    source: Name = UNKNOWN_SOURCE
    queue: Name | None = None
    customer: Name | None = None
    anonymous: bool = False


class CallEvent(_Common):
    """Something that happened to one call."""

    call_id: Id


class CallOffered(CallEvent, tag="call.offered"):
    """A call reached the centre: from now on it is owed an answer."""

    kind = "call.offered"


class CallQueued(CallEvent, tag="call.queued"):
    """A call entered a queue (the first time, or again after an overflow)."""

    kind = "call.queued"


class CallAnswered(CallEvent, tag="call.answered"):
    """Somebody or something picked up."""

    kind = "call.answered"
    answered_by: AnsweredBy = "unknown"
    agent: Name | None = None


class CallAbandoned(CallEvent, tag="call.abandoned"):
    """The customer hung up before a human answered."""

    kind = "call.abandoned"


class CallDiverted(CallEvent, tag="call.diverted"):
    """The call left the queue unanswered: time-out, overflow out of the centre, voicemail, bot."""

    kind = "call.diverted"
    to: Name | None = None
    reason: Name | None = None


class CallRejected(CallEvent, tag="call.rejected"):
    """The centre refused the call: closed, full, busy."""

    kind = "call.rejected"
    reason: Name | None = None


class CallTransferred(CallEvent, tag="call.transferred"):
    """The call was handed on to another queue or agent; its clock goes on."""

    kind = "call.transferred"
    to: Name | None = None
    agent: Name | None = None
    reason: Name | None = None


class CallEnded(CallEvent, tag="call.ended"):
    """The call is over."""

    kind = "call.ended"
    ended_by: EndedBy | None = None
    resolved: bool | None = None
    agent: Name | None = None
    reason: Name | None = None


class CallbackEvent(_Common):
    """Something that happened to a callback; names `customer` or `call_id`."""

    call_id: Id | None = None


class CallbackRequested(CallbackEvent, tag="callback.requested"):
    """The customer asked to be called back (on a call, or by web, app or chat)."""

    kind = "callback.requested"
    due_at: Instant | None = None
    reason: Name | None = None


class CallbackAttempted(CallbackEvent, tag="callback.attempted"):
    """The centre began to dial the customer."""

    kind = "callback.attempted"
    agent: Name | None = None
    reason: Name | None = None


class CallbackConnected(CallbackEvent, tag="callback.connected"):
    """The callback was picked up, by whom says `with` (`reached`)."""

    kind = "callback.connected"
    reached: Reached = field(name="with", default="unknown")
    agent: Name | None = None


class CallbackCancelled(CallbackEvent, tag="callback.cancelled"):
    """The customer waived the callback."""

    kind = "callback.cancelled"
    reason: Name | None = None


class SourceEvent(_Common):
    """Something about a source itself; written to every partition."""


class SourceRestarted(SourceEvent, tag="source.restarted"):
    """The source restarted: calls it had open will never get an end."""

    kind = "source.restarted"
    reason: Name | None = None


class SourceHeartbeat(SourceEvent, tag="source.heartbeat"):
    """The source is alive and has reported everything up to `at`."""

    kind = "source.heartbeat"


Event: TypeAlias = (
    CallOffered
    | CallQueued
    | CallAnswered
    | CallAbandoned
    | CallDiverted
    | CallRejected
    | CallTransferred
    | CallEnded
    | CallbackRequested
    | CallbackAttempted
    | CallbackConnected
    | CallbackCancelled
    | SourceRestarted
    | SourceHeartbeat
)

EVENT_TYPES: Final[dict[str, type[_Common]]] = {cls.kind: cls for cls in get_args(Event)}
"""Every kind and its type, in the order of the documentation."""


class EventDecoder:
    """Reads canonical events from plain JSON and from both CloudEvents modes.

    `unknown_fields` counts the fields that were tolerated without being understood.
    """

    def __init__(self) -> None:
        self.unknown_fields = 0
        self._decode = msgspec.json.Decoder(Event).decode

    def decode(self, value: bytes | None, headers: Headers | None = None) -> Event:
        """Return the event in one Kafka record or one line of a file.

        Raises:
            Rejected: no canonical event; the record belongs with the dead letters.
        """
        if headers:
            fields = binary_fields(value, headers)
            if fields is not None:
                return self._convert(fields)
        try:
            event = self._decode(value)  # type: ignore[arg-type]  # None: refused below
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            pass
        else:
            if value is None or len(value) <= MAX_EVENT_BYTES:
                return _settle(event)
        # Not within `except`: a traceback would show the first error, and with it a value.
        return self._convert(parse_fields(value))

    def _convert(self, fields: dict[str, Any]) -> Event:
        """The tolerant, slow way: CloudEvents, unknown fields, empty names."""
        kind = fields.get("kind")
        known = _FIELDS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise _unknown_kind(kind)
        kept = {
            name: value
            for name, value in fields.items()
            if name in known and value is not None and value != ""
        }
        try:
            event = msgspec.convert(kept, cast("type[Event]", Event))
        except msgspec.ValidationError as error:
            raise Rejected(_reason_of(str(error)), _without_values(str(error))) from None
        self.unknown_fields += sum(name not in known for name in fields)
        return _settle(event)


def check_instant(instant: int, name: str = "at") -> int:
    """Return `instant` (microseconds), the value of the field `name`, if it can be meant.

    Raises:
        Rejected: before 1990 or after 2099.
    """
    if EARLIEST <= instant < LATEST:
        return instant
    raise Rejected("bad_time", f"the time lies outside the years 1990 to 2099 - at `$.{name}`")


def _settle(event: Event) -> Event:
    """Turn the wire's times into microseconds, in place."""
    event.at = _instant(event.at)
    if isinstance(event, CallbackEvent):
        if event.customer is None and event.call_id is None:
            raise Rejected("missing_id", "a callback event names neither `customer` nor `call_id`")
        if isinstance(event, CallbackRequested) and event.due_at is not None:
            event.due_at = _instant(event.due_at, "due_at")
    return event


def _instant(wire: int | str, name: str = "at") -> int:
    try:
        instant = wire * MILLISECOND if isinstance(wire, int) else parse_instant(wire)
    except (msgspec.ValidationError, OverflowError):
        raise Rejected("bad_time", f"not an RFC 3339 time with a zone - at `$.{name}`") from None
    return instant if EARLIEST <= instant < LATEST else check_instant(instant, name)


def _unknown_kind(kind: object) -> Rejected:
    if kind is None:
        return Rejected("malformed", "the field `kind` is missing")
    return Rejected("unknown_kind", "the kind is none of those in schemas/ - at `$.kind`")


def _reason_of(message: str) -> str:
    if "missing required field" in message:
        return "missing_id" if "id`" in message.split(" - at ", maxsplit=1)[0] else "malformed"
    if "of length <=" in message:
        return "too_long"
    return "malformed"


def _without_values(message: str) -> str:
    """Keep what was expected and where; an invalid value itself may be personal."""
    head, at, place = message.partition(" - at ")
    return ("invalid value" if head.startswith("Invalid") else head) + at + place


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


_FIELDS: Final = {
    kind: {"kind", *(member.encode_name for member in msgspec.structs.fields(cls))}
    for kind, cls in EVENT_TYPES.items()
}
