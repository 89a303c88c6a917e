"""How canonical events are read: plain JSON and both CloudEvents modes."""

from typing import Any, Final, cast

import msgspec

from streams.cloudevents import Headers
from streams.event_types import (
    FIELDS,
    CallbackAttempted,
    CallbackCancelled,
    CallbackConnected,
    CallbackRequested,
    Event,
)
from streams.instants import EARLIEST, LATEST, MILLISECOND, parse_instant
from streams.wire import MAX_EVENT_BYTES, Rejected, binary_fields, parse_fields

__all__ = ["EventDecoder", "check_instant"]

_CALLBACKS: Final[frozenset[type[Any]]] = frozenset(
    {CallbackRequested, CallbackAttempted, CallbackConnected, CallbackCancelled}
)


class EventDecoder:
    """Reads canonical events from plain JSON and from both CloudEvents modes.

    `unknown_fields` counts the fields that were tolerated without being understood.
    """

    def __init__(self) -> None:
        self.unknown_fields = 0
        self._decode: Any = msgspec.json.Decoder(Event).decode

    def decode(self, value: bytes | None, headers: Headers | None = None) -> Event:
        """Return the event in one Kafka record or one line of a file.

        Raises:
            Rejected: no canonical event; the record belongs with the dead letters.
        """
        if headers:
            fields = binary_fields(value, headers)
            if fields is not None:
                return self._convert(fields)
        # Rejected is raised outside `except`: a traceback would show the first error, and with it
        # a value. (`from None` hides it in written code only, not in compiled code.)
        event: Event | None = None
        if value is not None and len(value) <= MAX_EVENT_BYTES:
            try:
                event = self._decode(value)
            except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
                event = None
        return self._convert(parse_fields(value)) if event is None else _settle(event)

    def _convert(self, fields: dict[str, Any]) -> Event:
        """The tolerant, slow way: CloudEvents, unknown fields, empty names."""
        kind = fields.get("kind")
        known = FIELDS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise _unknown_kind(kind)
        kept = {
            name: value
            for name, value in fields.items()
            if name in known and value is not None and value != ""
        }
        event: Event | None = None
        fault = ""
        try:
            event = msgspec.convert(kept, cast("type[Event]", Event))
        except msgspec.ValidationError as error:
            fault = str(error)
        if event is None:
            raise Rejected(_reason_of(fault), _without_values(fault))
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


def _settle(event: Any) -> Event:
    """Turn the wire's times into microseconds, in place; `Any`, because they are none before."""
    event.at = _instant(event.at, "at")
    kind = type(event)
    if kind in _CALLBACKS:
        if event.customer is None and event.call_id is None:
            raise Rejected("missing_id", "a callback event names neither `customer` nor `call_id`")
        if kind is CallbackRequested and event.due_at is not None:
            event.due_at = _instant(event.due_at, "due_at")
    settled: Event = event
    return settled


def _instant(wire: int | str, name: str) -> int:
    instant: int | None = None
    try:
        instant = parse_instant(wire) if isinstance(wire, str) else wire * MILLISECOND
    except (msgspec.ValidationError, OverflowError):
        instant = None
    if instant is None:
        raise Rejected("bad_time", f"not an RFC 3339 time with a zone - at `$.{name}`")
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
