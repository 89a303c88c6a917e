"""Call records: what the columns of a row mean."""

from pathlib import Path

import pytest
from call_table import (
    CALLBACK,
    HEADER,
    NUMBER,
    START,
    at,
    of_row,
    offered,
    read,
    reader,
    table,
    told,
)
from queue_log import customer

from streams.events import encode
from streams.instants import SECOND
from streams.sources import Pseudonyms, SourceError
from streams.sources.call_records import COLUMNS
from streams.sources.pseudonym import Key


def test_an_answered_call() -> None:
    """Offer, answer and end, each at its time and with its details."""
    rows = (HEADER, f"c1,sales,k7,{at(0)},{at(7)},{at(60)},answered,human,agent,yes")
    whose = {"call_id": "c1", "queue": "sales", "customer": "k7"}
    assert told(read(*rows)) == [
        {"kind": "call.offered", "at": at(0), **whose},
        {"kind": "call.answered", "at": at(7), "answered_by": "human", **whose},
        {"kind": "call.ended", "at": at(60), "ended_by": "agent", "resolved": True, **whose},
    ]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("abandoned", "call.abandoned"),
        ("diverted", "call.diverted"),
        ("rejected", "call.rejected"),
        ("callback_requested", "callback.requested"),
    ],
)
def test_a_call_that_nobody_answered(outcome: str, kind: str) -> None:
    """The outcome decides what happened at `ended_at`."""
    assert of_row(outcome=outcome, ended_at=at(30)) == [
        {"kind": kind, "at": at(30), "call_id": "c1", "customer": "k"}
    ]


def test_a_rejected_call_without_an_end_was_rejected_at_once() -> None:
    """A call refused at the door often has no end of its own."""
    (rejected,) = of_row(outcome="rejected")
    assert (rejected["kind"], rejected["at"]) == ("call.rejected", at(0))


def test_a_lost_call_has_no_end() -> None:
    """Its end was never recorded; whatever stands there is not told."""
    assert of_row(outcome="lost", ended_at=at(30)) == []


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        ({}, []),
        ({"ended_at": at(30)}, ["call.abandoned"]),
        ({"ended_at": at(30), "ended_by": "customer"}, ["call.abandoned"]),
        ({"ended_at": at(30), "ended_by": "system"}, ["call.diverted"]),
        ({"ended_at": at(30), "ended_by": "agent"}, ["call.diverted"]),
        ({"answered_at": at(5)}, ["call.answered"]),
        ({"answered_at": at(5), "ended_at": at(30)}, ["call.answered", "call.ended"]),
    ],
)
def test_an_outcome_not_given_follows_from_the_times(
    cells: dict[str, str], kinds: list[str]
) -> None:
    """Answered, abandoned, diverted or still open."""
    assert [event["kind"] for event in of_row(**cells)] == kinds


def test_a_machine_that_answers_before_the_end_is_told() -> None:
    """Answered by an IVR and then abandoned: both are facts, and the outcome keeps its word."""
    told_of = of_row(outcome="abandoned", answered_at=at(1), answered_by="ivr", ended_at=at(9))
    assert [event["kind"] for event in told_of] == ["call.answered", "call.abandoned"]
    assert told_of[0]["answered_by"] == "ivr"


@pytest.mark.parametrize(
    ("cells", "answered_by"),
    [({"agent": "Anna"}, "human"), ({}, None), ({"agent": "B-7", "answered_by": "bot"}, "bot")],
)
def test_who_answered_if_the_row_does_not_say(
    cells: dict[str, str], answered_by: str | None
) -> None:
    """An agent is human unless the row says otherwise; nobody named is unknown."""
    (answered,) = of_row(answered_at=at(3), **cells)
    assert answered.get("answered_by") == answered_by


def test_offer_and_queue_entry_are_two_events() -> None:
    """A call may have been in the centre before it entered a queue."""
    events = read("call_id,offered_at,queued_at", f"c1,{at(0)},{at(20)}")
    assert [(event["kind"], event["at"]) for event in told(events)] == [
        ("call.offered", at(0)),
        ("call.queued", at(20)),
    ]


