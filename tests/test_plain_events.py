"""The usual event read in C says what the written code says of it, or nothing."""

import json
import random
from typing import Any, Final

import pytest
from event_strategies import events
from hypothesis import given
from hypothesis import strategies as st

from streams import KERNEL
from streams.events import Event, EventDecoder, Rejected, as_object, encode
from streams.ledger.kinds import Told, told
from streams.plain_events import read_plain
from streams.simulate import Centre, large_centre

NAMES: Final = (
    "kind", "id", "at", "source", "call_id", "queue", "customer", "anonymous", "with",
    "answered_by", "ended_by", "resolved", "agent", "to", "reason", "due_at",
)  # fmt: skip
TIMES: Final = (
    "2026-02-28T23:59:59Z", "2026-02-29T00:00:00Z", "2024-02-29T12:00:00.001Z",
    "1989-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z",
    "2026-00-10T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-05T24:00:00Z",
    "2026-01-05T00:60:00Z", "2026-01-05T00:00:60Z", "2026-01-05T00:00:00.12Z",
    "2026-01-05 00:00:00Z", "2026-01-05T00:00:00+00:00", "2026-01-05t00:00:00z",
    1767571200000, 0, -1, 1767571200000.0, 1e300, 99999999999999999999, True, None,
)  # fmt: skip
compiled: Final = pytest.mark.skipif(KERNEL.name == "python", reason="nothing is in C here")


def _by_decoder(value: bytes) -> Told | None:
    """What the written code says; None: it refuses it, or tolerates something in it."""
    decoder = EventDecoder()
    try:
        event = decoder.decode(value)
    except Rejected:
        return None
    return None if decoder.unknown_fields else told(event)


def _agree(value: bytes) -> None:
    said = read_plain(value)
    if said is not None:
        known = _by_decoder(value)
        assert said == known
        assert known is not None
        assert [type(one) for one in said] == [type(one) for one in known]


@given(events())
def test_any_event_is_told_the_same(event: Event) -> None:
    """However its JSON is spaced, and with times as milliseconds."""
    fields = as_object(event)
    for value in (
        encode(event),
        json.dumps(fields, ensure_ascii=False, indent=1).encode(),
        json.dumps({**fields, "at": event.at // 1000}).encode(),
    ):
        _agree(value)


@given(
    st.sampled_from([b'{"kind":"%s",' % kind for kind in (b"call.ended", b"callback.connected")]),
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(TIMES) | st.text(max_size=3) | st.booleans()
            | st.sampled_from(["human", "bot", "agent", "x" * 128, "x" * 129, "é" * 64]),
        ),
        max_size=8,
    ),
)  # fmt: skip
def test_odd_fields_are_told_the_same(head: bytes, fields: list[tuple[str, Any]]) -> None:
    """Twice, of another kind, empty, of a wrong type, too long, in no calendar."""
    body = [f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}" for name, value in fields]
    named = ['"id":"1"', '"call_id":"c"', '"at":1767571200000']
    _agree(head + ",".join(body).encode() + b"}")
    _agree(head + ",".join([*named, *body]).encode() + b"}")


def test_damaged_bytes_are_told_the_same() -> None:
    """One byte replaced, left out or doubled, and every beginning of an event."""
    rng = random.Random(5)
    for event in Centre(large_centre(), 5).events(40):
        value = encode(event)
        for end in range(len(value)):
            _agree(value[:end])
        for _ in range(200):
            place = rng.randrange(len(value))
            put = rng.choice((b"", bytes([rng.randrange(256)]), value[place : place + 1] * 2))
            _agree(value[:place] + put + value[place + 1 :])


@compiled
def test_the_usual_event_needs_no_other_reader() -> None:
    """All that a simulated centre reports, but callbacks with a due time of their own."""
    for event in Centre(large_centre(), 5).events(300):
        value = encode(event)
        assert (read_plain(value) is None) == (b"due_at" in value)


@compiled
@pytest.mark.parametrize("odd", [
    b"", b"{", b"{}", b"[]", b"null", b'{"kind":"call.offered"}',
    b'\xef\xbb\xbf{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"c"}',
    b'{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"c","id":"1"}',
    b'{"kind":"call.offered","id":"\\u0031","at":1767571200000,"call_id":"c"}',
    b'{"kind":"call.offered","id":"1","at":01767571200000,"call_id":"c"}',
    b'{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"c"}}',
    b'{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"\xff"}',
    b'{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"c\x00"}',
    b'{"kind":"call.offered","id":"1","at":1767571200000,"call_id":"c","other":1}',
])  # fmt: skip
def test_what_is_unusual_is_left_to_the_reader(odd: bytes) -> None:
    """It tolerates it, or refuses it in words."""
    assert read_plain(odd) is None
