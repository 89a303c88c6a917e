"""The types of the canonical call-centre events.

Every time in a decoded event is an integer of microseconds since 1970 (`streams.instants`).
"""

from typing import (
    TYPE_CHECKING,
    Annotated,
    ClassVar,
    Final,
    Literal,
    TypeAlias,
    get_args,
)

from msgspec import Meta, Struct, field, structs

from streams.cloudevents import UNKNOWN_SOURCE

__all__ = [
    "EVENT_TYPES",
    "FIELDS",
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
    "Reached",
    "SourceEvent",
    "SourceHeartbeat",
    "SourceRestarted",
]

MAX_NAME: Final = 128

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

FIELDS: Final[dict[str, frozenset[str]]] = {
    kind: frozenset({"kind", *(member.encode_name for member in structs.fields(cls))})
    for kind, cls in EVENT_TYPES.items()
}
"""The names on the wire of what an event of each kind may hold."""
