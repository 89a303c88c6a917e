"""Canonical events, one JSON object a line."""

import pytest
from event_strategies import events
from hypothesis import given
from hypothesis import strategies as st

from streams.events import REASONS, CallOffered, encode
from streams.ledger.kinds import told
from streams.sources import FORMATS, MAX_LINE_BYTES, Options
from streams.sources.canonical import CanonicalEvents

GOOD = b'{"kind":"call.offered","id":"1","at":"2026-01-05T00:00:00Z","call_id":"c1"}\n'


def test_every_line_is_an_event() -> None:
    """Lines come out as events in their order, counted."""
    source = CanonicalEvents()
    events = list(source.read([GOOD, GOOD.replace(b'"1"', b'"2"')]))
    assert [(type(event), event.id) for event in events] == [(CallOffered, "1"), (CallOffered, "2")]
    assert (source.records, source.rejected, source.unknown_fields) == (2, {}, 0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{\n", "malformed"),
        (GOOD[:40], "malformed"),
        (b"\xff\xfe\n", "malformed"),
        (b"[]\n", "malformed"),
        (GOOD.replace(b"offered", b"eaten"), "unknown_kind"),
        (GOOD.replace(b',"call_id":"c1"', b""), "missing_id"),
        (GOOD.replace(b"2026-", b"0000-"), "bad_time"),
        (GOOD.replace(b"2026-", b"9999-"), "bad_time"),
        (GOOD.replace(b'"2026-01-05T00:00:00Z"', b"NaN"), "malformed"),
        (
            GOOD.replace(b'"c1"', b'"' + b"c" * MAX_LINE_BYTES + b'"')[: MAX_LINE_BYTES + 1],
            "too_long",
        ),
        (b"[" * 100_000 + b"\n", "too_long"),
        (b"[" * 30_000 + b"\n", "malformed"),
    ],
)
def test_a_bad_line_is_counted_and_its_neighbours_are_read(bad: bytes, reason: str) -> None:
    """A refusal has a reason and the line's number, and costs no neighbour."""
    refused: list[tuple[int, str, str]] = []
    source = CanonicalEvents(Options(on_rejected=lambda *what: refused.append(what)))
    assert len(list(source.read([GOOD, bad, GOOD]))) == 2
    assert source.rejected == {reason: 1}
    assert [(number, why) for number, why, _ in refused] == [(2, reason)]


def test_unknown_fields_are_tolerated_and_counted() -> None:
    """A field of tomorrow does no harm today."""
    source = CanonicalEvents()
    assert len(list(source.read([GOOD.replace(b"}", b',"mood":"fine"}')]))) == 1
    assert source.unknown_fields == 1


def test_blank_lines_are_no_records() -> None:
    """Neither blank lines nor the sign that nothing has come count as records."""
    source = CanonicalEvents()
    assert len(list(source.read([b"\n", GOOD, b"", b"\r\n", b"  \n"]))) == 1
    assert (source.records, source.rejected) == (1, {})


@given(st.lists(st.one_of(st.binary(max_size=60), st.just(GOOD)), max_size=10))
def test_no_bytes_make_it_raise(lines: list[bytes]) -> None:
    """Every record is an event or one refusal with a known reason."""
    source = CanonicalEvents()
    events = list(source.read(lines))
    assert len(events) + sum(source.rejected.values()) == source.records
    assert set(source.rejected) <= set(REASONS)
    assert len(events) >= lines.count(GOOD)
    for event in events:
        encode(event)


def test_the_formats_are_those_of_the_command_line() -> None:
    """The names are a contract; every source answers to the same interface."""
    assert list(FORMATS) == ["events", "asterisk-queue-log", "call-records"]
    for name, source in FORMATS.items():
        made = source(Options())
        assert made.format == made.source == name
        assert (made.records, made.rejected, made.unknown_fields) == (0, {}, 0)


_LINES = [
    GOOD,
    b"",
    b"\n",
    b"{\n",
    b"[]",
    GOOD.replace(b"2026-", b"0000-"),
    GOOD.replace(b"offered", b"eaten"),
    GOOD.replace(b"}", b',"other":1}'),
    GOOD.replace(b'"c1"', b'"\\u0063"'),
    GOOD.strip() + b" \r\n",
]


@given(st.lists(st.sampled_from(_LINES) | events().map(encode), max_size=8))
def test_what_a_ledger_takes_is_that_of_the_events(lines: list[bytes]) -> None:
    """The same order, the same refusals, the same fields tolerated."""
    whole, short = CanonicalEvents(), CanonicalEvents()
    assert list(short.told(lines)) == [told(event) for event in whole.read(lines)]
    assert short.records == whole.records
    assert short.rejected == whole.rejected
    assert short.unknown_fields == whole.unknown_fields
