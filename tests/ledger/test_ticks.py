"""What happens between ticks: nothing is told twice, nothing too late, nothing kept too long."""

import pytest
from feeds import BASE, event, rules_from, s, tell

from streams.events import Event
from streams.ledger import Ledger


def _ledger(**settings: object) -> Ledger:
    return Ledger(rules_from(settings))


def _tick(ledger: Ledger, now: float, *events: Event) -> set[tuple[str, str, float]]:
    """Return verdict, state and time (seconds) of what a tick after `events` changed."""
    for one in events:
        ledger.apply(one)
    ledger.advance(BASE + s(now))
    return {(c.verdict, c.state, (c.at - BASE) / 1e6) for c in ledger.drain()}


def _spoke(start: float, call: str, **more: object) -> list[Event]:
    return [
        event("call.offered", start, call, queue="sales", customer="ann"),
        event("call.answered", start + 2, call, answered_by="human"),
        event("call.ended", start + 60, call, **more),
    ]


def test_a_verdict_that_stays_is_told_once() -> None:
    """A repeated end and more ticks: the broken answer and callback are no news."""
    ledger = _ledger()
    story = [
        event("call.offered", 0, "a", queue="sales", customer="ann"),
        event("call.abandoned", 30, "a"),
    ]
    assert _tick(ledger, 40, *story)
    assert _tick(ledger, 3700) == {("callback", "broken", 3630), ("promise", "broken", 3630)}
    assert _tick(ledger, 3800, event("call.ended", 3750, "a")) == set()
    assert _tick(ledger, 3900, event("callback.attempted", 3850, customer="ann")) == set()


def test_an_earlier_offer_moves_the_moment_of_the_breach() -> None:
    """The state stays, its time changes, and the counters do not."""
    ledger = _ledger()
    assert ("answer", "broken", 30) in _tick(ledger, 35, event("call.offered", 20, "a"))
    moved = _tick(ledger, 36, event("call.queued", 12, "a"))
    assert moved == {("answer", "broken", 22)}
    assert ledger.totals.queues["__none__"].counts["answer", "broken"] == 1
    assert ledger.totals.queues["__none__"].corrections == {}


def test_usefulness_is_decided_when_the_window_ends() -> None:
    """Also of a customer who is owed a callback from before, and at that tick, not later."""
    ledger = _ledger()
    failed = [
        event("call.offered", 0, "a", queue="sales", customer="ann"),
        event("call.abandoned", 30, "a"),
    ]
    _tick(ledger, 200, *failed, *_spoke(100, "b"))
    assert ("usefulness", "useful", 3760) not in _tick(ledger, 3759.999)
    assert ("usefulness", "useful", 3760) in _tick(ledger, 3760)


def test_an_anonymous_request_without_a_call_is_uncallable() -> None:
    """Nobody could call back."""
    asked = event("callback.requested", 5, customer="ann", anonymous=True)
    assert tell(asked, until=4000).callback() == "uncallable"


@pytest.mark.parametrize(
    "kind",
    [
        "call.queued",
        "call.transferred",
        "call.abandoned",
        "call.diverted",
        "call.rejected",
        "call.ended",
        "callback.requested",
        "callback.attempted",
        "callback.cancelled",
    ],
)
def test_a_fact_of_a_call_is_applied_once(kind: str) -> None:
    """Applied the first time, a duplicate the second."""
    ledger = _ledger()
    ledger.apply(event("call.offered", 0, "a"))
    fact = event(kind, 4, "a")
    assert [ledger.apply(fact), ledger.apply(fact)] == ["applied", "duplicate"]


def test_an_answer_of_a_machine_is_ignored() -> None:
    """It changes nothing."""
    ledger = _ledger()
    ledger.apply(event("call.offered", 0, "a"))
    assert ledger.apply(event("call.answered", 4, "a", answered_by="bot")) == "ignored"


def test_a_call_is_judged_once_however_many_events_it_had() -> None:
    """It waits for the tick once, and not after it."""
    ledger = _ledger()
    for one in _spoke(0, "a"):
        ledger.apply(one)
    assert ledger.book.touched == (["a"], [])
    ledger.advance(BASE + s(61))
    assert ledger.book.touched == ([], [])


