"""The decoders of events: plain JSON, both CloudEvents modes, and promise events."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec

from fuzzing.engine import Target, one_line
from fuzzing.mutation import mutate
from fuzzing.trees import ODD_VALUES, as_json, spoil
from streams import promise_events
from streams.events import (
    EVENT_TYPES,
    MAX_EVENT_BYTES,
    REASONS,
    Event,
    EventDecoder,
    Rejected,
    encode,
    encode_binary,
    encode_structured,
)
from streams.instants import EARLIEST, LATEST

__all__ = ["EVENTS", "FIELD_NAMES", "SECRET", "CloudEvents", "PlainEvents", "Promises", "reread"]

SECRET: Final = "+447700900123"  # noqa: S105 (no password: a number nobody has)
"""Stands in some examples; no message about a record may tell it."""

FIELD_NAMES: Final = sorted(
    {member.encode_name for cls in EVENT_TYPES.values() for member in msgspec.structs.fields(cls)}
    | {"kind"}
)
_VALUES: Final[dict[str, Any]] = {
    "id": "e1", "at": "2026-01-05T00:00:07.250Z", "source": "pbx", "queue": "sales",
    "customer": "k:0123", "anonymous": False, "call_id": "c1", "answered_by": "human",
    "agent": "ann", "to": "voicemail", "reason": "timeout", "ended_by": "customer",
    "resolved": True, "due_at": 1_767_574_800_000, "with": "human",
}  # fmt: skip


def _example(kind: str) -> dict[str, Any]:
    names = [member.encode_name for member in msgspec.structs.fields(EVENT_TYPES[kind])]
    return {"kind": kind, **{name: _VALUES[name] for name in names}}


EVENTS: Final = [_example(kind) for kind in EVENT_TYPES]
"""One event of each kind with every field it can have, as plain JSON objects."""


_REREADER: Final = EventDecoder()


def reread(event: Event) -> None:
    """Assert that `event` is the same after each way over the wire."""
    assert EARLIEST <= event.at < LATEST
    for encoded in ((encode(event), None), encode_structured(event), encode_binary(event)):
        again = _REREADER.decode(*encoded)
        assert type(again) is type(event)
        assert again == event, (again, event)
    assert _REREADER.unknown_fields == 0


def _check(value: bytes, headers: Sequence[tuple[str, bytes]]) -> bool:
    decoder = EventDecoder()
    try:
        event = decoder.decode(value, headers)
    except Rejected as error:
        _check_refusal(error)
        return False
    assert len(value) <= MAX_EVENT_BYTES, "a longer record than any may be"
    reread(event)
    return True


def _check_refusal(error: Rejected) -> None:
    assert error.reason in REASONS
    one_line(str(error), SECRET[1:])
    # A trace, too, would show the value that stood in an error before.
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


class PlainEvents(Target):
    """Plain JSON and structured CloudEvents, told apart by their content."""

    name = "events"

    def make(self, random: Random) -> bytes:
        fields = {**random.choice(EVENTS), "agent": SECRET}
        if random.random() < 0.4:
            fields = envelope(random, fields)
        if random.random() < 0.7:
            fields = spoil(random, fields, [*FIELD_NAMES, "specversion", "type", "time", "data"])
        data = as_json(random, fields)
        return mutate(random, data, _TOKENS) if random.random() < 0.5 else data

    def check(self, data: bytes) -> bool:
        return _check(data, ())


def envelope(random: Random, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a structured CloudEvent with `fields`."""
    data = dict(fields)
    return {
        "specversion": random.choice(("1.0", "0.3", None, 1)),
        "id": data.pop("id"),
        "source": data.pop("source"),
        "type": random.choice(("callsla.", "com.example.x.", "", "..")) + data.pop("kind") + ".v1",
        "time": data.pop("at"),
        "datacontenttype": "application/json",
        "data": data,
    }


class CloudEvents(Target):
    """Binary CloudEvents; an input is lines of headers, `name=value`, an empty line, the value."""

    name = "cloudevents"

    def make(self, random: Random) -> bytes:
        fields = dict(random.choice(EVENTS))
        attributes = envelope(random, fields)
        data = attributes.pop("data")
        if random.random() < 0.5:
            attributes = spoil(random, attributes, [*attributes, "datacontenttype"])
        if random.random() < 0.5:
            data = spoil(random, data, FIELD_NAMES)
        prefix = random.choice((b"ce_", b"ce_", b"ce_", b"ce_", b"CE_", b"Ce_", b"ce-", b""))
        headers = b"".join(
            b"%s%s=%s\n" % (prefix, _bytes(name), _bytes(value))
            for name, value in attributes.items()
        )
        whole = headers + b"\n" + as_json(random, data)
        return mutate(random, whole, _TOKENS) if random.random() < 0.6 else whole

    def check(self, data: bytes) -> bool:
        head, _, value = data.partition(b"\n\n")
        pairs = [line.partition(b"=") for line in head.split(b"\n")]
        # A client hands on the names as text; anything it can make of bytes is possible.
        headers = [(name.decode("utf-8", "replace"), text) for name, _, text in pairs]
        return _check(value, headers)


def _bytes(value: object) -> bytes:
    return (value if isinstance(value, str) else repr(value)[:5000]).encode(
        "utf-8", "surrogatepass"
    )


class Promises(Target):
    """Promise events, as whoever subscribes to them reads them."""

    name = "promises"

    def make(self, random: Random) -> bytes:
        fields = random.choice(_PROMISES)
        if random.random() < 0.7:
            fields = spoil(random, fields, list(fields))
        data = as_json(random, fields)
        return mutate(random, data, _TOKENS) if random.random() < 0.5 else data

    def check(self, data: bytes) -> bool:
        try:
            event = promise_events.decode(data)
        except msgspec.MsgspecError:
            return False
        assert promise_events.decode(promise_events.encode(event)) == event
        assert isinstance(promise_events.record_key(event), bytes)
        return True


_PROMISES: Final[list[dict[str, Any]]] = [
    {
        "kind": promise_events.KIND, "id": "outcome/c1/1", "verdict": "outcome",
        "state": "answered_late", "at": "2026-01-05T00:00:12Z", "key": "c1", "revision": 1,
        "was": "lost", "queue": "sales", "call_id": "c1", "customer": "k:0123",
        "wait_seconds": 12.25, "was_wait_seconds": 14400.0, "epoch": 17,
    },
    {
        "kind": promise_events.KIND, "id": "opened/k:0123@1/1", "verdict": "opened",
        "state": "opened", "at": "2026-01-05T00:00:12Z", "key": "k:0123@1", "revision": 1,
        "queue": "sales", "customer": "k:0123", "due_at": "2026-01-05T01:00:12Z",
    },
]  # fmt: skip

_TOKENS: Final = [
    *(f'"{name}":'.encode() for name in (*FIELD_NAMES, "specversion", "data", "type", "time")),
    *(kind.encode() for kind in EVENT_TYPES),
    *(
        repr(value).encode()
        for value in ODD_VALUES
        if isinstance(value, int | float) and value < 1e40
    ),
    *(
        b"ce_specversion=1.0\n",
        b"ce_id=",
        b"ce_type=",
        b"ce_time=",
        b"\n\n",
        b"1.0",
        b"+447700900123",
        b" " * 66_000,
    ),
]
