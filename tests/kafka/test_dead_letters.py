"""What a dead letter says about a record, and what is read back of it."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import Raw, batch

from streams.cli.dlq_views import printable, whole
from streams.events import CallOffered, EventDecoder, Rejected, encode
from streams.kafka.dead_letters import (
    HEADER_PREFIX,
    HEADERS,
    MARK_HEADER,
    ORIGIN_HEADER,
    REPLAYS_HEADER,
    DeadLetter,
    replays,
)
from streams.kafka.dlq import Letter, Place, encode_mark, letter_of
from streams.kafka.dlq_replay import replay_record
from streams.kafka.normalise import RawPartition

PERSONAL = "+4915112345678"
LINES = {
    "events": [
        b'{"kind":"call.offered","id":"1","at":"2026-03-02T10:00:00Z","call_id":"c","customer":"x"}',
        b'{"specversion":"1.0","id":"1","source":"s","type":"call.answered.v1","data":{"at":1}}',
    ],
    "asterisk-queue-log": [
        b"1772445600|100.1|sales|NONE|ENTERQUEUE||5550100|1",
        b"1772445604|100.1|sales|SIP/7|CONNECT|4|100.2|3",
        b"1772445634|100.1|sales|SIP/7|COMPLETEAGENT|4|30|1",
        b"1772445604|100.1|NONE|NONE|CALLBACK|5550100|begun|x",
        b"1772445604|100.1|sales|NONE|ABANDON|1|1|40",
    ],
}


class Consumed(NamedTuple):
    """A record as kafka-python hands it out."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def consumed(letter: DeadLetter, offset: int = 0) -> Consumed:
    record = letter.record
    return Consumed(0, offset, 5000, record.key, record.value, list(letter.headers("group")))


def letter(record: Raw) -> DeadLetter:
    return DeadLetter(record, "callcenter.events", 3, "decode", "malformed", "not JSON")


def read(letter: DeadLetter) -> Letter:
    found = letter_of(consumed(letter))
    assert found is not None
    return found


def test_every_header_is_there_once_and_the_records_own_come_first() -> None:
    """Those of an earlier round are replaced; two of the record's own may have one name."""
    own = [("a", b"1"), (f"{HEADER_PREFIX}reason", b"old"), ("a", b"\xff")]
    found = letter(Raw(7, b"{", 1000, b"k", own)).headers("group")
    assert [name for name, _ in found] == ["a", "a", *(HEADER_PREFIX + name for name in HEADERS)]
    assert dict(found)[f"{HEADER_PREFIX}reason"] == b"malformed"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], 0),
        ([(REPLAYS_HEADER, b"3")], 3),
        ([(REPLAYS_HEADER, b"1"), (REPLAYS_HEADER, b"2")], 2),
        ([(REPLAYS_HEADER, b"0")], 1),
        ([(REPLAYS_HEADER, None)], 1),
        ([(REPLAYS_HEADER, b"-1")], 1),
        ([(REPLAYS_HEADER, b"9" * 5000)], 1),
        ([(REPLAYS_HEADER, "٣".encode())], 1),
    ],
)
def test_a_count_of_replays_nobody_can_read_is_one(
    headers: list[tuple[str, bytes | None]], expected: int
) -> None:
    """Never none: a record that was replayed must not look as if it had not been."""
    assert replays(headers) == expected


@given(
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=20),
    st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3),
)
def test_round_after_round_the_record_stays_what_it_was(
    key: bytes | None, value: bytes | None, own: list[tuple[str, bytes]]
) -> None:
    """Refused, replayed, refused, replayed: bytes and first place the same, the count grows."""
    offset, headers = 100, own
    for attempt in (1, 2, 3):
        found = read(letter(Raw(offset, value, 1000 + attempt, key, headers)))
        assert (found.attempt, str(found.source)) == (
            attempt,
            f"callcenter.events/3:{offset}@{1000 + attempt}",
        )
        assert found.identity == ("callcenter.events/3:100@1001", attempt)
        again_key, again_value, again = replay_record(found)
        assert (again_key, again_value or b"") == (key, value or b"")
        assert again == [
            *own,
            (REPLAYS_HEADER, str(attempt).encode()),
            (ORIGIN_HEADER, b"callcenter.events/3:100@1001"),
        ]
        offset, headers = offset + 7, again


