"""What the ledger lets go of, and what it holds on to because something may still depend on it."""

import tracemalloc
from collections.abc import Iterable

import pytest
from feeds import BASE, event, rules_from, s

from streams.events import Event
from streams.instants import MINUTE, SECOND
from streams.ledger import Ledger, Rules

_SHORT = {
    "callback_target": 60 * SECOND,
    "late_horizon": 0,
    "repeat_window": 40 * SECOND,
    "lateness": 60 * SECOND,
    "max_call": 200 * SECOND,
}
"""An hour that lasts a minute: what is over is soon past changing."""


def _offered(at: float, call: str, **fields: object) -> Event:
    return event("call.offered", at, call, customer="ann", **fields)


def _answered(at: float, call: str) -> Event:
    return event("call.answered", at, call, answered_by="human")


def _told(events: Iterable[Event], ticks: Iterable[float], rules: Rules) -> Ledger:
    """Return a ledger after `events`, each with a tick of its time, and more `ticks`."""
    ledger = Ledger(rules)
    for one in events:
        ledger.apply(one)
        ledger.advance(one.at)
    for now in ticks:
        ledger.advance(BASE + s(now))
    return ledger


def _truth(ledger: Ledger, verdict: str, state: str) -> int:
    return sum(queue.truth(verdict, state) for queue in ledger.totals.queues.values())


def _is_empty(ledger: Ledger) -> bool:
    return not (ledger.book.calls or ledger.book.callers.by_key or ledger.book.attached)


_AT_ONCE = [
    _offered(0, "repeat"),
    _offered(0, "useless"),
    _answered(0, "useless"),
    event("call.ended", 0, "useless"),
]
"""Answered, ended and rung again in one instant."""
_HELD_BY_A_WAITING_CALL = [
    _offered(0, "waiting"),
    _offered(5, "useless"),
    _answered(10, "useless"),
    event("call.ended", 20, "useless"),
    _offered(30, "repeat"),
    event("call.abandoned", 100, "waiting"),
    event("call.abandoned", 110, "repeat"),
]
"""The answer lies within a call that failed later, together with the call that makes it useless."""


@pytest.mark.parametrize("story", [_AT_ONCE, _HELD_BY_A_WAITING_CALL])
def test_an_answer_and_the_repeat_that_makes_it_useless_do_not_hold_each_other(
    story: list[Event],
) -> None:
    """Each was kept for the sake of the other, and with them all later calls of the customer."""
    ledger = _told(story, range(400, 4000, 60), rules_from(_SHORT))
    assert _truth(ledger, "usefulness", "useless") == 1
    assert _is_empty(ledger)


def test_a_call_on_the_clock_of_its_queue_is_remembered_while_an_answer_may_come() -> None:
    """Queued at 100 s it may be answered until 300 s, though 200 s after its offer have passed."""
    settings = {**_SHORT, "queues": {"sales": {"clock_start": "queue"}}}
    story = [
        _offered(0, "a", queue="sales"),
        event("call.diverted", 5, "a"),
        event("call.queued", 100, "a"),
    ]
    ledger = _told(story, (130, 200, 265, 330), rules_from(settings))
    assert ledger.apply(_answered(290, "a")) == "applied"
    ledger.advance(BASE + s(331))
    assert _truth(ledger, "outcome", "answered_late") == 1


@pytest.mark.parametrize(("arrival", "opened"), [(60, 1), (60.000001, 2)])
def test_a_promise_is_remembered_for_who_called_at_the_moment_it_was_due(
    arrival: float, opened: int
) -> None:
    """Whom a queue promises an answer at once has failed at arrival, told 200 s later."""
    settings = {**_SHORT, "queues": {"now": {"answer_target": 0, "callback_clock": "breach"}}}
    story = [
        event("callback.requested", 0, customer="ann"),
        _offered(arrival, "a", queue="now"),
    ]
    ledger = _told(story, (61, 125, 190, 255, 320), rules_from(settings))
    assert _truth(ledger, "opened", "opened") == opened


def test_memory_follows_open_calls() -> None:
    """Calls answered first and ended some minutes later leave nothing, long before `max_call`."""
    ledger = Ledger(rules_from({"repeat_window": MINUTE, "lateness": MINUTE}), windows=False)
    calls = 2000

    def bytes_after(first: int, seconds: int) -> int:
        for at in range(first, first + seconds):
            if at < calls:
                ledger.apply(event("call.offered", at, f"c{at}"))
                ledger.apply(_answered(at + 1, f"c{at}"))
            elif at < 2 * calls:
                ledger.apply(event("call.ended", at, f"c{at - calls}"))
            if at % 10 == 9:
                ledger.advance(BASE + s(at))
                ledger.drain()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        waiting = bytes_after(0, calls)
        over = bytes_after(calls, calls + 1000)
    finally:
        tracemalloc.stop()
    assert ledger.fates["applied"] == 3 * calls
    assert over < waiting / 3  # an emptied dict keeps its room
