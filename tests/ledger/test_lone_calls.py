"""Calls that stand alone for their customers, and what makes a customer of one."""

from typing import Final

import pytest
from feeds import BASE, event, rules_from, s

from streams.events import Event
from streams.instants import SECOND
from streams.ledger import Ledger, Limits, Rules, dump, load, state_hash
from streams.ledger.calls import ALONE, AMONG, APART, FREE, OVER, Call
from streams.ledger.customers import Customer
from streams.ledger.writing import Writing

_RULES: Final = rules_from({"repeat_window": 60 * SECOND, "lateness": 300 * SECOND})
_OFFERED: Final = [event("call.offered", 0, "a", customer="ann", queue="sales")]
_ANSWERED: Final = [*_OFFERED, event("call.answered", 5, "a", answered_by="human")]
_ENDED: Final = [*_ANSWERED, event("call.ended", 20, "a", ended_by="customer")]
_STAGES: Final = {"waits": (_OFFERED, 7), "talks": (_ANSWERED, 7), "is over": (_ENDED, 90)}
"""What came of a call, and the seconds of the tick after it."""
_MADE: Final = {
    "a second call": event("call.offered", 95, "b", customer="ann"),
    "a callback to the customer": event("callback.attempted", 95, customer="ann"),
    "a callback that names both": event("callback.attempted", 95, "a", customer="ann"),
    "a callback to the call": event("callback.attempted", 95, "a"),
    "a request": event("callback.requested", 95, customer="ann"),
}


def _told(events: list[Event], tick: float, rules: Rules = _RULES) -> Ledger:
    ledger = Ledger(rules)
    for one in events:
        ledger.apply(one)
    ledger.advance(BASE + s(tick))
    ledger.drain()
    return ledger


def _held(ledger: Ledger, key: str) -> Customer | Call:
    return ledger.book.callers.by_key[key]


def _ticks_alike(one: Ledger, other: Ledger, ticks: list[float]) -> None:
    for tick in ticks:
        for ledger in (one, other):
            ledger.advance(BASE + s(tick))
        assert one.drain() == other.drain()
        assert state_hash(one) == state_hash(other)


@pytest.mark.parametrize("stage", _STAGES)
@pytest.mark.parametrize("cause", _MADE)
def test_a_customer_is_made_when_there_is_more_to_know(stage: str, cause: str) -> None:
    """The same with a snapshot before it, and with one after it."""
    ledger = _told(*_STAGES[stage])
    assert isinstance(_held(ledger, "ann"), Call)
    copy = load(_RULES, dump(ledger))
    assert isinstance(_held(copy, "ann"), Call)
    for one in (ledger, copy):
        assert one.apply(_MADE[cause]) == "applied"
    _ticks_alike(ledger, copy, [100])
    made = _held(ledger, "ann")
    assert isinstance(made, Customer)
    assert [call.hold for call in made.calls] == [AMONG] * len(made.calls)
    _ticks_alike(ledger, load(_RULES, dump(ledger)), [101, 200, 500, 1000, 4000, 20_000, 200_000])
    assert not ledger.book.callers.by_key


@pytest.mark.parametrize("stage", _STAGES)
@pytest.mark.parametrize("cause", _MADE)
def test_a_snapshot_that_is_being_written_holds_the_call_alone(stage: str, cause: str) -> None:
    """As it was when the writing began, though a customer is made of it meanwhile."""
    ledger = _told(*_STAGES[stage])
    then, writing = dump(ledger), Writing(ledger)
    ledger.apply(_MADE[cause])
    assert writing.finish() == then


@pytest.mark.parametrize("kind", ["call.abandoned", "call.diverted", "call.rejected"])
def test_a_failure_makes_a_customer(kind: str) -> None:
    """Who is owed a callback from then on."""
    ledger = _told(_OFFERED, 7)
    ledger.apply(event(kind, 20, "a"))
    copy = load(_RULES, dump(ledger))
    _ticks_alike(ledger, copy, [21])
    made = _held(ledger, "ann")
    assert isinstance(made, Customer)
    assert [promise.state for promise in made.promises] == [None]
    assert ledger.live(ledger.now)["sales"].callbacks_open == 1


