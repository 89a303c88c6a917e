"""The gauges: who waits and who is owed a callback at this moment."""

from typing import Any

from centres import centres, rule_settings, soups
from feeds import BASE, event, fed, rules_from, s
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Event
from streams.instants import SECOND
from streams.ledger import Ledger, LiveQueue, Rules, figures_by_queue, state_hash
from streams.ledger.live import is_awaited


def _ledger(*events: Event, now: float = 0, **settings: object) -> Ledger:
    ledger = Ledger(rules_from(settings))
    for one in sorted(events, key=lambda e: e.at):
        ledger.apply(one)
    ledger.advance(BASE + s(now))
    return ledger


def _live(ledger: Ledger, at: float, queue: str = "sales") -> LiveQueue:
    return ledger.live(BASE + s(at))[queue]


def _offer(at: float, call: str, queue: str | None = "sales") -> Event:
    return event("call.offered", at, call, queue=queue)


def _given_up(at: float, call: str, queue: str = "sales", **more: object) -> list[Event]:
    return [
        event("call.offered", at - 1, call, queue=queue, **more),
        event("call.abandoned", at, call),
    ]


def test_who_waits_and_since_when() -> None:
    """Three wait in sales, whoever waits longest since 3 s; the answered one does not wait."""
    ledger = _ledger(
        _offer(5, "b"),
        _offer(3, "a"),
        _offer(0, "done"),
        event("call.answered", 4, "done", answered_by="human"),
        _offer(6, "c"),
        now=7,
    )
    sales = _live(ledger, 7)
    assert (sales.waiting, sales.waiting_beyond_target) == (3, 0)
    assert sales.oldest_waiting_at == BASE + s(3)


def test_waiting_beyond_target_is_seen_without_a_tick() -> None:
    """A microsecond after start + target, by the clock alone; the ledger stays as it was."""
    ledger = _ledger(_offer(0, "a"), _offer(4, "b"), now=5)
    assert [_live(ledger, at).waiting_beyond_target for at in (10, 10.000001, 14, 14.000001)] == [
        0,
        1,
        1,
        2,
    ]
    assert ledger.now == BASE + s(5)


def test_a_caller_whose_promise_is_broken_still_waits() -> None:
    """The breach has been counted and nobody has answered."""
    sales = _live(_ledger(_offer(0, "a"), now=60), 60)
    assert (sales.waiting, sales.waiting_beyond_target) == (1, 1)


def test_whoever_is_answered_or_gone_waits_no_longer() -> None:
    """An early answer, a late one, and an abandonment."""
    ledger = _ledger(_offer(0, "a"), _offer(0, "b"), _offer(0, "c"), now=1)
    assert _live(ledger, 1).waiting == 3
    ledger.apply(event("call.answered", 2, "a", answered_by="human"))
    ledger.advance(BASE + s(3))
    assert _live(ledger, 3).waiting == 2
    ledger.apply(event("call.answered", 20, "b", answered_by="human"))
    ledger.apply(event("call.abandoned", 21, "c"))
    ledger.advance(BASE + s(22))
    sales = _live(ledger, 22)
    assert (sales.waiting, sales.waiting_beyond_target, sales.oldest_waiting_at) == (0, 0, None)


def test_whoever_has_just_come_or_gone_is_seen_without_a_tick() -> None:
    """The facts say it already; only counting it waits for the next tick."""
    ledger = _ledger(_offer(0, "a"), _offer(1, "b"), now=2)
    before = state_hash(ledger)
    ledger.apply(_offer(3, "c"))
    assert (_live(ledger, 3).waiting, _live(ledger, 3).oldest_waiting_at) == (3, BASE)
    ledger.apply(event("call.answered", 4, "a", answered_by="human"))
    ledger.apply(event("call.abandoned", 4, "c"))
    assert (_live(ledger, 4).waiting, _live(ledger, 4).oldest_waiting_at) == (1, BASE + s(1))
    assert state_hash(ledger) != before
    told = state_hash(ledger)
    ledger.live(BASE + s(5))
    assert state_hash(ledger) == told


