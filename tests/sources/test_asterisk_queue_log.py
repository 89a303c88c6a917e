"""What the lines of a queue_log mean for the calls that came in, trap by trap."""

import time
from typing import Any

import pytest
from queue_log import T, customer, events, line, log, reader, told

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallQueued,
    CallTransferred,
    SourceRestarted,
    encode,
)
from streams.instants import SECOND
from streams.sources.asterisk_memory import MAX_REMEMBERED, Caller, Callers
from streams.sources.pseudonym import NOBODY

ENTER = "c1|sales|NONE|ENTERQUEUE||07700900123|1"


def after_entering(*lines: tuple[int, str], **options: object) -> list[Any]:
    """Return the events of a call after it entered the queue at second 0."""
    first, *rest = events(log((0, ENTER), *lines), **options)
    assert isinstance(first, CallQueued)
    return rest


def test_enterqueue_is_the_arrival_of_a_call() -> None:
    """ENTERQUEUE gives call.queued with queue, call id and the caller's pseudonym."""
    (entered,) = events(log((0, ENTER)))
    assert entered == CallQueued(
        id=entered.id,
        at=T * SECOND,
        source="asterisk-queue-log",
        call_id="c1",
        queue="sales",
        customer=customer("07700900123"),
    )


@pytest.mark.parametrize("tail", ["1", "1|Ann Caller", "1|A|B Ltd", ""])
def test_enterqueue_has_three_or_more_data_fields(tail: str) -> None:
    """The caller is the second field whether or not a position and a name follow."""
    (entered,) = events([line(0, f"c1|sales|NONE|ENTERQUEUE||07700900123|{tail}")])
    assert entered.customer == customer("07700900123")


def test_the_oldest_form_of_enterqueue_has_two_data_fields() -> None:
    """Older versions wrote no position."""
    (entered,) = events([line(0, "c1|sales|NONE|ENTERQUEUE||07700900123")])
    assert entered.customer == customer("07700900123")


@pytest.mark.parametrize("caller", ["", "anonymous", "<unknown>", "Restricted", "unknown"])
def test_a_caller_without_number_is_anonymous_on_every_event(caller: str) -> None:
    """No number: no customer, and `anonymous` on the call's later events as well."""
    found = events(
        log((0, f"c1|sales|NONE|ENTERQUEUE||{caller}|1"), (3, "c1|sales|NONE|ABANDON|1|1|3"))
    )
    assert [(event.customer, event.anonymous) for event in found] == [(None, True)] * 2


def test_connect_is_an_answer_by_a_human() -> None:
    """CONNECT gives call.answered by a human, with the agent and the caller's pseudonym."""
    (answered,) = after_entering((7, "c1|sales|Anna Berg|CONNECT|7|c2|3"))
    assert isinstance(answered, CallAnswered)
    assert (answered.answered_by, answered.agent) == ("human", "Anna Berg")
    assert answered.customer == customer("07700900123")
    assert answered.at == (T + 7) * SECOND


def test_member_names_are_utf8_or_interfaces() -> None:
    """Names reach the event as written; bytes that are no UTF-8 stay visible."""
    found = after_entering(
        (1, "c1|sales|Åsa Öberg|CONNECT|1|c2|1"), (2, "c1|sales|PJSIP/104|COMPLETEAGENT|1|1|1")
    )
    assert [event.agent for event in found] == ["Åsa Öberg", "PJSIP/104"]
    raw = f"{T}|c1|sales|".encode() + "Åsa".encode("latin-1") + b"|CONNECT|1|c2|1\n"
    (answered,) = events([raw])
    assert isinstance(answered, CallAnswered)
    assert answered.agent == "\\xc5sa"


def test_a_number_in_an_agents_interface_is_made_a_pseudonym() -> None:
    """An agent on an outside line must not show a raw number either."""
    (answered,) = after_entering((1, "c1|sales|Local/07700900999@out/n|CONNECT|1|c2|1"))
    assert b"7700900999" not in encode(answered)
    assert answered.agent == f"Local/{customer('07700900999')}@out/n"


@pytest.mark.parametrize(
    ("event", "ended_by"), [("COMPLETEAGENT", "agent"), ("COMPLETECALLER", "customer")]
)
def test_complete_is_the_end_of_the_call(event: str, ended_by: str) -> None:
    """COMPLETEAGENT and COMPLETECALLER give call.ended by agent or customer."""
    _, ended = after_entering(
        (3, "c1|sales|Anna|CONNECT|3|c2|2"), (60, f"c1|sales|Anna|{event}|3|57|1")
    )
    assert isinstance(ended, CallEnded)
    assert (ended.ended_by, ended.agent, ended.at) == (ended_by, "Anna", (T + 60) * SECOND)


