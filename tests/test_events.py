"""Reading and writing canonical events: what is accepted, what is refused and with which reason."""

import json
import traceback
from typing import Any

import pytest
from event_strategies import events
from hypothesis import given
from hypothesis import strategies as st

from streams.events import (
    EVENT_TYPES,
    MAX_EVENT_BYTES,
    REASONS,
    CallbackConnected,
    CallbackRequested,
    CallEnded,
    CallEvent,
    CallOffered,
    Event,
    EventDecoder,
    Rejected,
    SourceHeartbeat,
    encode,
    encode_binary,
    encode_structured,
)
from streams.instants import MILLISECOND

AT = 1_795_461_801_000_000
OFFERED = {"id": "1", "kind": "call.offered", "at": "2026-11-23T19:23:21Z", "call_id": "c1"}
REQUESTED = {"id": "1", "kind": "callback.requested", "at": 1_795_461_801_000, "customer": "k"}
SECRET = "+493012345678"  # noqa: S105 (no password: a number nobody has)


def _json(base: dict[str, Any], /, **changes: Any) -> bytes:
    return json.dumps({**base, **changes}).encode()


def _without(base: dict[str, Any], name: str) -> bytes:
    return json.dumps({key: value for key, value in base.items() if key != name}).encode()


def _decode(value: bytes | None) -> Event:
    return EventDecoder().decode(value)


def _refusal(value: bytes | None) -> Rejected:
    with pytest.raises(Rejected) as caught:
        _decode(value)
    return caught.value


# What is accepted


def test_a_plain_event_is_read() -> None:
    """The least an event needs; the rest has its defaults."""
    assert _decode(_json(OFFERED)) == CallOffered(id="1", at=AT, call_id="c1")


@pytest.mark.parametrize(
    "at",
    [
        1_795_461_801_000,
        "2026-11-23T19:23:21Z",
        "2026-11-23T19:23:21.000Z",
        "2026-11-23T20:23:21+01:00",
        "2026-11-23t19:23:21.000000000z",
    ],
)
def test_both_forms_of_a_time_mean_the_same(at: object) -> None:
    """RFC 3339 with any zone and epoch milliseconds give the same microseconds."""
    assert _decode(_json(OFFERED, at=at)).at == AT


