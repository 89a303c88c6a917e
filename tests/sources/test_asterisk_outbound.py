"""What a queue_log says about the calls that agents made: one dial, one event."""

import pytest
from queue_log import T, customer, events, line, log, reader, told

from streams.events import CallbackAttempted, CallbackConnected, EventDecoder, encode
from streams.instants import SECOND
from streams.sources import Pseudonyms
from streams.sources.pseudonym import Key

NUMBER = "07700900123"
DIAL = f"o1|NONE|Agent/1|OUTDIAL|{NUMBER}"


def test_an_answered_dial_is_one_conversation_at_its_begin() -> None:
    """OUTANSWER is written at the end: the conversation began `talk` seconds before."""
    (connected,) = events(
        log((0, DIAL), (66, f"o1|NONE|Agent/1|OUTANSWER|{NUMBER}|COMPLETEAGENT|9|54"))
    )
    assert isinstance(connected, CallbackConnected)
    assert (connected.reached, connected.at) == ("human", (T + 12) * SECOND)
    assert (connected.customer, connected.agent) == (customer(NUMBER), "Agent/1")
    assert connected.call_id is None
    assert connected.queue is None


@pytest.mark.parametrize(
    "event", ["OUTCANCEL", "OUTNOANSWER", "OUTBUSY", "OUTCHANUNAVAIL", "OUTCONGESTION", "OUTFAILED"]
)
def test_a_dial_that_reached_nobody_is_one_attempt_at_its_begin(event: str) -> None:
    """Whatever the reason: callback.attempted, when dialling began."""
    (attempted,) = events(log((0, DIAL), (18, f"o1|NONE|Agent/1|{event}|{NUMBER}||18|0")))
    assert isinstance(attempted, CallbackAttempted)
    assert (attempted.customer, attempted.at) == (customer(NUMBER), T * SECOND)


def test_an_unanswered_dial_whose_begin_is_in_another_file_is_an_attempt() -> None:
    """Without its OUTDIAL the seconds it rang tell when it began."""
    (attempted,) = events([line(18, f"o1|NONE|Agent/1|OUTCANCEL|{NUMBER}||18|0")])
    assert (attempted.kind, attempted.at) == ("callback.attempted", T * SECOND)


def test_retries_by_other_trunks_are_one_dial() -> None:
    """No channel, congestion, then an answer, all under one call id: one conversation."""
    found = events(
        log(
            (0, DIAL),
            (0, f"o1|NONE|Agent/1|OUTCHANUNAVAIL|{NUMBER}||0|0"),
            (0, DIAL),
            (1, f"o1|NONE|Agent/1|OUTCONGESTION|{NUMBER}||1|0"),
            (1, DIAL),
            (40, f"o1|NONE|Agent/1|OUTANSWER|{NUMBER}|COMPLETECALLER|9|30"),
        )
    )
    assert told(found) == [(10, "callback.connected")]


def test_retries_that_all_fail_are_one_attempt() -> None:
    """The centre's own trunks must not make a customer look unreachable."""
    found = events(
        log(
            (0, DIAL),
            (0, f"o1|NONE|Agent/1|OUTCHANUNAVAIL|{NUMBER}||0|0"),
            (0, DIAL),
            (1, f"o1|NONE|Agent/1|OUTCONGESTION|{NUMBER}||1|0"),
            (1, DIAL),
            (2, f"o1|NONE|Agent/1|OUTCHANUNAVAIL|{NUMBER}||1|0"),
            (60, f"o2|NONE|Agent/1|OUTDIAL|{NUMBER}"),
            (70, f"o2|NONE|Agent/1|OUTNOANSWER|{NUMBER}||10|0"),
        )
    )
    assert told(found) == [(0, "callback.attempted"), (60, "callback.attempted")]
    assert len({event.id for event in found}) == 2


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_dial_spread_over_two_files_is_one_event(cut: int) -> None:
    """Files of one log are read as one; the id of an attempt is that of its first line."""
    lines = log(
        (0, DIAL),
        (0, f"o1|NONE|Agent/1|OUTCHANUNAVAIL|{NUMBER}||0|0"),
        (0, DIAL),
        (30, f"o1|NONE|Agent/1|OUTCANCEL|{NUMBER}||30|0"),
    )
    (whole,) = events(lines)
    (again,) = events([*lines[:cut], *lines[cut:]])
    assert whole == again