def test_waiting_is_by_queue_and_by_its_target() -> None:
    """Help promises 20 s; a caller of no queue has a label of its own."""
    ledger = _ledger(
        _offer(0, "a"),
        _offer(0, "b", "help"),
        _offer(0, "c", None),
        now=1,
        queues={"help": {"answer_target": 20 * SECOND}},
    )
    live = ledger.live(BASE + s(15))
    assert {name: (q.waiting, q.waiting_beyond_target) for name, q in live.items()} == {
        "sales": (1, 1),
        "help": (1, 0),
        "__none__": (1, 1),
    }


def test_waiting_starts_where_the_clock_does() -> None:
    """`clock_start: queue`: five seconds of greeting are no waiting."""
    ledger = _ledger(_offer(0, "a"), event("call.queued", 5, "a"), now=6, clock_start="queue")
    assert _live(ledger, 15).waiting_beyond_target == 0
    assert _live(ledger, 15).oldest_waiting_at == BASE + s(5)


def test_callbacks_owed_and_when_they_are_due() -> None:
    """Owed since 0, 1000 and 3000 s, each for an hour: cumulative by what is left."""
    failures = [_given_up(at, call, customer=call) for at, call in ((0, "a"), (1000, "b"))]
    ledger = _ledger(*failures[0], *failures[1], *_given_up(3000, "c", customer="c"), now=3000)
    sales = _live(ledger, 3000)
    assert (sales.callbacks_open, sales.callbacks_overdue) == (3, 0)
    assert sales.callbacks_due == {300: 0, 900: 1, 3600: 3}
    assert sales.next_due_at == BASE + s(3600)
    assert _live(ledger, 3300).callbacks_due == {300: 1, 900: 1, 3600: 3}
    assert _live(ledger, 3299.999).callbacks_due == {300: 0, 900: 1, 3600: 3}


def test_the_next_due_is_the_earliest() -> None:
    """Whatever the order in which the promises were made."""
    later = _given_up(500, "a", customer="ann")
    earlier = _given_up(100, "b", customer="bob")
    ledger = _ledger(*later, now=600)
    for one in earlier:
        ledger.apply(one)
    ledger.advance(BASE + s(601))
    assert _live(ledger, 601).next_due_at == BASE + s(3700)


def test_a_callback_is_overdue_from_its_due_time_to_the_horizon() -> None:
    """At the due time itself by the clock alone, then a day; then it is hopeless."""
    ledger = _ledger(*_given_up(0, "a", customer="ann"), now=10)
    assert _counted(ledger, 3599.999) == (1, 0)
    assert _counted(ledger, 3600) == (0, 1)
    ledger.advance(BASE + s(3700))
    assert _counted(ledger, 3700) == (0, 1)
    assert _counted(ledger, 3600 + 86_400) == (0, 1)
    assert _counted(ledger, 3600 + 86_400.001) == (0, 0)


def _counted(ledger: Ledger, at: float) -> tuple[int, int]:
    sales = _live(ledger, at)
    return sales.callbacks_open, sales.callbacks_overdue


def test_overdue_callbacks_are_counted_each() -> None:
    """Two customers, each an hour without a call."""
    story = [*_given_up(0, "a", customer="ann"), *_given_up(5, "b", customer="bob")]
    assert _counted(_ledger(*story, now=4000), 4000) == (0, 2)


def test_a_callback_made_good_is_no_longer_overdue() -> None:
    """Late, but made."""
    story = _given_up(0, "a", customer="ann")
    late = event("callback.connected", 4000, customer="ann", reached="human")
    assert _counted(_ledger(*story, late, now=4001), 4001) == (0, 0)


def test_a_callback_made_in_time_is_neither_open_nor_overdue() -> None:
    """Nor is one the customer waived."""
    made = event("callback.connected", 100, customer="ann", reached="human")
    ledger = _ledger(*_given_up(0, "a", customer="ann"), made, now=101)
    assert _counted(ledger, 101) == (0, 0)
    waived = event("callback.cancelled", 100, customer="ann")
    ledger = _ledger(*_given_up(0, "a", customer="ann"), waived, now=4000)
    assert _counted(ledger, 4000) == (0, 0)


