"""A queue_log with faults in it: cut, garbled, too long, or no queue_log at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queue_log import T, events, line, log, reader, told

from streams.events import (
    encode,
)
from streams.sources import MAX_LINE_BYTES, Pseudonyms
from streams.sources.asterisk_memory import MAX_REMEMBERED
from streams.sources.pseudonym import Key

ENTER = "c1|sales|NONE|ENTERQUEUE||07700900123|1"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"no queue log at all\n", "malformed"),
        (b"1767571200|c1|sales|NONE\n", "malformed"),
        (b"1767571200|c1|sales|NONE||\n", "malformed"),
        (b"\xff\xfe\x00rubbish\n", "malformed"),
        (b"1767571200|c1|sales|NONE|ENTERQUEUE|\n", "malformed"),
        (b"2026-01-05 00:00:00.123456|c1|sales|NONE|ENTERQUEUE|||1\n", "bad_time"),
        (b"|c1|sales|NONE|ENTERQUEUE|||1\n", "bad_time"),
        (b"-5|c1|sales|NONE|ENTERQUEUE|||1\n", "bad_time"),
        (b"0|c1|sales|NONE|ENTERQUEUE|||1\n", "bad_time"),
        (b"9" * 5000 + b"|c1|sales|NONE|ENTERQUEUE|||1\n", "bad_time"),
        (b"1767571200||sales|NONE|ENTERQUEUE|||1\n", "missing_id"),
        (b"1767571200|" + b"x" * 129 + b"|sales|NONE|ENTERQUEUE|||1\n", "too_long"),
        (b"1767571200|c1|" + b"q" * 129 + b"|NONE|ENTERQUEUE|||1\n", "too_long"),
        (b"1767571200|c1|sales|NONE|ENTERQUEUE||" + b"1" * MAX_LINE_BYTES + b"\n", "too_long"),
    ],
)
def test_a_bad_line_is_counted_and_its_neighbours_are_read(raw: bytes, reason: str) -> None:
    """One reason from the list of dead letters, never a crash, never a skipped neighbour."""
    refused: list[tuple[int, str, str]] = []
    source = reader(on_rejected=lambda *what: refused.append(what))
    found = list(source.read([line(0, ENTER), raw, line(3, "c1|sales|A|CONNECT|3|c2|1")]))
    assert told(found) == [(0, "call.queued"), (3, "call.answered")]
    assert source.rejected == {reason: 1}
    assert source.records == 3
    assert [(number, why) for number, why, _ in refused] == [(2, reason)]


def test_what_is_said_of_a_bad_line_holds_no_value_of_it() -> None:
    """A refusal names the place and never the content, which may be a number."""
    refused: list[str] = []
    source = reader(on_rejected=lambda _number, _why, detail: refused.append(detail))
    assert list(source.read([b"07700900123|07700900123|07700900123\n"])) == []
    assert list(source.read([b"x|07700900123|q|07700900123|ABANDON\n"])) == []
    assert len(refused) == 2
    assert not any("7700900123" in detail for detail in refused)


@pytest.mark.parametrize("cut", range(1, len(ENTER) - 1))
def test_a_last_line_cut_off_is_never_taken_for_a_whole_one(cut: int) -> None:
    """Cut anywhere before the caller's number is complete, the line is counted as malformed."""
    source = reader()
    assert list(source.read([f"{T}|{ENTER[:cut]}".encode()])) == []
    assert source.rejected == {"malformed": 1}


def test_a_last_line_without_its_end_is_read_if_it_is_whole() -> None:
    """Text made by hand often lacks the last line end."""
    assert told(events([line(0, ENTER), line(3, "c1|q|NONE|ABANDON|1|1|3").rstrip()])) == [
        (0, "call.queued"),
        (3, "call.abandoned"),
    ]


def test_blocks_of_nul_bytes_do_not_swallow_a_line() -> None:
    """After a crash of the machine a log may hold a block of NUL bytes before its next line."""
    assert told(events([b"\0" * 300 + line(0, ENTER)])) == [(0, "call.queued")]


def test_line_ends_of_other_systems_and_blank_lines() -> None:
    """CRLF is a line end; blank lines are no records."""
    source = reader()
    assert len(list(source.read([line(0, ENTER).replace(b"\n", b"\r\n"), b"\n", b"\r\n"]))) == 1
    assert (source.records, source.rejected) == (1, {})


def test_the_source_has_a_name_of_its_own() -> None:
    """Two switches must not share event ids: each gets its own source name."""
    (entered,) = events(log((0, ENTER)), source="pbx-2")
    assert entered.source == "pbx-2"


FIELD = st.one_of(
    st.sampled_from(["", "NONE", "c1", "sales", "Anna", "1", "0", "07700900123", "-1", "²"]),
    st.text(max_size=12),
)
EVENTS = st.sampled_from(
    [
        *("ENTERQUEUE", "CONNECT", "ABANDON", "COMPLETEAGENT", "BLINDTRANSFER", "EXITWITHKEY"),
        *("OUTDIAL", "OUTANSWER", "OUTCANCEL", "OUTCALL", "OUTCHANUNAVAIL", "OUTOFBAND"),
        *("QUEUESTART", "SYSCOMPAT", "WITHDRAW", "RINGNOANSWER"),
    ]
)
LIKELY = st.tuples(
    st.integers(T, T + 5).map(str), FIELD, FIELD, FIELD, EVENTS, st.lists(FIELD, max_size=5)
).map(lambda parts: "|".join([*parts[:5], *parts[5]]).encode("utf-8", "surrogatepass") + b"\n")


@given(st.lists(st.one_of(st.binary(max_size=80), LIKELY), max_size=12))
def test_no_bytes_make_the_reader_raise(lines: list[bytes]) -> None:
    """Whatever stands in the lines: every record becomes events, nothing, or one refusal."""
    source = reader()
    found = list(source.read(lines))
    assert sum(source.rejected.values()) <= source.records <= len(lines)
    moments: dict[str, int] = {}
    for event in found:
        encode(event)
        assert moments.setdefault(event.id, event.at) == event.at


@given(st.lists(LIKELY, max_size=12))
def test_reading_twice_gives_the_same_events(lines: list[bytes]) -> None:
    """Reading is deterministic under one key."""
    assert list(reader().read(lines)) == list(reader().read(lines))


def test_numbers_in_a_field_beyond_all_bounds_are_not_looked_at() -> None:
    """Making a pseudonym of each of 100,000 numbers in one agent's name would take seconds."""
    pseudonyms = Pseudonyms(Key("k", b"a secret of the tests"))
    agents = b" ".join(b"%07d" % number for number in range(100_000))
    source = reader(pseudonyms=pseudonyms)
    assert list(source.read([b"%d|c1|q|%s|CONNECT|3|c2|1\n" % (T, agents)])) == []
    assert source.rejected == {"too_long": 1}
    assert pseudonyms._known.cache_info().currsize == 0


def test_a_clock_that_stands_still_fills_no_memory() -> None:
    """All in one second: what waits for the next one and the ids of this one are bounded."""
    source = reader()
    count = MAX_REMEMBERED + 1000
    lines = (line(0, f"c{number}|q|NONE|ABANDON|1|1|0") for number in range(count))
    given = source.read(lines)
    told_early = [next(given).call_id for _ in range(1000)]  # type: ignore[union-attr]
    assert told_early == [f"c{number}" for number in range(1000)]
    assert len(source._abandonments._kept) == len(source._ids._seen) == MAX_REMEMBERED
    assert len(list(given)) == MAX_REMEMBERED