def test_a_dial_without_an_end_was_begun() -> None:
    """At a restart, or where the input ends, a dial still under way counts as an attempt."""
    assert told(events(log((0, DIAL)))) == [(0, "callback.attempted")]
    assert told(events(log((0, DIAL), (9, "NONE|NONE|NONE|QUEUESTART|")))) == [
        (0, "callback.attempted"),
        (9, "source.restarted"),
    ]


def test_a_transfer_of_an_outbound_call_is_nothing_more() -> None:
    """OUTTRANSFER follows its OUTANSWER; the customer was reached once."""
    found = events(
        log(
            (0, DIAL),
            (41, f"o1|NONE|Agent/1|OUTANSWER|{NUMBER}|TRANSFER|1|40"),
            (51, f"o1|NONE|Agent/1|OUTTRANSFER|{NUMBER}|1125|5|5"),
        )
    )
    assert told(found) == [(1, "callback.connected")]


def test_internal_numbers_are_customers_too() -> None:
    """At an internal help desk the customers ring from four-digit numbers."""
    found = events(
        log(
            (0, "c1|IT|NONE|ENTERQUEUE||3318|1"),
            (20, "c1|IT|NONE|ABANDON|1|1|20"),
            (100, "o1|NONE|Agent/1|OUTDIAL|3318"),
            (200, "o1|NONE|Agent/1|OUTANSWER|3318|COMPLETEAGENT|5|95"),
        )
    )
    assert {event.customer for event in found} == {customer("3318")}


def test_what_agents_dial_for_an_outside_line_is_left_off() -> None:
    """A prefix must not make a called customer another than the one who rang."""
    (attempted,) = events([line(0, f"o1|NONE|Agent/1|OUTDIAL|9{NUMBER}")], dial_prefix="9")
    assert attempted.customer == customer(NUMBER)


@pytest.mark.parametrize("status", ["ANSWER", "ANSWERED", "answer"])
@pytest.mark.parametrize(
    "params", [f"60 | {NUMBER}", f"60|{NUMBER}", f"60|number={NUMBER}", NUMBER]
)
def test_an_outcall_that_was_answered_is_a_conversation(status: str, params: str) -> None:
    """QueueUpdate writes OUTCALL with talk time and, by custom, seconds dialled and number."""
    (connected,) = events([line(60, f"o1|support|Anna|OUTCALL|{status}|45|{params}")])
    assert isinstance(connected, CallbackConnected)
    assert (connected.reached, connected.at) == ("human", (T + 15) * SECOND)
    assert (connected.customer, connected.queue) == (customer(NUMBER), "support")
    assert connected.call_id is None


@pytest.mark.parametrize("status", ["NOANSWER", "BUSY", "CANCEL", "CONGESTION", "CHANUNAVAIL", ""])
def test_an_outcall_that_was_not_answered_is_an_attempt(status: str) -> None:
    """The seconds since dialling, if they are there, tell when it began."""
    (attempted,) = events([line(60, f"o1|support|Anna|OUTCALL|{status}|0|20 | {NUMBER}")])
    assert isinstance(attempted, CallbackAttempted)
    assert (attempted.customer, attempted.at) == (customer(NUMBER), (T + 40) * SECOND)


