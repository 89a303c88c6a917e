"""Canonical call-centre events: their types, how they are read and how they are written.

Every time in a decoded event is an integer of microseconds since 1970 (`streams.instants`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeAlias, cast

import msgspec
import orjson
from msgspec import Meta, Struct, field

from streams.instants import EARLIEST, LATEST, MILLISECOND, parse_instant, rfc3339

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

MAX_EVENT_BYTES: Final = 65_536
MAX_NAME: Final = 128
UNKNOWN_SOURCE: Final = "unknown"
CLOUDEVENT_PREFIX: Final = "callsla."
CLOUDEVENT_SUFFIX: Final = ".v1"
STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"

REASONS: Final = (
    "malformed",
    "unknown_kind",
    "missing_id",
    "too_long",
    "bad_time",
    "future",
    "too_old",
)
"""Why a record is refused; the label set of dead letters. The last two are the ledger's verdict."""

Headers: TypeAlias = Iterable[tuple[str, bytes]]

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

EVENT_TYPES: Final[dict[str, type[_Common]]] = {
    cls.kind: cls
    for cls in (
        CallOffered,
        CallQueued,
        CallAnswered,
        CallAbandoned,
        CallDiverted,
        CallRejected,
        CallTransferred,
        CallEnded,
        CallbackRequested,
        CallbackAttempted,
        CallbackConnected,
        CallbackCancelled,
        SourceRestarted,
        SourceHeartbeat,
    )
}
"""Every kind and its type, in the order of the documentation."""


class Rejected(ValueError):
    """A record that is no canonical event; `reason` is one of `REASONS`.

    The text names the place of the fault and never a value, which may be personal.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class EventDecoder:
    """Reads canonical events from plain JSON and from both CloudEvents modes.

    `unknown_fields` counts the fields that were tolerated without being understood.
    """

    def __init__(self) -> None:
        self.unknown_fields = 0
        self._decode = msgspec.json.Decoder(Event).decode

    def decode(self, value: bytes, headers: Headers | None = None) -> Event:
        """Return the event in one Kafka record or one line of a file.

        Raises:
            Rejected: no canonical event; the record belongs with the dead letters.
        """
        if headers:
            attributes = _binary_attributes(headers)
            if attributes:
                return self._decode_object({**_parse_object(value), **attributes})
        try:
            event = self._decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._decode_object(_parse_object(value))
        return _settle(event)

    def _decode_object(self, fields: dict[str, Any]) -> Event:
        """The tolerant, slow way: CloudEvents, unknown fields, empty names."""
        if "specversion" in fields:
            fields = _unwrap(fields)
        kind = fields.get("kind")
        known = _FIELDS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise _unknown_kind(kind)
        kept = {name: value for name, value in fields.items() if name in known and value != ""}
        try:
            event = msgspec.convert(kept, cast("type[Event]", Event))
        except msgspec.ValidationError as error:
            raise Rejected(_reason_of(str(error)), _without_values(str(error))) from None
        self.unknown_fields += sum(name not in known for name in fields)
        return _settle(event)


def check_instant(instant: int) -> int:
    """Return `instant` (microseconds) if a call centre can have lived it.

    Raises:
        Rejected: before 1990 or after 2099.
    """
    if EARLIEST <= instant < LATEST:
        return instant
    raise Rejected("bad_time", "the time lies outside the years 1990 to 2099 - at `$.at`")


def _settle(event: Event) -> Event:
    """Turn the wire's times into microseconds, in place."""
    event.at = _instant(event.at)
    kind = type(event)
    if kind is CallbackRequested and event.due_at is not None:  # type: ignore[union-attr]
        event.due_at = _instant(event.due_at)  # type: ignore[union-attr]
    elif isinstance(event, CallbackEvent) and event.customer is None and event.call_id is None:
        raise Rejected("missing_id", "a callback event names neither `customer` nor `call_id`")
    return event


def _instant(wire: int | str) -> int:
    if isinstance(wire, int):
        return check_instant(wire * MILLISECOND)
    try:
        return check_instant(parse_instant(wire))
    except (msgspec.ValidationError, OverflowError):
        raise Rejected("bad_time", "not an RFC 3339 time with a zone - at `$.at`") from None


def _parse_object(value: bytes) -> dict[str, Any]:
    if len(value) > MAX_EVENT_BYTES:
        raise Rejected("too_long", f"the record is longer than {MAX_EVENT_BYTES} bytes")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Rejected("malformed", f"not JSON: {error.msg}") from None
    if not isinstance(fields, dict):
        raise Rejected("malformed", "not a JSON object")
    return fields


def _unwrap(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return the plain form of a CloudEvent in structured mode."""
    data = envelope.get("data", {})
    if not isinstance(data, dict):
        raise Rejected("malformed", "the data of the CloudEvent is not an object - at `$.data`")
    return {**data, **_plain_attributes(envelope)}


def _binary_attributes(headers: Headers) -> dict[str, Any]:
    """Return the plain form of the `ce_` headers; nothing if it is not binary mode."""
    attributes: dict[str, Any] = {}
    for name, value in headers:
        if name[:3].lower() == "ce_" and value is not None:
            attributes[name[3:].lower()] = value.decode("utf-8", "replace")
    return _plain_attributes(attributes) if "specversion" in attributes else {}


def _plain_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    plain = {name: attributes[name] for name in ("id", "source") if name in attributes}
    if "time" in attributes:
        plain["at"] = attributes["time"]
    kind = attributes.get("type")
    if isinstance(kind, str):
        plain["kind"] = _kind_of(kind)
    return plain


def _kind_of(cloudevent_type: str) -> str:
    """`com.example.call.answered.v1` -> `call.answered`."""
    words = cloudevent_type.split(".")
    if words[-1][:1] == "v" and words[-1][1:].isdigit():
        words.pop()
    return ".".join(words[-2:])


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
    attributes, data = _split(event)
    value = orjson.dumps({**attributes, "datacontenttype": "application/json", "data": data})
    return value, [("content-type", STRUCTURED_CONTENT_TYPE.encode())]


def encode_binary(event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return value and headers of `event` as a binary CloudEvent."""
    attributes, data = _split(event)
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    return orjson.dumps(data), [*headers, ("content-type", b"application/json")]


def _split(event: Event) -> tuple[dict[str, str], dict[str, Any]]:
    data = as_object(event)
    attributes = {
        "specversion": "1.0",
        "id": data.pop("id"),
        "source": data.pop("source", UNKNOWN_SOURCE),
        "type": CLOUDEVENT_PREFIX + data.pop("kind") + CLOUDEVENT_SUFFIX,
        "time": data.pop("at"),
    }
    return attributes, data


_FIELDS: Final = {
    kind: {"kind", *(member.encode_name for member in msgspec.structs.fields(cls))}
    for kind, cls in EVENT_TYPES.items()
}