def test_a_phone_number_is_made_a_pseudonym() -> None:
    """`phone` is hashed; so is a number that stands under `customer`."""
    for column in ("phone", "customer"):
        (offered,) = read(f"call_id,{column},offered_at", f"c1,{NUMBER},{START}")
        assert offered.customer == customer(NUMBER)
        assert b"7700900123" not in encode(offered)


def test_a_customers_id_is_taken_as_it_is() -> None:
    """An id, also one of digits, or a pseudonym made elsewhere."""
    for written in ("k7", "4711", "2026a:0123456789abcdef0123456789abcdef"):
        (offered,) = read("call_id,customer,offered_at", f"c1,{written},{START}")
        assert offered.customer == written


@pytest.mark.parametrize(
    ("phone", "anonymous", "expected"),
    [("anonymous", "", True), ("", "", False), ("", "true", True), ("", "no", False)],
)
def test_anonymous_callers(phone: str, anonymous: str, expected: bool) -> None:
    """Anonymous by the number or by the column; an empty number alone says nothing."""
    (offered,) = read("call_id,phone,anonymous,offered_at", f"c1,{phone},{anonymous},{START}")
    assert (offered.customer, offered.anonymous) == (None, expected)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (f"{at(0)},,,,", [("callback.requested", None)]),
        (f",{at(1)},,,", [("callback.attempted", None)]),
        (f",,{at(2)},human,", [("callback.connected", "human")]),
        (f",,{at(2)},,", [("callback.connected", None)]),
        (f",{at(1)},{at(2)},voicemail,", [("callback.connected", "voicemail")]),
        (f",,,,{at(3)}", [("callback.cancelled", None)]),
        (f"{at(0)},{at(1)},,,", [("callback.requested", None), ("callback.attempted", None)]),
    ],
)
def test_callback_rows(cells: str, expected: list[tuple[str, str | None]]) -> None:
    """Every time given is an event, but a dial is either attempted or connected."""
    events = told(read(CALLBACK, f"callback,k,,{cells}"))
    assert [(event["kind"], event.get("with")) for event in events] == expected
    assert all(event["customer"] == "k" for event in events)


def test_a_callback_may_name_the_call_instead_of_the_customer() -> None:
    """For centres that know the call and not who rang."""
    (event,) = told(read(CALLBACK, f"callback,,c1,,{at(1)},,,"))
    assert event == {"kind": "callback.attempted", "at": at(1), "call_id": "c1"}


def test_calls_and_callbacks_in_one_table() -> None:
    """`record` tells them apart; empty means a call."""
    rows = (f",k,c1,{at(0)},", f"call,k,c2,{at(1)},", f"callback,k,,,{at(9)}")
    events = read("record,customer,call_id,offered_at,attempted_at", *rows)
    assert [event["kind"] for event in told(events)] == [
        *("call.offered", "call.offered", "callback.attempted"),
    ]


def test_while_a_key_is_rotated_a_callback_is_told_under_both() -> None:
    """Within the overlap a promise made under the old key is settled as well."""
    old = Key("old", b"the secret so far", 1_800_000_000 * SECOND)
    both = Pseudonyms(Key("new", b"the secret from now on"), (old,))
    header, row = "record,phone,call_id,connected_at,with", f"callback,{NUMBER},c1,{START},human"
    current, former = read(header, row, pseudonyms=both)
    assert (str(current.customer)[:4], former.customer) == ("new:", old.pseudonym(NUMBER))
    assert current.id != former.id


