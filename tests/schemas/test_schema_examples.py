"""The examples in `schemas/examples`: a corpus that every later version has to read."""

import json
from typing import Any

import msgspec
import pytest
from validators import EXAMPLES, load, validator

from streams.events import (
    EVENT_TYPES,
    CallOffered,
    Event,
    EventDecoder,
    as_object,
    encode,
    encode_binary,
    encode_structured,
)

KINDS = list(EVENT_TYPES)


def _plain(kind: str) -> Any:
    return load(EXAMPLES / f"{kind}.json")


def _structured(kind: str) -> Any:
    return load(EXAMPLES / "structured" / f"{kind}.json")


def _binary(kind: str) -> tuple[Any, dict[str, str]]:
    record = load(EXAMPLES / "binary" / f"{kind}.json")
    return record["value"], record["headers"]


def _decode(value: Any, headers: dict[str, str] | None = None) -> Event:
    decoder = EventDecoder()
    pairs = [(name, text.encode()) for name, text in (headers or {}).items()]
    event = decoder.decode(json.dumps(value).encode(), pairs)
    assert decoder.unknown_fields == 0
    return event


@pytest.mark.parametrize("mode", ["", "structured", "binary"])
def test_every_kind_has_an_example_and_nothing_else_has(mode: str) -> None:
    """In each of the three forms."""
    assert {path.stem for path in (EXAMPLES / mode).glob("*.json")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_three_forms_of_an_example_are_one_event(kind: str) -> None:
    """Plain, structured and binary are read as the same event of the kind in the file's name."""
    event = _decode(_plain(kind))
    assert type(event) is EVENT_TYPES[kind]
    assert _decode(_structured(kind)) == _decode(*_binary(kind)) == event


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_what_is_written_today(kind: str) -> None:
    """Both CloudEvents modes, to the letter; plain but for the form of the time."""
    event = _decode(_plain(kind))
    value, _ = encode_structured(event)
    assert json.loads(value) == _structured(kind)
    value, headers = encode_binary(event)
    assert (json.loads(value), {name: text.decode() for name, text in headers}) == _binary(kind)
    assert {**json.loads(encode(event)), "at": None} == {**_plain(kind), "at": None}


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_valid(kind: str) -> None:
    """Against the schema of its kind, of any event, of a CloudEvent and of its data."""
    validator(kind).validate(_plain(kind))
    validator("event").validate(_plain(kind))
    validator("cloudevent").validate(_structured(kind))
    value, _ = _binary(kind)
    validator("cloudevent", definition=kind).validate(value)


def test_the_examples_show_every_field() -> None:
    """And both forms of a time; nobody has to guess how a field is written."""
    shown = {(kind, name) for kind in KINDS for name in _plain(kind)}
    every = {
        (kind, member.encode_name)
        for kind, cls in EVENT_TYPES.items()
        for member in msgspec.structs.fields(cls)
    }
    rare = {"anonymous", "call_id", "customer", "queue", "reason"}
    assert {pair for pair in every - shown if pair[1] not in rare} == set()
    assert {type(_plain(kind)["at"]) for kind in KINDS} == {str, int}


def test_an_anonymous_event_is_valid() -> None:
    """The one field whose example would contradict the customer beside it."""
    event = CallOffered(id="1", at=1_795_461_801_000_000, anonymous=True, call_id="c")
    validator("event").validate(as_object(event))
