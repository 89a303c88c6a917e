"""CloudEvents 1.0 on Kafka, structured and binary."""

import json
from typing import Any

import pytest

from streams.events import (
    CallOffered,
    EventDecoder,
    Rejected,
    SourceHeartbeat,
    encode_binary,
    encode_structured,
)

AT = 1_795_461_801_000_000
OFFERED = CallOffered(id="1", at=AT, source="pbx", call_id="c1")
ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "pbx",
    "type": "callsla.call.offered.v1",
    "time": "2026-11-23T19:23:21Z",
    "data": {"call_id": "c1"},
}
HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"pbx"),
    ("ce_type", b"callsla.call.offered.v1"),
    ("ce_time", b"2026-11-23T19:23:21Z"),
    ("content-type", b"application/json"),
]


def _structured(**changes: Any) -> bytes:
    return json.dumps({**ENVELOPE, **changes}).encode()


def _headers(**changes: bytes | None) -> list[tuple[str, Any]]:
    changed = {f"ce_{name}": value for name, value in changes.items()}
    return list({**dict(HEADERS), **changed}.items())


def test_the_structured_mode_is_read() -> None:
    """The attributes are the event's own fields; no header is needed."""
    assert EventDecoder().decode(_structured()) == OFFERED


def test_the_binary_mode_is_read() -> None:
    """The attributes come in headers, the data is the value."""
    assert EventDecoder().decode(b'{"call_id":"c1"}', HEADERS) == OFFERED


def test_what_is_written_follows_the_binding() -> None:
    """Content type and header names are those of the Kafka binding of CloudEvents."""
    value, headers = encode_structured(OFFERED)
    assert dict(headers) == {"content-type": b"application/cloudevents+json"}
    assert json.loads(value) == {**ENVELOPE, "datacontenttype": "application/json"}
    value, headers = encode_binary(OFFERED)
    assert dict(headers) == dict(HEADERS)
    assert json.loads(value) == {"call_id": "c1"}


@pytest.mark.parametrize(
    "event_type",
    ["call.offered", "call.offered.v2", "com.example.pbx.call.offered", "x.call.offered.v12"],
)
def test_the_kind_is_the_end_of_the_type(event_type: str) -> None:
    """Whose type it is and its version do not matter."""
    assert EventDecoder().decode(_structured(type=event_type)) == OFFERED


@pytest.mark.parametrize("event_type", ["", "v1", "offered", "call.offered.x", "com.example.order"])
def test_a_foreign_type_is_an_unknown_kind(event_type: str) -> None:
    """Other people's CloudEvents on the topic are dead-lettered as such."""
    with pytest.raises(Rejected) as caught:
        EventDecoder().decode(_structured(type=event_type))
    assert caught.value.reason == "unknown_kind"


def test_an_attribute_wins_over_the_same_field_of_the_data() -> None:
    """The envelope is the authority, in both modes."""
    data = {"call_id": "c1", "id": "9", "kind": "call.ended", "at": 1, "source": "x"}
    assert EventDecoder().decode(_structured(data=data)) == OFFERED
    assert EventDecoder().decode(json.dumps(data).encode(), HEADERS) == OFFERED


def test_extension_attributes_are_no_unknown_fields() -> None:
    """Traces and sequences are the transport's business."""
    decoder = EventDecoder()
    assert decoder.decode(_structured(traceparent="00-1", subject="x")) == OFFERED
    assert decoder.decode(b'{"call_id":"c1"}', _headers(traceparent=b"00-1")) == OFFERED
    assert decoder.unknown_fields == 0


@pytest.mark.parametrize("value", [None, b""])
def test_a_heartbeat_needs_no_data(value: bytes | None) -> None:
    """Everything it says is in the attributes."""
    beat = SourceHeartbeat(id="1", at=AT, source="pbx")
    headers = _headers(type=b"callsla.source.heartbeat.v1")
    assert EventDecoder().decode(value, headers) == beat
    assert EventDecoder().decode(_structured(type="source.heartbeat", data=None)) == beat


def test_headers_of_others_do_not_make_a_cloudevent() -> None:
    """A trace header or a lone `ce_` one leaves a plain event what it is."""
    value = b'{"id":"1","kind":"call.offered","at":1795461801000,"source":"pbx","call_id":"c1"}'
    headers = [("traceparent", b"00-1"), ("ce_id", b"9"), ("x", None)]
    assert EventDecoder().decode(value, headers) == OFFERED  # type: ignore[arg-type]


def test_the_names_of_headers_may_be_written_in_capitals() -> None:
    """Some bridges copy them from HTTP."""
    headers = [(name.upper(), value) for name, value in HEADERS]
    assert EventDecoder().decode(b'{"call_id":"c1"}', headers) == OFFERED


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (_structured(data="text"), None, "malformed"),
        (_structured(data=[]), None, "malformed"),
        (_structured(id=5), None, "malformed"),
        (_structured(type=5), None, "malformed"),
        (_structured(id=""), None, "missing_id"),
        (_structured(data={}), None, "missing_id"),
        (_structured(time="9999-01-01T00:00:00Z"), None, "bad_time"),
        (b'{"call_id":"c1"}', _headers(id=b"\xff\xfe"), "malformed"),
        (b'{"call_id":"c1"}', _headers(id=b""), "missing_id"),
        (b'{"call_id":"c1"}', _headers(id=None), "missing_id"),
        (b'{"call_id":"c1"}', _headers(time=b"soon"), "bad_time"),
        (b'{"call_id":"c1"}', _headers(type=b"order.placed.v1"), "unknown_kind"),
        (b"[]", HEADERS, "malformed"),
        (b"{", HEADERS, "malformed"),
        (None, HEADERS, "missing_id"),
        (b'{"call_id":"' + b"x" * 70_000 + b'"}', HEADERS, "too_long"),
    ],
)
def test_a_bad_cloudevent_is_refused(value: bytes | None, headers: Any, reason: str) -> None:
    """With the same reasons as a plain event."""
    with pytest.raises(Rejected) as caught:
        EventDecoder().decode(value, headers)
    assert caught.value.reason == reason


def test_ids_that_are_no_text_are_not_taken_for_one_another() -> None:
    """Replacing their bytes would make two events one, and the second a duplicate."""
    for identity in (b"\xff", b"\xfe"):
        with pytest.raises(Rejected):
            EventDecoder().decode(b'{"call_id":"c1"}', _headers(id=identity))