def test_abandon_is_an_abandonment() -> None:
    """ABANDON of a caller who never talked to anybody gives call.abandoned at its own stamp."""
    (abandoned,) = after_entering((22, "c1|sales|NONE|ABANDON|2|3|22"))
    assert isinstance(abandoned, CallAbandoned)
    assert abandoned.at == (T + 22) * SECOND


def test_abandon_of_a_redirected_caller_is_a_transfer() -> None:
    """A caller moved to another queue is written as ABANDON; the next entry shows the truth."""
    moved, again, answered = after_entering(
        (5, "c1|sales|NONE|ABANDON|1|1|5"),
        (5, "c1|vip|NONE|ENTERQUEUE||07700900123|1"),
        (8, "c1|vip|Anna|CONNECT|3|c2|1"),
    )
    assert isinstance(moved, CallTransferred)
    assert (moved.queue, moved.to, moved.reason) == ("sales", "vip", "redirected")
    assert isinstance(again, CallQueued)
    assert isinstance(answered, CallAnswered)


def test_an_abandonment_is_told_once_the_log_has_gone_on() -> None:
    """It is held back no longer than until a line more than a second later, or quiet."""
    abandon, later = line(5, "c1|sales|NONE|ABANDON|1|1|5"), line(7, "c9|vip|NONE|ENTERQUEUE|||1")
    seen: list[str] = []
    source = reader()
    lines = iter([line(0, ENTER), abandon, later, b""])

    def fed() -> Any:
        for one in lines:
            seen.append("line")
            yield one

    for event in source.read(fed()):
        seen += [event.kind]
    assert seen == [
        *("line", "call.queued", "line", "line", "call.abandoned", "call.queued", "line"),
    ]
    live = source.read(iter([line(20, "c2|vip|NONE|ABANDON|1|1|5"), b"", later]))
    assert next(live).kind == "call.abandoned"


def test_abandon_after_a_conversation_ends_the_call() -> None:
    """CONNECT in the first queue, transfer, hung up in the second: answered, then ended."""
    found = after_entering(
        (2, "c1|sales|Anna|CONNECT|2|c2|1"),
        (6, "c1|vip|NONE|ENTERQUEUE||07700900123|1"),
        (6, "c1|sales|Anna|BLINDTRANSFER|7002|xfer|2|4|1"),
        (9, "c1|vip|NONE|ABANDON|1|1|3"),
    )
    assert told(found) == [
        (2, "call.answered"),
        (6, "call.queued"),
        (6, "call.transferred"),
        (9, "call.ended"),
    ]
    assert found[-1].ended_by == "customer"


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("EXITWITHTIMEOUT|1|1|30", "timeout"),
        ("EXITEMPTY|1|1|0", "empty"),
        ("EXITWITHKEY|5|1|1|12", "key"),
        ("WITHDRAW|1|1|12|moved by the dialplan", "withdrawn"),
    ],
)
def test_exits_divert_the_call(rest: str, reason: str) -> None:
    """Whoever leaves the queue unanswered without hanging up was diverted, and why."""
    (left,) = after_entering((30, f"c1|sales|NONE|{rest}"))
    assert isinstance(left, CallDiverted)
    assert left.reason == reason


def test_a_callback_key_is_a_request() -> None:
    """EXITWITHKEY with a key set aside for callbacks asks for one; any other key diverts."""
    keys = frozenset({"1"})
    (asked,) = after_entering((9, "c1|sales|NONE|EXITWITHKEY|1|1|1|9"), callback_keys=keys)
    assert isinstance(asked, CallbackRequested)
    assert (asked.call_id, asked.customer) == ("c1", customer("07700900123"))
    (left,) = after_entering((9, "c1|sales|NONE|EXITWITHKEY|2|1|1|9"), callback_keys=keys)
    assert isinstance(left, CallDiverted)


def test_the_text_of_a_withdrawal_goes_nowhere() -> None:
    """WITHDRAW carries up to 40 characters of anything; none of it is passed on."""
    (left,) = after_entering((9, "c1|sales|NONE|WITHDRAW|1|1|9|call 07700900456"))
    assert b"7700900456" not in encode(left)


def test_syscompat_is_a_call_the_system_dropped() -> None:
    """SYSCOMPAT: an agent picked up, but the channels did not fit; the system ended the call."""
    (dropped,) = after_entering((4, "c1|sales|Anna|SYSCOMPAT|"))
    assert isinstance(dropped, CallEnded)
    assert dropped.ended_by == "system"


@pytest.mark.parametrize(
    "rest",
    [
        "Anna|RINGNOANSWER|0",
        "Anna|RINGNOANSWER|15000",
        "Anna|RINGCANCELED|4000",
        "Anna|AGENTDUMP|",
        "NONE|INFO|note|text",
        "NONE|DID|0207946000",
        "NONE|MYOWNEVENT|x",
    ],
)
def test_lines_that_end_nothing(rest: str) -> None:
    """The caller waits on after a phone that rang in vain, and after the dialplan's own lines."""
    assert after_entering((4, f"c1|sales|{rest}")) == []


@pytest.mark.parametrize("call_id", ["NONE", "MANAGER", "CLI", "REALTIME"])
@pytest.mark.parametrize("event", ["ENTERQUEUE||07700900123|1", "CONNECT|1|c2|1", "ABANDON|1|1|1"])
def test_placeholders_are_no_calls(call_id: str, event: str) -> None:
    """NONE, MANAGER, CLI and REALTIME stand where there is no call."""
    assert events([line(0, f"{call_id}|sales|Anna|{event}")]) == []


@pytest.mark.parametrize(
    "rest",
    [
        "MANAGER|billing|Local/104@agents/n|ADDMEMBER|",
        "NONE|billing|Dora|UNPAUSE|",
        "NONE|NONE|NONE|CONFIGRELOAD|",
        "NONE|billing|Dora|PAUSE|Auto-Pause",
    ],
)
def test_a_trailing_bar_is_no_fault(rest: str) -> None:
    """Events without data keep a bar at the end; a reload or an agent's pause is no event."""
    assert events([line(0, rest)]) == []


def test_queuestart_restarts_the_source() -> None:
    """After QUEUESTART the open calls before it will never get an end: source.restarted."""
    (restarted,) = after_entering((50, "NONE|NONE|NONE|QUEUESTART|"))
    assert isinstance(restarted, SourceRestarted)
    assert restarted.at == (T + 50) * SECOND


def test_a_restart_comes_after_the_ends_written_in_its_second() -> None:
    """`core restart now` ends all calls in one second; nothing of that is lost or reordered."""
    found = after_entering((50, "c1|sales|NONE|ABANDON|1|1|50"), (50, "NONE|NONE|NONE|QUEUESTART|"))
    assert told(found) == [(50, "call.abandoned"), (50, "source.restarted")]


def test_a_reload_is_no_restart() -> None:
    """Calls span a CONFIGRELOAD."""
    found = after_entering((5, "NONE|NONE|NONE|CONFIGRELOAD|"), (7, "c1|sales|Anna|CONNECT|7|c2|1"))
    assert told(found) == [(7, "call.answered")]
    assert found[0].customer == customer("07700900123")


def test_a_call_that_enters_another_queue_stays_one_call() -> None:
    """Overflow: the same call id enters a second queue, is the same call and customer."""
    found = after_entering(
        (8, "c1|sales|NONE|EXITWITHTIMEOUT|1|1|8"),
        (8, "c1|overflow|NONE|ENTERQUEUE|||1"),
        (12, "c1|overflow|Anna|CONNECT|4|c2|1"),
    )
    assert told(found) == [(8, "call.diverted"), (8, "call.queued"), (12, "call.answered")]
    assert {event.call_id for event in found} == {"c1"}
    assert {event.customer for event in found} == {customer("07700900123")}


def test_queues_passed_in_the_first_second_do_not_hide_the_first() -> None:
    """Stamps cannot tell which of two queues of one second came first; the file's order can."""
    found = events(
        log(
            (0, "c1|zeta|NONE|ENTERQUEUE||07700900123|1"),
            (0, "c1|zeta|NONE|EXITEMPTY|1|1|0"),
            (0, "c1|alpha|NONE|ENTERQUEUE||07700900123|1"),
            (4, "c1|alpha|Anna|CONNECT|4|c2|1"),
        )
    )
    assert [event.queue for event in found] == ["zeta", "zeta", "zeta", "alpha"]


