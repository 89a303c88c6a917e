"""What is told of a change: everything a dialler, a CRM or a counter of waits needs."""

import pytest
from feeds import BASE, event, rules_from, s, tell

from streams.events import Event
from streams.ledger import Change, Ledger, QueueRules, Rules


def _changes(*events: Event, until: float) -> dict[tuple[str, str], Change]:
    told = tell(*events, until=until)
    return {(change.verdict, change.state): change for change in told.changes}


def _failed(at: float = 60) -> list[Event]:
    return [
        event("call.offered", at - 60, "a", queue="sales", customer="ann"),
        event("call.abandoned", at, "a"),
    ]


def _spoken(at: float) -> Event:
    return event("callback.connected", at, customer="ann", reached="human")


def test_a_change_of_a_call_names_it() -> None:
    """Verdict, time, queue, call, customer, key and wait."""
    changes = _changes(
        event("call.offered", 0, "a", queue="sales", customer="ann"),
        event("call.answered", 12, "a", answered_by="human"),
        until=12,
    )
    assert changes["outcome", "answered_late"] == Change(
        verdict="outcome",
        state="answered_late",
        was=None,
        at=BASE + s(12),
        queue="sales",
        call_id="a",
        customer="ann",
        due_at=None,
        key="a",
        revision=1,
        wait=s(12),
    )
    assert changes["answer", "broken"].at == BASE + s(10)
    assert [change.revision for change in changes.values()] == [1, 2, 3]


def test_a_change_of_a_callback_names_customer_and_due_time() -> None:
    """Its key is the customer and the opening; it is no matter of one call."""
    opened = _changes(*_failed(), until=60)["opened", "opened"]
    assert opened == Change(
        verdict="opened",
        state="opened",
        was=None,
        at=BASE + s(60),
        queue="sales",
        call_id=None,
        customer="ann",
        key=f"ann@{BASE + s(60)}",
        revision=1,
        due_at=BASE + s(3660),
    )


def test_a_callback_made_tells_how_long_it_took() -> None:
    """By us, by a recall, or late; a broken one has no delay."""
    kept = _changes(*_failed(), _spoken(100), until=100)
    assert kept["callback", "kept"].wait == s(40)
    recalled = _changes(
        *_failed(),
        event("call.offered", 200, "b", customer="ann"),
        event("call.answered", 205, "b", answered_by="human"),
        until=205,
    )
    assert recalled["callback", "kept_by_recall"].wait == s(145)
    late = _changes(*_failed(), _spoken(4060), until=4060)
    assert late["late", "late"].wait == s(4000)
    assert late["callback", "broken"].wait is None
    assert late["callback", "broken"].at == BASE + s(3660)


def test_a_call_without_a_customer_has_a_key_of_its_own() -> None:
    """Nobody is named, so the key says which call."""
    story = [event("call.offered", 0, "a"), event("call.abandoned", 3, "a")]
    opened = _changes(*story, until=4)["opened", "opened"]
    assert (opened.customer, opened.key) == (None, f"call:a@{BASE + s(3)}")


def test_delays_of_callbacks_are_a_histogram() -> None:
    """Kept after 40 s, late after 4000 s: each counted once, with a bound at the hour."""
    ledger = Ledger(Rules())
    for one in (*_failed(), _spoken(100), *_failed_again(), _spoken(6060)):
        ledger.apply(one)
    ledger.advance(BASE + s(7000))
    delays = ledger.totals.queues["sales"].callback_delay
    assert 3600.0 in delays.bounds
    found = {bound: n for bound, n in zip(delays.bounds, delays.counts, strict=False) if n}
    assert found == {60.0: 1, 7200.0: 1}
    assert (delays.sum, delays.count) == (4040.0, 2)


def _failed_again() -> list[Event]:
    return [
        event("call.offered", 2000, "b", queue="sales", customer="ann"),
        event("call.abandoned", 2060, "b"),
    ]


def test_waits_of_answers_are_a_histogram() -> None:
    """2, 10 and 11 s; a bound lies at the queue's target and belongs below."""
    rules = Rules(queues={"sales": QueueRules(answer_target=s(11))})
    ledger = Ledger(rules)
    for call, wait in (("a", 2), ("b", 10), ("c", 11), ("d", 2000)):
        ledger.apply(event("call.offered", 0, call, queue="sales"))
        ledger.apply(event("call.answered", wait, call, answered_by="human"))
    ledger.advance(BASE + s(2000))
    waits = ledger.totals.queues["sales"].answer_wait
    found = {bound: n for bound, n in zip(waits.bounds, waits.counts, strict=False) if n}
    assert found == {2.0: 1, 10.0: 1, 11.0: 1}
    assert (waits.counts[-1], waits.sum, waits.count) == (1, 2023.0, 4)