@pytest.mark.parametrize(
    ("written", "timezone"),
    [
        ("2026-01-05T09:00:00Z", None),
        ("2026-01-05T11:00:00+02:00", None),
        ("2026-01-05 09:00:00Z", None),
        ("2026-01-05T09:00:00.000000Z", "Europe/Berlin"),
        ("1767603600", None),
        ("1767603600000", None),
        ("1767603600.0", None),
        ("2026-01-05 10:00:00", "Europe/Berlin"),
        ("2026-01-05T10:00:00.000", "Europe/Berlin"),
        ("2026-01-05T10:00", "Europe/Berlin"),
        ("2026-01-05T11+02", "Europe/Berlin"),
    ],
)
def test_every_form_of_time(written: str, timezone: str | None) -> None:
    """RFC 3339, epoch seconds and milliseconds, local times of a known zone: one instant."""
    (event,) = read("call_id,offered_at", f"c1,{written}", timezone=timezone)
    assert event.at == 1_767_603_600 * SECOND


def test_fractions_of_a_second_are_kept() -> None:
    """To the microsecond, in either form."""
    rows = ("c1,1767603600.123456", "c2,2026-01-05T09:00:00.123456Z", "c3,1767603600123.456")
    found = {event.at % SECOND for event in read("call_id,offered_at", *rows)}
    assert found == {123_456}


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T09:00:00",
        "2026-01-05",
        "yesterday",
        "12",
        "1.5e9",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9" * 40,
        "NaN",
        "2026-02-30T00:00:00Z",
        "٢٠٢٦-01-05T09:00:00Z",
    ],
)
def test_a_time_that_is_none_is_refused(written: str) -> None:
    """The whole row is refused, with the column and without the value."""
    refused: list[tuple[int, str, str]] = []
    source = reader(on_rejected=lambda *what: refused.append(what))
    rows = table("call_id,offered_at,ended_at", f"c1,{START},{written}", f"c2,{START},")
    assert [event.call_id for event in offered(source.read(rows))] == ["c2"]
    ((number, reason, detail),) = refused
    assert (number, reason) == (2, "bad_time")
    assert "`ended_at`" in detail
    assert written not in detail


def test_a_date_alone_is_no_time_even_with_a_zone() -> None:
    """Midnight would be a guess."""
    source = reader(timezone="Europe/Berlin")
    assert list(source.read(table("call_id,offered_at", "c1,2026-01-05"))) == []
    assert source.rejected == {"bad_time": 1}


def test_a_zone_that_does_not_exist_is_one_clear_line() -> None:
    """A typing error must not fall back to anything."""
    with pytest.raises(SourceError, match="no time zone 'Europe/Berlim'"):
        reader(timezone="Europe/Berlim")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(delimiter: str) -> None:
    """Comma, semicolon and tab are told from the header; quotes hold them together."""
    header, row = ("call_id", "queue", "offered_at"), ("c1", f'"a{delimiter}b"', START)
    (event,) = read(delimiter.join(header), delimiter.join(row))
    assert event.queue == f"a{delimiter}b"


def test_headers_may_have_capitals_blanks_and_columns_of_their_own() -> None:
    """Unknown columns are tolerated and counted."""
    source = reader()
    rows = table("Call_ID ; Mood;OFFERED_AT", f"c1;fine;{START}")
    assert [event.kind for event in source.read(rows)] == ["call.offered"]
    assert source.unknown_fields == 1


def test_every_file_has_a_header_of_its_own() -> None:
    """Files one after the other, with other columns in another order and by another delimiter."""
    source = reader()
    rows = table(
        "call_id,offered_at", f"c1,{START}", '"offered_at";"queue";"call_id"', f"{START};q;c2"
    )
    events = list(source.read(rows))
    calls = [(event.call_id, event.queue) for event in offered(events)]
    assert calls == [("c1", None), ("c2", "q")]
    assert source.records == 2


def test_the_source_may_stand_in_the_row() -> None:
    """Else it is that of the options, else the format's name."""
    (named,) = read("call_id,offered_at,source", f"c1,{START},pbx-2")
    (plain,) = read("call_id,offered_at", f"c1,{START}")
    (chosen,) = read("call_id,offered_at", f"c1,{START}", source="pbx-3")
    assert [event.source for event in (named, plain, chosen)] == ["pbx-2", "call-records", "pbx-3"]


def test_every_column_is_documented() -> None:
    """The page of the schemas names them all."""
    page = (Path(__file__).parents[2] / "schemas" / "README.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []
