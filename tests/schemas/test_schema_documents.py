"""The schemas accept what the program writes and refuse what it refuses."""

from typing import Any

import msgspec
import pytest
from event_strategies import events
from hypothesis import given
from jsonschema import Draft202012Validator
from validators import EXAMPLES, SCHEMAS, load, validator

from streams.events import (
    EVENT_TYPES,
    CallAbandoned,
    CallAnswered,
    CallOffered,
    Event,
    EventDecoder,
    Rejected,
    as_object,
    encode,
)
from streams.instants import SECOND
from streams.ledger import Ledger, Rules
from streams.promise_events import encode as encode_promise
from streams.promise_events import from_change

NAMES = sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json"))
START = 1_795_461_801_000_000


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_one(name: str) -> None:
    """Of JSON Schema 2020-12, with a title and a description for people."""
    schema = load(SCHEMAS / f"{name}.schema.json")
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("/2020-12/schema")
    assert schema["title"]


@pytest.mark.parametrize("kind", [*EVENT_TYPES, "promise.changed"])
def test_every_field_of_every_kind_is_described(kind: str) -> None:
    """And the document can be cited by a name without a host."""
    schema = load(SCHEMAS / f"{kind}.schema.json")
    assert schema["$id"] == f"urn:callsla:schema:{kind}:v1"
    assert schema["description"]
    assert all(field["description"] for field in schema["properties"].values())


@given(events())
def test_what_is_written_is_valid(event: Event) -> None:
    """Any event the types allow."""
    validator("event").validate(as_object(event))
    validator(event.kind).validate(as_object(event))


OFFERED: dict[str, Any] = load(EXAMPLES / "call.offered.json")
REQUESTED: dict[str, Any] = load(EXAMPLES / "callback.requested.json")
REFUSED = [
    {**OFFERED, "id": ""},
    {**OFFERED, "id": 5},
    {**OFFERED, "at": 5},
    {**OFFERED, "at": "yesterday"},
    {**OFFERED, "at": "2026-11-23T19:23:21"},
    {**OFFERED, "at": 10**15},
    {**OFFERED, "queue": "x" * 129},
    {**OFFERED, "anonymous": "yes"},
    {**OFFERED, "kind": "call.secret"},
    {**OFFERED, "kind": "call.answered", "answered_by": "robot"},
    {name: value for name, value in OFFERED.items() if name != "call_id"},
    {name: value for name, value in OFFERED.items() if name != "kind"},
    {name: value for name, value in REQUESTED.items() if name != "customer"},
]


@pytest.mark.parametrize("fields", REFUSED)
def test_what_the_worker_refuses_is_invalid(fields: dict[str, Any]) -> None:
    """A producer that validates sends nothing to the dead letters."""
    with pytest.raises(Rejected):
        EventDecoder().decode(msgspec.json.encode(fields))
    assert not validator("event").is_valid(fields)


def test_producers_are_held_to_the_fields_and_consumers_tolerate_others() -> None:
    """A misspelt field fails where it is written, and is only counted where it is read."""
    misspelt = {**OFFERED, "quue": "sales"}
    assert not validator("event").is_valid(misspelt)
    assert EventDecoder().decode(msgspec.json.encode(misspelt)).kind == "call.offered"


def test_a_cloudevent_needs_the_data_of_its_type() -> None:
    """The envelope's schema looks inside."""
    envelope = load(EXAMPLES / "structured" / "call.offered.json")
    assert validator("cloudevent").is_valid(envelope)
    for data in ({}, {"call_id": 5}, {"call_id": "c", "colour": "red"}, None):
        assert not validator("cloudevent").is_valid({**envelope, "data": data})
    assert not validator("cloudevent").is_valid({**envelope, "type": "callsla.call.x.v1"})
    del envelope["data"]
    assert not validator("cloudevent").is_valid(envelope)


def _promises() -> list[dict[str, Any]]:
    ledger = Ledger(Rules())
    answered = CallAnswered(id="3", at=START + 3 * SECOND, call_id="b", answered_by="human")
    for event in (
        CallOffered(id="1", at=START, call_id="a", customer="k"),
        CallOffered(id="2", at=START, call_id="b", queue="sales"),
        answered,
        CallAbandoned(id="4", at=START + 30 * SECOND, call_id="a"),
    ):
        ledger.apply(event)
    ledger.advance(START + 7200 * SECOND)
    return [msgspec.json.decode(encode_promise(from_change(each))) for each in ledger.drain()]


def test_the_promise_events_of_a_ledger_are_valid() -> None:
    """What a dialler may rely on."""
    promises = _promises()
    assert {promise["verdict"] for promise in promises} >= {"answer", "callback", "promise"}
    for promise in promises:
        validator("promise.changed").validate(promise)
        validator("promise.changed").validate({**promise, "mood": "added later"})


def test_a_verdict_has_its_own_states_only() -> None:
    """An answer is never `unreachable`."""
    (promise, *_) = [each for each in _promises() if each["verdict"] == "answer"]
    assert validator("promise.changed").is_valid({**promise, "state": "none"})
    assert not validator("promise.changed").is_valid({**promise, "state": "unreachable"})


def test_encoded_events_are_what_the_schema_saw() -> None:
    """`as_object` and the bytes on the wire say the same."""
    event = EventDecoder().decode(msgspec.json.encode(OFFERED))
    assert msgspec.json.decode(encode(event)) == as_object(event)