def test_the_same_refusal_written_twice_has_one_identity() -> None:
    """A worker that starts again may write its last letters once more."""
    one = letter(Raw(7, b"{", 1000))
    first, second = letter_of(consumed(one, 4)), letter_of(consumed(one, 9))
    assert first is not None
    assert second is not None
    assert first.position != second.position
    assert first.identity == second.identity
    other = read(letter(Raw(7, b"{", 1001)))
    assert other.identity != first.identity, "a topic made anew begins at 0 again"


NAMES = st.sampled_from([HEADER_PREFIX + name for name in HEADERS] + [ORIGIN_HEADER, MARK_HEADER])


@given(st.lists(st.tuples(NAMES | st.text(), st.none() | st.binary() | st.just(b"7"))), st.binary())
def test_whatever_is_in_the_topic_can_be_looked_at(
    headers: list[tuple[str, bytes | None]], value: bytes
) -> None:
    """Somebody else may write there, too; that must not keep anybody from seeing the rest."""
    found = letter_of(Consumed(0, 0, -1, value, value, headers))
    if found is not None:
        row = whole(found, replayed=False)
        assert row["attempt"] >= 0
        assert isinstance(found.identity, tuple)


@given(st.text(max_size=50))
def test_what_is_printed_moves_no_cursor(text: str) -> None:
    """A record from outside may hold anything."""
    assert printable(text).isprintable()


@given(st.from_regex(r"[\w.-]{1,20}", fullmatch=True), st.integers(0, 999), st.integers(0, 10**15))
def test_a_place_is_read_back(topic: str, partition: int, offset: int) -> None:
    """Only ASCII can be in the name of a topic."""
    place = Place(topic, partition, offset, -1)
    assert Place.parse(str(place)) == (place if topic.isascii() else None)


def test_a_mark_is_no_letter_but_a_letter_with_the_header_of_one_is() -> None:
    """A record can carry any header before it is refused."""
    value, headers = encode_mark([("t/0:1@2", 1)])
    mark: list[tuple[str, bytes | None]] = [*headers]
    assert letter_of(Consumed(0, 0, 0, None, value, mark)) is None
    assert read(letter(Raw(0, value, 0, None, headers))).value == value


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> bytes:
    """A line in which something personal stands where something else should."""
    line = draw(st.sampled_from(LINES[name]))
    start = draw(st.integers(0, len(line)))
    end = draw(st.integers(start, min(len(line), start + 12)))
    around = draw(st.sampled_from(["{}", '"{}"', "{}|", '"{}":', '{{"{}":1}}', "[{}", '\\u"{}']))
    return line[:start] + around.format(PERSONAL).encode() + line[end:]


@given(spoiled("events"), st.booleans())
def test_why_an_event_is_refused_quotes_nothing_of_it(value: bytes, in_header: bool) -> None:
    """The reason goes into a header, and from there into logs and tickets."""
    own = [("ce_specversion", b"1.0"), ("ce_type", value), ("ce_id", value), ("ce_time", value)]
    try:
        EventDecoder().decode(value, own if in_header else None)
    except Rejected as error:
        told = " ".join(str(pair) for pair in letter(Raw(0, value)).headers()) + str(error)
        assert "15112345678" not in told


@given(st.lists(spoiled("asterisk-queue-log"), min_size=1, max_size=5))
def test_why_a_vendors_line_is_refused_quotes_nothing_of_it(lines: list[bytes]) -> None:
    """Its numbers are not even pseudonyms yet."""
    partition = RawPartition("raw", 0, "asterisk-queue-log")
    try:
        _, refused = partition.feed(batch([Raw(n, line) for n, line in enumerate(lines)]))
    finally:
        partition.close()
    for each in refused:
        assert "15112345678" not in str(each.headers())


def test_an_event_can_be_refused_for_its_values_without_naming_them() -> None:
    """The property above is about these."""
    good = encode(CallOffered(id="1", at=1_772_445_600_000_000, call_id="c"))
    for old, new in (
        (b'"c"', b'{"+4915112345678":1}'),
        (b'"call.offered"', b'"+4915112345678"'),
        (b'"call.offered"', b'"call.answered","answered_by":"+4915112345678"'),
        (b'"2026', b'"+4915112345678'),
    ):
        assert old in good
        with pytest.raises(Rejected) as caught:
            EventDecoder().decode(good.replace(old, new))
        assert "15112345678" not in str(caught.value)
