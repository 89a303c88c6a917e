"""`replay`: known figures of real records to the call, and what holds for any input."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bank import as_csv, read_table
from queue_log import PSEUDONYMS
from real_data import BANK, HELP_DESK, LIVE_SWITCH, real_data

from streams.events import CallAbandoned, CallAnswered, CallEnded, CallOffered, Event, encode
from streams.instants import HOUR, SECOND, parse_instant
from streams.ledger import Change, Rules
from streams.replay import judge, read, report
from streams.simulate import Centre, inject, small_centre
from streams.sources import FORMATS, Options, open_input

START = parse_instant("2026-03-02T10:00:00Z")


def replayed(form: str, lines: Any, until: int | None = None) -> dict[str, Any]:
    """Return the report on `lines`."""
    given = read(FORMATS[form](Options(pseudonyms=PSEUDONYMS)), lines)
    return report(given, judge(given.events, Rules(), until))


def lines_of(events: list[Event]) -> Iterator[bytes]:
    return (encode(event) + b"\n" for event in events)


def call(number: int, at: int, answered_after: int | None) -> list[Event]:
    """Return a call in queue `sales` that is answered, or given up after 30 s."""
    name, offered = f"call-{number}", START + at
    common: dict[str, Any] = {"call_id": name, "queue": "sales", "customer": f"customer-{number}"}
    begin: Event = CallOffered(id=f"{name}-1", at=offered, **common)
    if answered_after is None:
        return [begin, CallAbandoned(id=f"{name}-2", at=offered + 30 * SECOND, **common)]
    answer = offered + answered_after
    return [
        begin,
        CallAnswered(id=f"{name}-2", at=answer, answered_by="human", agent="ann", **common),
        CallEnded(id=f"{name}-3", at=answer + 60 * SECOND, ended_by="customer", **common),
    ]


def check_sums(figures: dict[str, Any]) -> None:
    """Assert what always holds between the figures of a report."""
    offered, back = figures["offered"], figures["callback"]
    assert offered == sum(figures["outcomes"].values())
    assert offered == sum(figures["answer"].values())
    assert offered == sum(figures["promise"].values())
    settled = ("kept", "kept_by_recall", "broken", "unreachable", "uncallable", "cancelled", "open")
    assert back["opened"] == sum(back[state] for state in settled)
    assert back["late"] <= back["broken"]
    answered = figures["outcomes"]["answered_in_target"] + figures["outcomes"]["answered_late"]
    assert figures["wait_seconds"]["answered"]["count"] == answered
    assert sum(figures["usefulness"].values()) == answered


@pytest.fixture(scope="module")
def bank() -> dict[str, Any]:
    csv = as_csv(read_table(real_data(BANK)))
    return replayed("call-records", csv.splitlines(keepends=True))


def test_bank_gives_the_known_figures(bank: dict[str, Any]) -> None:
    """A month of a bank: every figure an independent program worked out, to the call."""
    total = bank["total"]
    assert total["offered"] == 30_085
    assert total["answer"] == {"kept": 13_701, "broken": 15_733, "excluded": 651, "open": 0}
    assert total["callback"] == {
        "opened": 3_753,
        "kept": 366,
        "kept_by_recall": 345,
        "broken": 3_042,
        "late": 322,
        "unreachable": 0,
        "uncallable": 0,
        "cancelled": 0,
        "open": 0,
    }
    assert total["promise"] == {"kept": 14_479, "broken": 15_606, "outside": 0, "open": 0}
    abandoned = total["outcomes"]["abandoned_in_target"] + total["outcomes"]["abandoned_late"]
    assert abandoned == 3_907


def test_bank_sums_hold_in_total_and_by_queue(bank: dict[str, Any]) -> None:
    """The queues are the calls' types; together they are the total."""
    for figures in (bank["total"], *bank["queues"].values()):
        check_sums(figures)
    assert sum(figures["offered"] for figures in bank["queues"].values()) == 30_085
    for part in ("outcomes", "answer", "callback", "promise", "usefulness"):
        summed: Counter[str] = Counter()
        for figures in bank["queues"].values():
            summed.update(figures[part])
        assert dict(summed) == bank["total"][part]