@pytest.mark.parametrize("name", ["queue", "customer", "source", "anonymous"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_mean_absent(name: str, nothing: object) -> None:
    """Exports write what they do not know as null or as empty text."""
    assert _decode(_json(OFFERED, **{name: nothing})) == _decode(_json(OFFERED))


def test_unknown_fields_are_tolerated_and_counted() -> None:
    """A newer producer does not stop an older consumer, but it is seen."""
    decoder = EventDecoder()
    event = decoder.decode(_json(OFFERED, colour="red", nested={"deep": [1]}))
    decoder.decode(_json(OFFERED))
    assert event == CallOffered(id="1", at=AT, call_id="c1")
    assert decoder.unknown_fields == 2


def test_unknown_fields_of_a_refused_record_are_not_counted() -> None:
    """The counter speaks of events, not of rubbish."""
    decoder = EventDecoder()
    with pytest.raises(Rejected):
        decoder.decode(_json(OFFERED, id=7, colour="red"))
    assert decoder.unknown_fields == 0


def test_the_field_with_has_a_name_python_allows() -> None:
    """`with` is a word of Python's: the attribute is `reached`."""
    event = _decode(_json(REQUESTED, kind="callback.connected", **{"with": "voicemail"}))
    assert isinstance(event, CallbackConnected)
    assert event.reached == "voicemail"


def test_a_callback_may_name_the_call_instead_of_the_customer() -> None:
    """One of the two is enough."""
    event = _decode(_json(REQUESTED, customer=None, call_id="c1", due_at="2026-11-23T20:23:21Z"))
    assert isinstance(event, CallbackRequested)
    assert event.due_at == AT + 3_600_000 * MILLISECOND


def test_of_duplicate_keys_the_last_holds_on_both_paths() -> None:
    """The fast and the tolerant way must not read the same record differently."""
    twice = b'{"id":"1","id":"2","kind":"call.offered","kind":"call.ended","at":%d,"call_id":"c"%s}'
    fast = _decode(twice % (AT // MILLISECOND, b""))
    tolerant = _decode(twice % (AT // MILLISECOND, b',"colour":"red"'))
    assert fast == tolerant == CallEnded(id="2", at=AT, call_id="c")


# What is refused

NOT_JSON = [
    b"",
    b"\n",
    b"{",
    b'{"id":"1","kind":"call.off',
    b"\x00",
    b"\xef\xbb\xbf" + _json(OFFERED),
    _json(OFFERED).decode().encode("utf-16"),
    b'{"id":"\xff","kind":"call.offered","at":1795461801000,"call_id":"c"}',
    b'{"id":"\\ud800","kind":"call.offered","at":1795461801000,"call_id":"c"}',
    b'{"id":"1","kind":"call.offered","at":NaN,"call_id":"c"}',
    b'{"id":"1","kind":"call.offered","at":Infinity,"call_id":"c"}',
    b'{"id":"1","kind":"call.offered","at":1e999,"call_id":"c"}',
    b'{"id":"1","kind":"call.offered","at":1' + b"0" * 5000 + b',"call_id":"c"}',
    b"[" * 30_000,
    b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
    b"[]",
    b"5",
    b"null",
    b'"call.offered"',
    None,
]


@pytest.mark.parametrize("value", NOT_JSON)
def test_what_is_no_json_object_is_malformed(value: bytes | None) -> None:
    """Cut, not UTF-8, nested without end, not an object, or nothing at all (a tombstone)."""
    assert _refusal(value).reason == "malformed"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("id", 5),
        ("id", ["1"]),
        ("at", True),
        ("at", 1.5),
        ("at", {"s": 1}),
        ("call_id", 5),
        ("queue", 5),
        ("queue", {"name": "sales"}),
        ("anonymous", "yes"),
        ("anonymous", 1),
    ],
)
def test_wrong_types_are_malformed(name: str, wrong: object) -> None:
    """Nothing is guessed from a value of the wrong type; the message names the field."""
    refusal = _refusal(_json(OFFERED, **{name: wrong}))
    assert refusal.reason == "malformed"
    assert f"`$.{name}`" in str(refusal)


@pytest.mark.parametrize("wrong", ["Human", "robot", 1])
def test_a_word_outside_its_list_is_malformed(wrong: object) -> None:
    """`answered_by` decides a promise: no near miss is accepted."""
    refusal = _refusal(_json(OFFERED, kind="call.answered", answered_by=wrong))
    assert refusal.reason == "malformed"


@pytest.mark.parametrize("name", ["id", "call_id"])
@pytest.mark.parametrize("nothing", [None, "", "absent"])
def test_an_event_without_its_ids_is_refused(name: str, nothing: str | None) -> None:
    """Absent, null and empty are one and the same: `missing_id`."""
    value = _without(OFFERED, name) if nothing == "absent" else _json(OFFERED, **{name: nothing})
    assert _refusal(value).reason == "missing_id"


@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES if kind.startswith("callback.")])
@pytest.mark.parametrize("due_at", [None, 1_795_465_401_000])
def test_a_callback_about_nobody_is_refused(kind: str, due_at: int | None) -> None:
    """With neither customer nor call there is nobody to call back, whatever else is given."""
    value = _json(REQUESTED, kind=kind, customer=None, due_at=due_at)
    assert _refusal(value).reason == "missing_id"


@pytest.mark.parametrize(
    "at",
    [
        0,
        -1,
        631_151_999_999,
        4_102_444_800_000,
        10**18,
        10**30,
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1989-12-31T23:59:59.999Z",
        "2100-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-23:59",
        "2026-11-23T19:23:21",
        "2026-11-23T19:23:21.123",
        "2026-02-29T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T19:23:60.000Z",
        "2026-11-23",
        "1795461801000",
        "yesterday",
    ],
)
def test_times_nobody_can_have_lived_are_refused(at: object) -> None:
    """Huge, negative, the years 0 and 9999, without a zone, of no calendar: `bad_time`."""
    assert _refusal(_json(OFFERED, at=at)).reason == "bad_time"
    assert _refusal(_json(REQUESTED, due_at=at)).reason == "bad_time"


def test_a_refused_due_time_is_not_blamed_on_at() -> None:
    """The message leads to the field that is wrong."""
    assert "`$.due_at`" in str(_refusal(_json(REQUESTED, due_at="soon")))


@pytest.mark.parametrize("kind", ["call.secret", "", "CALL.OFFERED", "call.offered ", 5, ["x"]])
def test_unknown_kinds_are_refused(kind: object) -> None:
    """They are dead-lettered under a reason of their own."""
    assert _refusal(_json(OFFERED, kind=kind)).reason == "unknown_kind"


def test_a_missing_kind_is_malformed() -> None:
    """It may be anything but an event."""
    assert _refusal(_without(OFFERED, "kind")).reason == "malformed"
    assert _refusal(_json(OFFERED, kind=None)).reason == "malformed"


@pytest.mark.parametrize("name", ["id", "call_id", "queue", "customer", "source", "colour"])
def test_a_text_of_a_megabyte_is_refused(name: str) -> None:
    """In a field that is known or in one that is not."""
    assert _refusal(_json(OFFERED, **{name: "x" * 1_000_000})).reason == "too_long"


def test_a_name_has_128_characters_at_most() -> None:
    """The limit itself is allowed."""
    assert _decode(_json(OFFERED, queue="ü" * 128)).queue == "ü" * 128
    assert _refusal(_json(OFFERED, queue="ü" * 129)).reason == "too_long"


def test_a_record_at_the_limit_is_read() -> None:
    """64 KiB is the limit of the tolerant way, unknown fields included."""
    frame = len(_json(OFFERED, colour=""))
    fits = _json(OFFERED, colour="x" * (MAX_EVENT_BYTES - frame))
    assert len(fits) == MAX_EVENT_BYTES
    assert isinstance(_decode(fits), CallOffered)
    assert _refusal(fits + b" ").reason == "too_long"


def test_a_bad_record_leaves_the_decoder_usable() -> None:
    """A neighbour of a poisonous record is read as if nothing had happened."""
    decoder = EventDecoder()
    for value in NOT_JSON:
        with pytest.raises(Rejected):
            decoder.decode(value)
        assert decoder.decode(_json(OFFERED)) == CallOffered(id="1", at=AT, call_id="c1")


# Properties


@given(st.binary(max_size=400))
def test_any_bytes_are_an_event_or_refused(value: bytes) -> None:
    """No input makes the decoder fail in any other way."""
    _only_refused(value)


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELD_NAMES = sorted({*OFFERED, *REQUESTED, "queue", "source", "answered_by", "with", "data"})
OBJECTS = st.dictionaries(st.sampled_from([*FIELD_NAMES, "specversion", "type"]), JSON_VALUES)


@given(st.sampled_from(list(EVENT_TYPES)), OBJECTS)
def test_any_json_object_is_an_event_or_refused(kind: str, changes: dict[str, Any]) -> None:
    """An event with any fields replaced by anything."""
    _only_refused(_json(OFFERED, **{"kind": kind, **changes}))


@given(events(), st.data())
def test_any_cut_of_an_event_is_an_event_or_refused(event: Event, data: st.DataObject) -> None:
    """A file cut in the middle of a line."""
    value = encode(event)
    _only_refused(value[: data.draw(st.integers(0, len(value) - 1))])


def _only_refused(value: bytes) -> None:
    result = _result(value)
    if isinstance(result, Rejected):
        assert result.reason in REASONS
    else:
        assert _decode(encode(result)) == result


def _result(value: bytes) -> Event | Rejected:
    try:
        return _decode(value)
    except Rejected as refusal:
        return refusal


@given(events())
def test_every_event_comes_back_from_every_encoding(event: Event) -> None:
    """Plain, structured and binary say the same, to the microsecond."""
    decoder = EventDecoder()
    assert decoder.decode(encode(event)) == event
    assert decoder.decode(*encode_structured(event)) == event
    assert decoder.decode(*encode_binary(event)) == event
    assert decoder.unknown_fields == 0


@given(events())
def test_an_encoded_event_is_one_line(event: Event) -> None:
    """A file of events has one a line, whatever the names contain."""
    assert b"\n" not in encode(event)


SPOILED: list[dict[str, Any]] = [
    {name: value}
    for name in [*FIELD_NAMES, "ended_by", "anonymous", "to", "due_at", "resolved", SECRET]
    for value in (SECRET, [SECRET], {SECRET: SECRET}, {"x": [SECRET]}, SECRET * 20)
]


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_no_refusal_tells_a_value(kind: str) -> None:
    """Neither message nor traceback: a number in the wrong field must not reach a log."""
    refused = 0
    for spoiled in SPOILED:
        plain = {**OFFERED, "kind": kind, **spoiled}
        envelope = {"specversion": "1.0", "type": kind, **spoiled, "data": plain}
        for value in (_json(plain), _json(plain)[:-1], _json(envelope)):
            result = _result(value)
            if isinstance(result, Rejected):
                refused += 1
                assert SECRET not in "".join(traceback.format_exception(result))
    assert refused > len(SPOILED)


# The types


def test_every_kind_has_its_type() -> None:
    """Fourteen kinds, each with a docstring for the schemas; the tag is the kind."""
    assert len(EVENT_TYPES) == 14
    for kind, cls in EVENT_TYPES.items():
        assert cls.__doc__
        assert cls.__struct_config__.tag == cls.kind == kind


def test_calls_and_sources_can_be_told_apart() -> None:
    """What the partitioner and the ledger ask for."""
    assert isinstance(CallOffered(id="1", at=AT, call_id="c"), CallEvent)
    assert not isinstance(SourceHeartbeat(id="1", at=AT), CallEvent)


def test_an_event_padded_beyond_all_bounds_is_too_long() -> None:
    """The bound is one of the record, whatever it is filled with."""
    plain = _json(OFFERED)
    padded = b" " * (MAX_EVENT_BYTES - len(plain)) + plain
    assert _decode(padded) == _decode(plain)
    assert _refusal(b" " + padded).reason == "too_long"
