"""Call records with faults in them: no header, bad cells, a row cut off, or no table at all."""

from contextlib import suppress

import pytest
from call_table import CALLBACK, HEADER, NUMBER, START, at, offered, read, reader, table
from hypothesis import given
from hypothesis import strategies as st

from streams.events import encode
from streams.sources import MAX_LINE_BYTES, SourceError
from streams.sources.call_records import COLUMNS, OUTCOMES


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((f"c1,sales,{START}",), "must name the columns"),
        (("queue,offered_at",), "call_id is not there"),
        (("call_id,queue",), "offered_at or queued_at is not there"),
        (("call_id,offered_at,offered_at",), "offered_at is there twice"),
        (('call_id,"offered_at',), "must name the columns"),
    ],
)
def test_a_table_without_a_usable_header_is_one_clear_line(
    rows: tuple[str, ...], message: str
) -> None:
    """It says what is missing and which columns are known."""
    with pytest.raises(SourceError, match=message) as caught:
        list(reader().read(table(*rows)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f",{START},,,", "missing_id"),
        (f"{'x' * 129},{START},,,", "too_long"),
        ("c1,,,,", "malformed"),
        (f"c1,{START},,answered,", "malformed"),
        (f"c1,{START},,abandoned,", "malformed"),
        (f"c1,{START},,eaten,", "malformed"),
        (f"c1,{START},{START},answered,perhaps", "malformed"),
        (f"c1,{START}", "malformed"),
        (f"c1,{START},,,,,", "malformed"),
        (f'"c1,{START},,,', "malformed"),
        (f"c1,{START},,,{'x' * 200_000}", "malformed"),
        (f"c1,{START},,,{'x' * (MAX_LINE_BYTES + 1)}", "too_long"),
    ],
)
def test_a_bad_row_is_counted_and_its_neighbours_are_read(row: str, reason: str) -> None:
    """Above all a quote without its end must not swallow the rows below."""
    refused: list[tuple[int, str, str]] = []
    source = reader(on_rejected=lambda *what: refused.append(what))
    rows = table(
        "call_id,offered_at,ended_at,outcome,resolved", f"a,{START},,,", row, f"b,{START},,,"
    )
    events = list(source.read(rows))
    assert [event.call_id for event in offered(events)] == ["a", "b"]
    assert (source.records, source.rejected) == (3, {reason: 1})
    assert [(number, why) for number, why, _ in refused] == [(3, reason)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"callback,,,,{at(1)},,,", "missing_id"),
        ("callback,k,,,,,,", "malformed"),
        (f"callback,k,,,,{at(1)},somebody,", "malformed"),
        (f"visit,k,,,{at(1)},,,", "malformed"),
    ],
)
def test_a_bad_callback_row_is_counted(row: str, reason: str) -> None:
    """A callback needs somebody to be called and a time."""
    source = reader()
    assert list(source.read(table(CALLBACK, row))) == []
    assert source.rejected == {reason: 1}


def test_a_last_row_cut_off_is_refused() -> None:
    """Fewer cells than columns: the file was cut in the middle of a line."""
    source = reader()
    rows = [*table(HEADER), f"c1,sales,k7,{at(0)},{at(7)},2026-01".encode()]
    assert list(source.read(rows)) == []
    assert source.rejected == {"malformed": 1}


def test_ids_are_the_same_at_every_reading() -> None:
    """The same row twice gives the same ids, two rows of one call with other times do not."""
    row = f"c1,sales,k7,{at(0)},{at(7)},{at(60)},answered,human,agent,yes"
    first, again = read(HEADER, row), read(HEADER, row, row)
    assert [event.id for event in again] == [event.id for event in first] * 2
    other = read(HEADER, row.replace(at(0), at(1)))
    assert first[0].id != other[0].id
    assert len({event.id for event in first}) == 3


def test_a_long_call_id_still_gives_a_short_event_id() -> None:
    """An id of 128 characters is allowed and must not make one that is too long."""
    (event,) = read("call_id,offered_at", f"{'x' * 128},{START}")
    assert len(event.id) <= 128


CELL = st.one_of(
    st.sampled_from(["", "c1", "callback", "call", "human", "true", START, "1767603600", NUMBER]),
    st.sampled_from([*OUTCOMES, "agent", '"', '""', "anonymous"]),
    st.text(max_size=8),
)
ROW = st.lists(CELL, min_size=len(COLUMNS), max_size=len(COLUMNS)).map(
    lambda cells: ",".join(cells).encode("utf-8", "surrogatepass")
)


@given(st.lists(st.one_of(ROW, st.binary(max_size=60)), max_size=8))
def test_no_bytes_make_the_reader_raise(lines: list[bytes]) -> None:
    """Under a good header every row becomes events, nothing, or one refusal."""
    source = reader()
    for event in source.read([",".join(COLUMNS).encode(), *lines]):
        encode(event)
    assert sum(source.rejected.values()) <= source.records <= len(lines)


@given(st.binary(max_size=200))
def test_any_first_line_is_a_header_or_one_clear_line(first: bytes) -> None:
    """No other error than the one meant for people, and that in one line."""
    with suppress(SourceError):
        assert list(reader().read([first])) == []
    with pytest.raises(SourceError, match=r"\A[^\n]+\Z"):
        list(reader().read([b"x" + first.replace(b"_at", b"")]))


@pytest.mark.parametrize(
    "header",
    ["call_id,call_id,offered_at", '"call_id,offered_at', "x;x;x;x;x,call_id,offered_at"],
)
def test_a_later_header_that_cannot_be_used_spoils_its_own_rows_only(header: str) -> None:
    """They would be read under the wrong columns; those before it and after the next are read."""
    source = reader()
    good = "call_id,offered_at"
    rows = table(good, f"a,{START}", header, f"b,{START}", good, f"c,{START}")
    assert [event.call_id for event in offered(source.read(rows))] == ["a", "c"]
    assert (source.records, source.rejected) == (4, {"malformed": 2})


@pytest.mark.parametrize("rows", [(), ("", "  "), (",,,", "\t")])
def test_a_table_of_nothing_but_blank_lines_has_no_calls(rows: tuple[str, ...]) -> None:
    """Nor a header, which only rows would need: a day without calls is no fault."""
    source = reader()
    assert list(source.read(table(*rows))) == []
    assert (source.records, source.rejected) == (0, {})
