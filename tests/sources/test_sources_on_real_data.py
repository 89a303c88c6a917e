"""Real records: every count is checked by a count made another way."""

from collections import Counter, defaultdict
from typing import Any

import pytest
from bank import as_csv, read_table
from queue_log import PSEUDONYMS, told
from real_data import BANK, HELP_DESK, LIVE_SWITCH, real_data

from streams.events import CallEvent, Event, encode
from streams.instants import HOUR, SECOND
from streams.sources import FORMATS, Options, open_input

TARGET = 10 * SECOND


def read(form: str, lines: Any) -> list[Event]:
    """Return the events of real records, none of which may be refused."""
    source = FORMATS[form](Options(pseudonyms=PSEUDONYMS))
    events = list(source.read(lines))
    assert source.rejected == {}
    assert len({event.id for event in events}) == len(events)
    return events


def firsts(events: list[Event], *kinds: str) -> dict[str, int]:
    """Return for every call the time of its earliest event of these kinds."""
    found: dict[str, int] = {}
    for event in events:
        if event.kind in kinds and isinstance(event, CallEvent):
            found[event.call_id] = min(event.at, found.get(event.call_id, event.at))
    return found


@pytest.fixture(scope="module")
def help_desk() -> list[Event]:
    return read("asterisk-queue-log", open_input(real_data(HELP_DESK)))


@pytest.fixture(scope="module")
def help_desk_lines() -> list[list[str]]:
    text = real_data(HELP_DESK).read_text(encoding="utf-8")
    return [one.split("|") for one in text.splitlines()]


def test_help_desk_lines_and_events(
    help_desk: list[Event], help_desk_lines: list[list[str]]
) -> None:
    """As many events of each kind as lines that mean it; of the dials one each."""
    lines = Counter(fields[4] for fields in help_desk_lines)
    dials = {fields[1] for fields in help_desk_lines if fields[4] == "OUTDIAL"}
    assert Counter(event.kind for event in help_desk) == {
        "call.queued": lines["ENTERQUEUE"],
        "call.answered": lines["CONNECT"],
        "call.abandoned": lines["ABANDON"],
        "call.diverted": lines["EXITWITHTIMEOUT"],
        "call.ended": lines["COMPLETEAGENT"] + lines["COMPLETECALLER"],
        "call.transferred": lines["BLINDTRANSFER"] + lines["ATTENDEDTRANSFER"],
        "callback.connected": lines["OUTANSWER"],
        "callback.attempted": len(dials) - lines["OUTANSWER"],
        "source.restarted": lines["QUEUESTART"],
    }


def test_help_desk_figures(help_desk: list[Event], help_desk_lines: list[list[str]]) -> None:
    """106 closed calls, 39 answered within 10 s by the switch's own hold time, 13 lost."""
    by_hold = sum(int(fields[5]) <= 10 for fields in help_desk_lines if fields[4] == "CONNECT")
    entered = firsts(help_desk, "call.queued")
    answered = firsts(help_desk, "call.answered")
    lost = firsts(help_desk, "call.abandoned", "call.diverted")
    assert sum(at - entered[call] <= TARGET for call, at in answered.items()) == by_hold == 39
    assert len(lost) == 13
    assert not answered.keys() & lost.keys()
    assert len(answered) + len(lost) == 106


def test_help_desk_callbacks(help_desk: list[Event]) -> None:
    """Of 13 lost calls three were called back within the hour (two by one call), one later."""
    lost = [event for event in help_desk if event.kind in ("call.abandoned", "call.diverted")]
    delays = sorted(
        (event.at - gone.at) // SECOND
        for gone in lost
        for event in help_desk
        if event.kind == "callback.connected"
        and event.customer == gone.customer
        and event.at >= gone.at
    )
    assert delays == [433, 496, 1208, 79431]


def test_help_desk_callers_who_rang_again(help_desk: list[Event]) -> None:
    """Three lost callers rang again within the hour and were served, after 20, 106 and 577 s."""
    lost = [event for event in help_desk if event.kind in ("call.abandoned", "call.diverted")]
    soonest: dict[str, int] = {}
    for gone in lost:
        for event in help_desk:
            waited = event.at - gone.at
            if event.kind == "call.answered" and event.customer == gone.customer:
                key = gone.id
                if 0 <= waited <= HOUR:
                    soonest[key] = min(waited // SECOND, soonest.get(key, waited // SECOND))
    assert sorted(soonest.values()) == [20, 106, 577]


def test_help_desk_numbers_stay_inside(
    help_desk: list[Event], help_desk_lines: list[list[str]]
) -> None:
    """No caller's and no called number of the file is in any event."""
    numbers = {fields[6] for fields in help_desk_lines if fields[4] == "ENTERQUEUE"}
    numbers |= {fields[5] for fields in help_desk_lines if fields[4] == "OUTDIAL"}
    long = [number.encode() for number in numbers if len(number) > 6]
    text = b"\n".join(map(encode, help_desk))
    assert len(long) > 60
    assert not [number for number in long if number in text]


def test_a_live_switch() -> None:
    """7 calls: 6 answered within 10 s, one left an empty queue, one abandoned after its talk."""
    events = read("asterisk-queue-log", open_input(real_data(LIVE_SWITCH)))
    entered = firsts(events, "call.queued")
    answered = firsts(events, "call.answered")
    waits = [at - entered[call] for call, at in answered.items()]
    assert len(entered) == 7
    assert len(waits) == 6
    assert max(waits) <= TARGET
    assert [event.kind for event in events].count("call.diverted") == 1
    gave_up = [event for event in events if getattr(event, "reason", None) == "abandoned"]
    assert [event.kind for event in gave_up] == ["call.ended"]
    assert told(events)[0][1] == "source.restarted"


@pytest.fixture(scope="module")
def bank() -> list[Event]:
    return read("call-records", as_csv(read_table(real_data(BANK))).splitlines(keepends=True))


def test_bank_figures(bank: list[Event]) -> None:
    """30,085 offered, 13,701 answered within 10 s, 3,907 abandoned, 651 of them within 10 s."""
    offered = firsts(bank, "call.offered")
    answered = firsts(bank, "call.answered")
    abandoned = firsts(bank, "call.abandoned")
    assert len(offered) == 30_085
    assert sum(at - offered[call] <= TARGET for call, at in answered.items()) == 13_701
    assert len(abandoned) == 3_907
    assert sum(at - offered[call] <= TARGET for call, at in abandoned.items()) == 651
    assert len(answered) + len(abandoned) == len(offered)


def test_bank_callbacks(bank: list[Event]) -> None:
    """445 of the callers who gave up had a call returned within the hour."""
    returned = defaultdict(list)
    for event in bank:
        if event.kind in ("callback.connected", "callback.attempted"):
            returned[event.customer].append(event)
    called_back = [
        gone
        for gone in bank
        if gone.kind == "call.abandoned"
        and gone.customer is not None
        and any(
            event.kind == "callback.connected" and 0 <= event.at - gone.at <= HOUR
            for event in returned[gone.customer]
        )
    ]
    assert len(called_back) == 445


def test_bank_times_run_forward_past_midnight(bank: list[Event]) -> None:
    """No call is answered or over before it was offered, and none takes a day."""
    offered = firsts(bank, "call.offered")
    spans = [event.at - offered[event.call_id] for event in bank if isinstance(event, CallEvent)]
    assert min(spans) == 0
    assert max(spans) < 12 * HOUR