def test_the_next_queue_entry_may_stand_before_its_transfer() -> None:
    """Seen live: ENTERQUEUE of the target, then the BLINDTRANSFER that caused it."""
    found = after_entering(
        (2, "c1|sales|Anna|CONNECT|2|c2|1"),
        (6, "c1|vip|NONE|ENTERQUEUE||07700900123|1"),
        (6, "c1|sales|Anna|BLINDTRANSFER|7002|xfer|2|4|1"),
        (10, "c1|vip|Bo|CONNECT|4|c3|2"),
        (20, "c1|vip|Bo|COMPLETECALLER|4|10|1"),
    )
    assert told(found) == [
        (2, "call.answered"),
        (6, "call.queued"),
        (6, "call.transferred"),
        (10, "call.answered"),
        (20, "call.ended"),
    ]


@pytest.mark.parametrize(
    ("rest", "to", "reason"),
    [
        ("BLINDTRANSFER|7002|xfer|2|4|1", "7002", "blind"),
        ("ATTENDEDTRANSFER|BRIDGE|b-1|6|30|1", None, "attended"),
        ("TRANSFER|7002|xfer|2|4", "7002", "blind"),
    ],
)
def test_a_transfer_does_not_end_the_call(rest: str, to: str | None, reason: str) -> None:
    """The agent's talk is over, the call is not: call.transferred and no call.ended."""
    _, transferred = after_entering(
        (2, "c1|sales|Anna|CONNECT|2|c2|1"), (6, f"c1|sales|Anna|{rest}")
    )
    assert isinstance(transferred, CallTransferred)
    assert (transferred.to, transferred.reason, transferred.agent) == (to, reason, "Anna")


def test_a_transfer_to_an_outside_number_does_not_show_it() -> None:
    """The target of a transfer may be somebody's telephone."""
    (transferred,) = after_entering((6, "c1|sales|Anna|BLINDTRANSFER|07700900456|out|2|4|1"))
    assert transferred.to is None


def test_the_same_log_gives_the_same_ids() -> None:
    """Ids come from what a line says: twice the same file, or a file cut by rotation."""
    lines = log(
        (0, ENTER),
        (0, "c1|sales|NONE|EXITEMPTY|1|1|0"),
        (0, "c1|vip|NONE|ENTERQUEUE||07700900123|1"),
        (5, "c1|vip|Anna|CONNECT|5|c2|1"),
        (9, "c1|vip|Anna|COMPLETEAGENT|5|4|1"),
    )
    whole = [event.id for event in events(lines)]
    assert len(set(whole)) == len(whole) == 5
    for cut in range(len(lines) + 1):
        parts = [*events(lines[:cut]), *events(lines[cut:])]
        assert [event.id for event in parts] == whole


def test_identical_lines_are_two_events_with_stable_ids() -> None:
    """Two equal lines of one second differ in their number, and again so when read again."""
    lines = log((0, ENTER), (0, ENTER))
    first, second = events(lines)
    assert first.id != second.id
    assert [event.id for event in events(lines)] == [first.id, second.id]
    source = reader()
    assert [event.id for event in source.read([*lines, line(1, ENTER), *lines])][3:] == [
        first.id,
        second.id,
    ]


def test_a_raw_number_is_in_no_event() -> None:
    """Neither customer nor id nor any other field shows the caller's number."""
    found = events(log((0, ENTER), (9, "c1|sales|NONE|ABANDON|1|1|9")))
    assert all(b"7700900123" not in encode(event) for event in found)


def test_the_callers_remembered_are_bounded() -> None:
    """Memory follows the most recent calls and not all calls ever seen."""
    source = reader()
    lines = (line(0, f"c{number}|q|NONE|ENTERQUEUE|||1") for number in range(MAX_REMEMBERED + 50))
    assert sum(1 for _ in source.read(lines)) == MAX_REMEMBERED + 50
    assert len(source._callers) == MAX_REMEMBERED


def test_to_forget_callers_costs_the_same_however_many_there_are() -> None:
    """A log of a year is read no slower than one of a day."""
    callers = Callers()
    caller = Caller(NOBODY, None, 0)

    def seconds(first: int) -> float:
        began = time.process_time()
        for number in range(first, first + MAX_REMEMBERED):
            callers.add(str(number), caller)
        return time.process_time() - began

    filling = seconds(0)
    assert min(seconds(MAX_REMEMBERED), seconds(2 * MAX_REMEMBERED)) < 5 * filling