def test_an_open_call_outlives_the_finished_one_of_its_customer() -> None:
    """Ann's first call is forgotten while her second goes on; then that is forgotten as well."""
    ledger = _ledger(lateness=s(100), repeat_window=s(40))
    _tick(ledger, 61, *_spoke(0, "a"))
    _tick(ledger, 198, event("call.offered", 195, "b", queue="sales", customer="ann"))
    _tick(ledger, 203)
    assert "b" in ledger.book.calls
    told = _tick(ledger, 204, event("call.answered", 203, "b", answered_by="human"))
    assert ("outcome", "answered_in_target", 203) in told
    _tick(ledger, 300, event("call.ended", 290, "b", resolved=True))
    for now in (500, 700, 900):
        _tick(ledger, now)
    assert (ledger.book.calls, ledger.book.callers.by_key) == ({}, {})


def test_nothing_is_owed_to_a_customer_who_was_forgotten() -> None:
    """When a broken callback can no longer be made good, the gauges forget it too."""
    ledger = _ledger(lateness=s(100), late_horizon=s(60), max_call=s(600))
    story = [event("call.offered", 0, "a", customer="ann"), event("call.abandoned", 30, "a")]
    _tick(ledger, 40, *story)
    assert _owed(ledger) == (1, 1)
    for now in range(3700, 6000, 100):
        _tick(ledger, now)
    assert (ledger.book.callers.by_key, _owed(ledger)) == ({}, (0, 0))


def _owed(ledger: Ledger) -> tuple[int, int]:
    (due,) = ledger.book.due.queues.values()
    return len(due.open), len(due.until)


def test_an_abandonment_told_after_the_answer_makes_it_contradictory() -> None:
    """Counted when it becomes known, once."""
    ledger = _ledger()
    for one in (
        event("call.offered", 0, "a"),
        event("call.answered", 9, "a", answered_by="human"),
        event("call.abandoned", 7, "a"),
        event("call.abandoned", 6, "a"),
    ):
        ledger.apply(one)
    assert ledger.fates["contradictory"] == 1


def test_a_later_diversion_does_not_replace_an_earlier_one() -> None:
    """The earliest of a kind counts, in whatever order they are told."""
    for order in ((4, 8), (8, 4)):
        ledger = _ledger()
        facts = [event("call.diverted", at, "a") for at in order]
        told = _tick(ledger, 20, event("call.offered", 0, "a"), *facts)
        assert ("outcome", "diverted", 4) in told


def test_an_event_of_a_customer_that_names_a_call_counts_for_both() -> None:
    """Ann is called back for her call; the feed names the two."""
    ledger = _ledger()
    story = [event("call.offered", 0, "a", customer="ann"), event("call.abandoned", 5, "a")]
    made = event("callback.connected", 50, "a", customer="ann", reached="human")
    told = _tick(ledger, 60, *story, made)
    assert ("callback", "kept", 50) in told
    assert ledger.fates["applied"] == 3


def test_a_broken_promise_is_remembered_while_it_can_be_made_good() -> None:
    """For the whole late horizon, though the lateness passed long before."""
    ledger = _ledger(lateness=s(100), max_call=s(600), late_horizon=s(20_000))
    story = [event("call.offered", 0, "a", customer="ann"), event("call.abandoned", 5, "a")]
    _tick(ledger, 20, *story)
    for now in range(3700, 20_000, 500):
        _tick(ledger, now)
    made = event("callback.connected", 19_990, customer="ann", reached="human")
    assert ("late", "late", 19_990) in _tick(ledger, 20_000, made)


def test_a_restart_has_only_those_judged_again_whom_it_may_have_ended() -> None:
    """A tick is not to be long because a switch of ten thousand decided calls restarts."""
    ledger = _ledger()
    for number, call in enumerate(("open", "answered", "gave up before", "gave up after")):
        ledger.apply(event("call.offered", number / 10, call))
    ledger.apply(event("call.answered", 5, "answered", answered_by="human"))
    ledger.apply(event("call.abandoned", 6, "gave up before"))
    ledger.apply(event("call.abandoned", 30, "gave up after"))
    ledger.apply(event("call.offered", 21, "later"))
    ledger.apply(event("call.queued", 1, "of another", source="acd"))
    ledger.advance(BASE + s(40))
    ledger.apply(event("source.restarted", 20))
    assert ledger.book.touched == (["gave up after", "open"], [])