def test_an_outcall_on_a_known_call_is_about_its_caller() -> None:
    """Without a number of its own it is about the caller of the call it names."""
    found = events(
        log((0, f"c1|q|NONE|ENTERQUEUE||{NUMBER}|1"), (50, "c1|q|Anna|OUTCALL|ANSWER|20"))
    )
    assert told(found) == [(0, "call.queued"), (30, "callback.connected")]
    assert found[1].customer == customer(NUMBER)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("OUTDIAL", "missing_id"),
        ("OUTDIAL|", "missing_id"),
        ("OUTDIAL|anonymous", "missing_id"),
        ("OUTANSWER|07700900123|COMPLETEAGENT|9", "malformed"),
        ("OUTANSWER|07700900123|COMPLETEAGENT|9|long", "malformed"),
        ("OUTANSWER|07700900123|COMPLETEAGENT|9|999999", "malformed"),
        ("OUTCALL|ANSWER", "malformed"),
        ("OUTCALL|ANSWER|20", "missing_id"),
    ],
)
def test_an_outbound_line_of_no_use_is_counted(rest: str, reason: str) -> None:
    """A dial without a number or with a broken duration is refused with its reason."""
    source = reader()
    assert list(source.read([line(60, f"o1|NONE|Agent/1|{rest}")])) == []
    assert source.rejected == {reason: 1}


def test_while_a_key_is_rotated_a_callback_is_told_under_both() -> None:
    """Within the overlap a promise made under the old key is settled as well."""
    old = Key("old", b"the secret so far", (T + 50) * SECOND)
    both = Pseudonyms(Key("new", b"the secret from now on"), (old,))
    entered, *callbacks = events(
        log(
            (0, f"c1|q|NONE|ENTERQUEUE||{NUMBER}|1"),
            (49, f"o1|NONE|A|OUTANSWER|{NUMBER}|COMPLETEAGENT|1|0"),
            (51, f"o2|NONE|A|OUTANSWER|{NUMBER}|COMPLETEAGENT|1|0"),
        ),
        pseudonyms=both,
    )
    assert str(entered.customer).startswith("new:")
    assert [str(event.customer)[:4] for event in callbacks] == ["new:", "old:", "new:"]
    assert callbacks[1].customer == old.pseudonym(NUMBER)
    assert len({event.id for event in callbacks}) == 3


def test_a_raw_number_is_in_no_callback() -> None:
    """Neither an answered nor an unanswered dial shows the number it went to."""
    found = events(
        log(
            (0, DIAL),
            (1, f"o2|q|A|OUTCALL|ANSWER|1|1|{NUMBER}"),
            (9, f"o1|NONE|A|OUTBUSY|{NUMBER}"),
        )
    )
    assert len(found) == 2
    assert all(b"7700900123" not in encode(event) for event in found)


@pytest.mark.parametrize(
    "rest",
    [
        f"o1|NONE|Agent/1|OUTANSWER|{NUMBER}|COMPLETEAGENT|9|54",
        f"o1|NONE|Agent/1|OUTCANCEL|{NUMBER}||18|0",
        f"o1|NONE|Agent/1|OUTCALL|ANSWER|40|{NUMBER}",
    ],
)
def test_a_dial_that_began_before_any_call_centre_is_refused(rest: str) -> None:
    """The line is of the first second of 1990, so what it tells of was in 1989: no event is."""
    source = reader()
    assert list(source.read([f"631152000|{rest}\n".encode()])) == []
    assert source.rejected == {"bad_time": 1}


def test_ids_under_a_former_key_are_never_too_long() -> None:
    """A line's id may have all its 128 characters already."""
    both = Pseudonyms(
        Key("new", b"a secret of the tests"),
        (Key("old", b"a former secret of ours", (T + 99) * SECOND),),
    )
    for length in range(90, 129):
        dial = line(0, f"{'o' * length}|NONE|Agent/1|OUTDIAL|{NUMBER}")
        first, second = reader(pseudonyms=both).read([dial])
        assert EventDecoder().decode(encode(second)) == second
        assert first.id != second.id