@pytest.mark.parametrize("stage", _STAGES)
def test_a_call_that_turns_out_to_be_anothers_stands_alone_for_that_one(stage: str) -> None:
    """An event that came first names somebody else; a snapshot begun before shows neither."""
    ledger = _told(*_STAGES[stage])
    then, writing = dump(ledger), Writing(ledger)
    copy = load(_RULES, then)
    earlier = event("call.offered", -1, "a", customer="bob")
    for one in (ledger, copy):
        one.apply(earlier)
    assert writing.finish() == then
    assert state_hash(copy) == state_hash(ledger)
    _ticks_alike(ledger, copy, [95])
    held = _held(ledger, "bob")
    assert isinstance(held, Call)
    left = _held(ledger, "ann")
    assert isinstance(left, Customer)
    assert left.calls == ()
    _ticks_alike(ledger, copy, [400, 1000, 20_000, 200_000])
    assert not ledger.book.callers.by_key


def test_a_call_alone_is_forgotten_with_its_customer() -> None:
    """When no fact can change it any more, and not a tick before."""
    ledger = _told(_ENDED, 90)
    call = _held(ledger, "ann")
    assert isinstance(call, Call)
    assert (call.hold, call.wake) == (OVER, BASE + s(20 + 60 + 300) + 1)
    ledger.advance(call.wake - 1)
    assert ledger.book.callers.by_key
    assert ledger.book.calls
    ledger.advance(call.wake)
    assert not ledger.book.callers.by_key
    assert not ledger.book.calls


def test_a_verdict_that_is_open_again_makes_a_customer_with_a_deadline_of_its_own() -> None:
    """The call belongs to a queue in which it takes longer to tell of what use an answer was."""
    slow = {"slow": {"repeat_window": 600 * SECOND}}
    rules = rules_from({"repeat_window": 60 * SECOND, "lateness": 300 * SECOND, "queues": slow})
    ledger = _told(_ENDED, 90, rules)
    held = _held(ledger, "ann")
    assert isinstance(held, Call)
    assert held.hold == OVER
    forgotten_at = held.wake
    ledger.apply(event("call.transferred", -1, "a", queue="slow"))
    _ticks_alike(ledger, load(rules, dump(ledger)), [91])
    made = _held(ledger, "ann")
    assert isinstance(made, Customer)
    assert (made.wake, held.wake) == (forgotten_at, BASE + s(620))
    _ticks_alike(ledger, load(rules, dump(ledger)), [380, 381, 619, 620, 920, 921, 2000, 20_000])
    assert not ledger.book.callers.by_key


def test_whom_a_call_is_held_by() -> None:
    """Nobody, while it neither failed nor names a customer; alone; among others; apart."""
    rules = Rules(limits=Limits(max_calls_of_one=2))
    ledger = _told([event("call.offered", 0, "x"), *_OFFERED], 1, rules)
    assert [ledger.book.calls[key].hold for key in "xa"] == [FREE, ALONE]
    assert [ledger.book.calls[key].held_by for key in "xa"] == [None, "ann"]
    for key in "bc":
        ledger.apply(event("call.offered", 2, key, customer="ann"))
    ledger.apply(event("call.abandoned", 3, "x"))
    ledger.advance(BASE + s(4))
    holds = {key: call.hold for key, call in ledger.book.calls.items()}
    assert holds == {"x": APART, "a": AMONG, "b": AMONG, "c": APART}
    assert [ledger.book.calls[key].held_by for key in "xc"] == ["\0x", "\0c"]
    assert ledger.book.callers.crowded == 1
    assert state_hash(load(rules, dump(ledger))) == state_hash(ledger)