def test_bank_waits_are_exact(bank: dict[str, Any]) -> None:
    """Quantiles by nearest rank, counted from the table itself."""
    rows = [row for row in read_table(real_data(BANK)) if row["outcome"] == "AGENT"]
    waits = sorted(int(row["q_time"]) for row in rows if row["type"] != "TT")
    told = bank["total"]["wait_seconds"]["answered"]
    assert told["count"] == len(waits)
    assert told["mean"] == pytest.approx(sum(waits) / len(waits))
    assert told["max"] == waits[-1]
    for percent in (50, 90, 99):
        assert told[f"p{percent}"] == waits[-(-len(waits) * percent // 100) - 1]


def test_bank_in_any_order_and_in_several_files(bank: dict[str, Any], tmp_path: Path) -> None:
    """Rows in any order, spread over a plain and a gzip file, give the same figures."""
    head, *rows = as_csv(read_table(real_data(BANK))).splitlines(keepends=True)
    Random(1).shuffle(rows)
    half = len(rows) // 2
    (tmp_path / "one.csv").write_bytes(b"".join((head, *rows[:half])))
    (tmp_path / "two.csv.gz").write_bytes(gzip.compress(b"".join((head, *rows[half:]))))
    again = replayed("call-records", open_input(tmp_path / "one.csv", tmp_path / "two.csv.gz"))
    assert again == bank


def test_help_desk_gives_the_known_figures() -> None:
    """39 of 106 closed calls within 10 s; 13 lost calls; two are open at the end."""
    total = replayed("asterisk-queue-log", open_input(real_data(HELP_DESK)))["total"]
    outcomes = total["outcomes"]
    assert total["offered"] - outcomes["open"] == 106
    assert outcomes["answered_in_target"] == 39
    assert total["service_level"]["F2"] == pytest.approx(39 / 106)
    gone = ("abandoned_in_target", "abandoned_late", "diverted")
    assert sum(outcomes[name] for name in gone) == 13
    check_sums(total)


def test_help_desk_callbacks_and_the_merge_rule() -> None:
    """Three lost calls were called back in the hour, by the rules two promises of two kinds.

    One customer hung up twice (496 and 433 s before the callback): the second failure merges into
    the promise of the first, so one promise is kept. The third (1,208 s) had rung again himself
    after 106 s and was served, so his promise was kept by recall before the centre called.
    """
    changes: list[Change] = []
    source = FORMATS["asterisk-queue-log"](Options(pseudonyms=PSEUDONYMS))
    events = read(source, open_input(real_data(HELP_DESK))).events
    judge(events, Rules(), watch=changes.append)
    lost = [c for c in changes if c.verdict == "outcome" and not c.state.startswith("answered")]
    talks = {event.at: event.customer for event in events if event.kind == "callback.connected"}
    called_back = sorted(
        (at - call.at) // SECOND
        for call in lost
        for at, customer in talks.items()
        if customer == call.customer and 0 <= at - call.at <= HOUR
    )
    assert called_back == [433, 496, 1_208]
    delays = {
        state: sorted(
            (c.wait or 0) // SECOND
            for c in changes
            if (c.verdict, c.state) in (("callback", state), ("late", state))
        )
        for state in ("kept", "kept_by_recall", "late")
    }
    assert delays == {"kept": [496], "kept_by_recall": [20, 106, 577], "late": [79_431]}


def test_one_minute_of_a_live_switch() -> None:
    """Seven calls entered a queue: six in time, one left because the queue was empty."""
    total = replayed("asterisk-queue-log", open_input(real_data(LIVE_SWITCH)))["total"]
    assert total["offered"] == 7
    assert total["outcomes"]["answered_in_target"] == 6
    assert total["outcomes"]["diverted"] == 1
    assert total["answer"] == {"kept": 6, "broken": 1, "excluded": 0, "open": 0}


def test_empty_input_gives_zeros() -> None:
    """Nothing offered: no ratio, no quantile, no time."""
    empty = replayed("events", [])
    assert empty["until"] is None
    assert empty["queues"] == {}
    assert empty["total"]["offered"] == 0
    assert set(empty["total"]["service_level"].values()) == {None}
    assert empty["total"]["wait_seconds"]["answered"]["count"] == 0
    check_sums(empty["total"])


def test_bad_records_are_counted_and_their_neighbours_are_not_lost() -> None:
    """Each bad line is one dead letter; the call around them is judged."""
    offered, answered, ended = map(encode, call(1, 0, 5 * SECOND))
    lines = [offered, b"{", b"[]", b'{"kind":"call.sung","id":"1"}', answered, b"\xff\xfe", ended]
    got = replayed("events", [line + b"\n" for line in lines])
    assert got["input"]["records"] == 7
    assert got["input"]["events"] == 3
    assert got["input"]["dead_letters"]["malformed"] == 3
    assert got["input"]["dead_letters"]["unknown_kind"] == 1
    assert got["total"]["outcomes"]["answered_in_target"] == 1


def test_duplicates_orphans_and_contradictions_are_counted() -> None:
    """None of them changes a verdict."""
    events = [*call(1, 0, 5 * SECOND), *call(2, 0, None), *call(3, 0, None)[1:]]
    late_answer = CallAnswered(
        id="x", at=START + 40 * SECOND, call_id="call-2", answered_by="human", queue="sales"
    )
    got = replayed("events", lines_of([*events, *events[:3], late_answer]))
    assert got["input"]["duplicates"] == 3
    assert got["input"]["orphans"] == 1
    assert got["input"]["contradictory"] == 1
    assert got["total"]["offered"] == 2
    assert got["total"]["outcomes"]["abandoned_late"] == 1


def test_until_end_settles_what_the_last_event_settles() -> None:
    """A deadline exactly at the last event has fired; one a microsecond later is open."""
    waiting = CallOffered(id="w", at=START, call_id="w", queue="sales")
    other = call(2, 10 * SECOND, None)[0]
    at_deadline = replayed("events", lines_of([waiting, other]))["total"]["answer"]
    assert (at_deadline["broken"], at_deadline["open"]) == (1, 1)
    waiting.at += 1000
    before = replayed("events", lines_of([waiting, other]))["total"]["answer"]
    assert (before["broken"], before["open"]) == (0, 2)


def test_until_a_later_time_moves_the_clock_there() -> None:
    """An hour after a lost call its callback is broken; a moment before it is open."""
    events = call(1, 0, None)
    due = START + 30 * SECOND + HOUR
    open_still = replayed("events", lines_of(events), due - 1)["total"]["callback"]
    assert (open_still["open"], open_still["broken"]) == (1, 0)
    broken = replayed("events", lines_of(events), due)
    assert broken["total"]["callback"]["broken"] == 1
    assert broken["until"] == "2026-03-02T11:00:30Z"


def test_until_an_earlier_time_leaves_later_events_out() -> None:
    """The figures as they stood then, and how many events came later."""
    events = [*call(1, 0, 5 * SECOND), *call(2, 600 * SECOND, 5 * SECOND)]
    got = replayed("events", lines_of(events), START + 300 * SECOND)
    assert got["total"]["offered"] == 1
    assert got["input"]["left_out"] == 3


def test_order_of_the_input_does_not_matter() -> None:
    """Simulated calls with duplicates, shuffled, give the figures of the clean feed."""
    clean = list(Centre(small_centre(), 5).events(400))
    deliveries = Centre(small_centre(), 5).deliveries(400)
    faulty = [each.event for each in inject(deliveries, ("duplicate", "disorder"), 5)]
    Random(5).shuffle(faulty)
    first, second = replayed("events", lines_of(clean)), replayed("events", lines_of(faulty))
    assert second["input"]["duplicates"] == len(faulty) - len(clean)
    assert (second["total"], second["queues"]) == (first["total"], first["queues"])
    for figures in (first["total"], *first["queues"].values()):
        check_sums(figures)


def test_sorted_records_need_no_corrections() -> None:
    """What is fed in event-time order is judged once."""
    events = list(Centre(small_centre(), 7).events(500))
    changes: list[Change] = []
    judge(events, Rules(), watch=changes.append)
    assert changes
    assert [change for change in changes if change.was is not None] == []


def test_formulas_disagree_on_the_same_calls() -> None:
    """Ten calls by hand: each formula as its definition says."""
    waits = [5, 5, 5, 5, 20, 20]
    events = [event for n, wait in enumerate(waits) for event in call(n, n * SECOND, wait * SECOND)]
    events += [event for n in (7, 8) for event in call(n, n * SECOND, None)]
    for number, after in ((9, 3), (10, 8)):
        offered, abandoned = call(number, number * SECOND, None)
        abandoned.at = offered.at + after * SECOND
        events += [offered, abandoned]
    level = replayed("events", lines_of(events))["total"]["service_level"]
    expected = {"F1": 4 / 6, "F2": 0.4, "F3": 0.5, "F4": 0.6, "F5": 4 / 9, "F6": 0.6, "F7": 0.4}
    assert level == pytest.approx(expected)


def test_the_report_is_plain_json() -> None:
    """It survives a round trip unchanged."""
    got = replayed("events", lines_of(call(1, 0, 5 * SECOND)))
    assert json.loads(json.dumps(got)) == got
