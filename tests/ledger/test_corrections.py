"""Facts that come late: what is still taken, and how a verdict already counted is amended."""

import pytest
from feeds import BASE, event, rules_from, s

from streams.events import Event
from streams.instants import SECOND
from streams.ledger import Ledger


def _ledger(*events: Event, now: float) -> Ledger:
    ledger = Ledger(rules_from({"lateness": 100 * SECOND}))
    for one in events:
        ledger.apply(one)
    ledger.advance(BASE + s(now))
    return ledger


def _answer(at: float) -> Event:
    return event("call.answered", at, "a", queue="sales", answered_by="human")


@pytest.mark.parametrize(("now", "fate"), [(105, "applied"), (105.000001, "late")])
def test_facts_are_taken_up_to_the_lateness(now: float, fate: str) -> None:
    """Exactly `lateness` before the last tick is still in time."""
    ledger = _ledger(event("call.offered", 0, "a", queue="sales"), now=now)
    assert ledger.apply(_answer(5)) == fate
    assert ledger.fates[fate] == (2 if fate == "applied" else 1)


def test_a_late_answer_corrects_the_breach_that_was_counted() -> None:
    """Broken at the deadline, then the answer arrives: the counter stays, the truth moves."""
    ledger = _ledger(event("call.offered", 0, "a", queue="sales"), now=20)
    ledger.apply(_answer(5))
    ledger.advance(BASE + s(21))
    sales = ledger.totals.queues["sales"]
    assert sales.counts["answer", "broken"] == 1
    assert sales.corrections["answer", "broken", "kept"] == 1
    assert (sales.truth("answer", "broken"), sales.truth("answer", "kept")) == (0, 1)


def test_a_correction_is_announced_with_what_it_replaces() -> None:
    """The change says from what to what, and has the next revision."""
    ledger = _ledger(event("call.offered", 0, "a", queue="sales"), now=20)
    first = next(c for c in ledger.drain() if c.verdict == "answer")
    ledger.apply(_answer(5))
    ledger.advance(BASE + s(21))
    second = next(c for c in ledger.drain() if c.verdict == "answer")
    assert (first.was, first.state, second.was, second.state) == (None, "broken", "broken", "kept")
    assert second.revision > first.revision


def test_a_callback_that_was_not_owed_after_all_is_withdrawn() -> None:
    """Diverted and counted; then a human answer turns up: the promise becomes `none`."""
    diverted = event("call.diverted", 5, "a", queue="sales")
    ledger = _ledger(event("call.offered", 0, "a", queue="sales"), diverted, now=20)
    ledger.apply(_answer(8))
    ledger.advance(BASE + s(21))
    sales = ledger.totals.queues["sales"]
    assert sales.corrections["opened", "opened", "none"] == 1
    assert sales.truth("opened", "opened") == 0
    assert sales.corrections["outcome", "diverted", "answered_in_target"] == 1


def test_a_promise_is_remembered_while_a_waiting_call_can_still_join_it() -> None:
    """By the breach clock a call that fails ten minutes later belongs to the promise of then."""
    settings = {
        "callback_clock": "breach",
        "callback_target": 60 * SECOND,
        "late_horizon": 0,
        "lateness": 130 * SECOND,
        "max_call": 600 * SECOND,
    }
    ledger = Ledger(rules_from(settings))
    ledger.apply(event("call.offered", 0, "c", customer="ann"))
    ledger.apply(event("callback.requested", 0, customer="ann"))
    for now in (66, 196, 601):
        ledger.advance(BASE + s(now))
    assert sum(q.truth("opened", "opened") for q in ledger.totals.queues.values()) == 1


def test_a_request_without_a_call_is_remembered_as_long_as_it_can_be_made_good() -> None:
    """Nothing else is known of the customer; the callback comes two hours after it was due."""
    ledger = Ledger(rules_from({}))
    ledger.apply(event("callback.requested", 0, customer="ann"))
    for now in (10, 3_601, 7_300, 11_000):
        ledger.advance(BASE + s(now))
    ledger.apply(event("callback.connected", 11_100, customer="ann", reached="human"))
    ledger.advance(BASE + s(11_200))
    totals = ledger.totals.queues.values()
    assert sum(queue.truth("callback", "broken") for queue in totals) == 1
    assert sum(queue.truth("late", "late") for queue in totals) == 1


def test_a_kept_promise_moves_with_the_answer_that_kept_it() -> None:
    """Of two agents the first told was the second to answer: every verdict is as of the first."""
    ledger = _ledger(event("call.offered", 0, "a", queue="sales"), _answer(7), now=20)
    ledger.drain()
    ledger.apply(_answer(3))
    ledger.advance(BASE + s(62))
    moved = {change.verdict: change for change in ledger.drain()}
    assert {moved[verdict].at for verdict in ("outcome", "answer", "promise")} == {BASE + s(3)}
    assert (moved["promise"].was, moved["promise"].state) == ("kept", "kept")
    assert ledger.windows.read()["sales", "1m"].classes == {}


def test_promises_of_one_instant_are_told_apart_for_good() -> None:
    """Two failures at the moment of a conversation are two promises, whatever comes before and
    after: none of them is counted anew."""
    story = [
        event("callback.requested", 0, customer="ann"),
        event("callback.connected", 5, customer="ann", reached="human"),
        event("callback.requested", 20, customer="ann"),
        event("callback.requested", 20, customer="ann"),
        event("callback.connected", 20, customer="ann", reached="human"),
    ]
    ledger = _ledger(*story, now=30)
    ledger.apply(event("callback.requested", 40, customer="ann"))
    ledger.advance(BASE + s(41))
    (only,) = ledger.totals.queues.values()
    assert only.counts["opened", "opened"] == 4
    assert only.counts["callback", "kept"] == 3
    assert only.corrections == {}