def test_a_correction_tells_the_wait_it_replaces() -> None:
    """A counter of waits can be put right: 30 s becomes 20 s."""
    ledger = Ledger(rules_from({}))
    ledger.apply(event("call.offered", 0, "a", queue="sales"))
    ledger.apply(event("call.answered", 30, "a", answered_by="human"))
    ledger.advance(BASE + s(31))
    ledger.drain()
    ledger.apply(event("call.answered", 20, "a", answered_by="human"))
    ledger.advance(BASE + s(32))
    (change,) = (c for c in ledger.drain() if c.verdict == "outcome")
    assert (change.was, change.state) == ("answered_late", "answered_late")
    assert (change.was_wait, change.wait, change.at) == (s(30), s(20), BASE + s(20))


# --- labels -------------------------------------------------------------------------------------


def test_queues_beyond_the_bound_share_a_label() -> None:
    """Two names of their own, and the configured one; the rest is `__other__`."""
    rules = Rules(max_queues=2, queues={"vip": QueueRules()})
    ledger = Ledger(rules)
    for number, queue in enumerate(("q1", "q2", "q3", "q4", "vip", "q1")):
        ledger.apply(event("call.offered", 0, f"c{number}", queue=queue))
    ledger.advance(BASE + s(11))
    offered = {label: of.truth("offered", "offered") for label, of in ledger.totals.queues.items()}
    assert offered == {"q1": 2, "q2": 1, "__other__": 2, "vip": 1}
    assert ledger.totals.overflowed >= 2


def test_rules_beyond_the_bound_are_the_right_ones() -> None:
    """A queue that shares a label still has its own promise, each time it is asked for."""
    rules = Rules(max_queues=1, queues={"vip-*": QueueRules(answer_target=s(5))})
    ledger = Ledger(rules)
    for number, queue in enumerate(("q", "vip-1", "q", "vip-1", "vip-2")):
        ledger.apply(event("call.offered", 0, f"c{number}", queue=queue))
        ledger.apply(event("call.answered", 7, f"c{number}", answered_by="human"))
    ledger.advance(BASE + s(8))
    answers = [(c.queue, c.state) for c in ledger.drain() if c.verdict == "answer"]
    assert answers == [
        ("q", "kept"),
        ("vip-1", "broken"),
        ("q", "kept"),
        ("vip-1", "broken"),
        ("vip-2", "broken"),
    ]


# --- verdicts at the boundary ---------------------------------------------------------------------


def test_verdicts_closer_to_the_target_than_the_clock_can_tell() -> None:
    """Whole seconds cannot tell 10 from 10.9; milliseconds can; another wait is clear."""
    ambiguous = {}
    for start, wait in ((0, 10), (0, 9), (0, 11), (0.001, 10), (0.001, 10.0005), (0, 9.9)):
        ledger = Ledger(Rules())
        ledger.apply(event("call.offered", start, "a"))
        ledger.apply(event("call.answered", start + wait, "a", answered_by="human"))
        ledger.advance(BASE + s(60))
        ambiguous[start, wait] = ledger.boundary_ambiguous
    assert ambiguous == {
        (0, 10): 1,
        (0, 9): 0,
        (0, 11): 0,
        (0.001, 10): 1,
        (0.001, 10.0005): 0,
        (0, 9.9): 0,
    }


@pytest.mark.parametrize(("wait", "ambiguous"), [(8, 0), (9, 1), (10, 1), (11, 0), (9.001, 0)])
def test_a_target_between_two_seconds_is_ambiguous_for_both(wait: float, ambiguous: int) -> None:
    """A target of 9.5 s by a clock of whole seconds: a wait of 9 or 10 may be on either side."""
    ledger = Ledger(Rules(default=QueueRules(answer_target=s(9.5))))
    ledger.apply(event("call.offered", 0, "a"))
    ledger.apply(event("call.answered", wait, "a", answered_by="human"))
    ledger.advance(BASE + s(60))
    assert ledger.boundary_ambiguous == ambiguous