def test_a_made_callback_does_not_hide_an_overdue_one() -> None:
    """Ann was called back once, then let down again and forgotten; Bob is owed one."""
    made = event("callback.connected", 100, customer="ann", reached="human")
    ledger = _ledger(
        *_given_up(0, "a", customer="ann"),
        made,
        *_given_up(200, "b", "help", customer="ann"),
        *_given_up(300, "c", customer="bob"),
        now=400,
    )
    assert _counted(ledger, 400) == (1, 0)
    assert ledger.live(BASE + s(400))["help"].callbacks_open == 1


def test_a_known_queue_with_nobody_in_it_is_shown() -> None:
    """Zero is a value: an empty queue does not vanish from the graphs."""
    ledger = _ledger(_offer(0, "a"), event("call.answered", 1, "a", answered_by="human"), now=2)
    assert ledger.live(BASE + s(2)) == {"sales": LiveQueue()}
    assert LiveQueue().callbacks_due == {300: 0, 900: 0, 3600: 0}


def test_gauges_that_are_read_between_two_ticks_give_no_queue_its_label() -> None:
    """Labels are given in the order in which calls are judged, whoever looks in between; and a
    name that must share one is counted when it is judged, not when it is shown."""
    looked, alone = Ledger(Rules(max_queues=1)), Ledger(Rules(max_queues=1))
    for ledger in (looked, alone):
        ledger.apply(event("call.offered", 0, "a", id="1"))
        ledger.advance(BASE + s(1))
        ledger.apply(event("call.offered", 1, "b", id="2", queue="sales"))
        ledger.apply(event("call.queued", 2, "a", id="3", queue="help"))
        if ledger is looked:
            assert looked.live(BASE + s(2))["__none__"].waiting == 2
        ledger.advance(BASE + s(3))
    assert looked.totals.overflowed == alone.totals.overflowed
    assert looked.totals.names() == alone.totals.names() == ["sales"]
    assert state_hash(looked) == state_hash(alone)


def test_figures_of_a_call_not_judged_yet_change_nothing() -> None:
    """Offered after the last tick: it is open in the figures, and the state is the same."""
    ledger = Ledger(Rules())
    ledger.apply(event("call.offered", 0, "a", queue="sales"))
    before = state_hash(ledger)
    assert figures_by_queue(ledger)["__none__"]["outcomes"]["open"] == 1
    assert state_hash(ledger) == before


def _breaks(ledger: Ledger, at: int) -> bool:
    """Whether a promise becomes broken by a tick at `at`."""
    ledger.drain()
    ledger.advance(at)
    return any(
        change.verdict in {"answer", "callback"} and change.state == "broken"
        for change in ledger.drain()
    )


@given(
    st.one_of(soups(), centres()),
    rule_settings(),
    st.sampled_from((0, 1, 5, 10, 61, 4000)),
    st.lists(st.sampled_from((0.25, 1, 2, 5)), min_size=30, max_size=40),
)
def test_every_breach_that_the_time_alone_brings_is_awaited(
    events: list[Event], settings: dict[str, Any], more: int, steps: list[float]
) -> None:
    """None is missed among the deadlines that only tidy up, and to look changes nothing."""
    now = max(one.at for one in events) + s(more)
    ledger = fed(events, settings, now)
    for step in steps:
        now += s(step)
        before = state_hash(ledger)
        awaited = is_awaited(ledger.book, now)
        assert state_hash(ledger) == before
        assert awaited or not _breaks(ledger, now)


def test_an_answered_call_has_no_breach_to_wait_for() -> None:
    """Its deadline still stands where the breach would have been."""
    ledger = _ledger(_offer(0, "a"), event("call.answered", 3, "a", answered_by="human"), now=4)
    assert not is_awaited(ledger.book, BASE + s(30))


def test_a_breach_is_awaited_from_its_moment_on() -> None:
    """Of the answer after its target, of the callback at its due time."""
    ledger = _ledger(_offer(0, "a"), now=1)
    assert [is_awaited(ledger.book, BASE + s(at)) for at in (9.999999, 10.000001)] == [False, True]
    ledger = _ledger(*_given_up(0, "a", customer="ann"), now=1)
    assert [is_awaited(ledger.book, BASE + s(at)) for at in (3599.999999, 3600)] == [False, True]
