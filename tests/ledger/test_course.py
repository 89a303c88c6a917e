"""What became of a call is kept apart from those of which there is nothing to tell yet."""

import pytest
from feeds import BASE, event, s

from streams import KERNEL
from streams.events import Event
from streams.ledger import Ledger, Rules, dump, load, state_hash
from streams.ledger.calls import Call


def _told(*events: Event, tick: float = 1) -> Ledger:
    ledger = Ledger(Rules())
    for one in events:
        ledger.apply(one)
    ledger.advance(BASE + s(tick))
    return ledger


def _call(ledger: Ledger, key: str = "a") -> Call:
    return ledger.book.calls[key]


def _loaded(ledger: Ledger) -> Ledger:
    copy = load(Rules(), dump(ledger))
    assert state_hash(copy) == state_hash(ledger)
    return copy


_OFFERED = event("call.offered", 0, "a", queue="sales", customer="ann")


@pytest.mark.parametrize("queue", ["sales", None])
def test_a_call_that_waits_has_none(queue: str | None) -> None:
    """Also beyond its target, counted as a broken promise, and after a snapshot."""
    offered = event("call.offered", 0, "a", queue=queue)
    ledger = _told(offered, event("call.queued", 2, "a", queue=queue), tick=30)
    for call in (_call(ledger), _call(_loaded(ledger))):
        assert call.course is None
        assert (call.answer, call.answer_at) == ("broken", BASE + s(10))
        assert (call.label, call.last_at) == (queue or "__none__", BASE + s(2))
    assert [one.revision for one in ledger.drain()] == [1]


@pytest.mark.skipif(KERNEL.name != "compiled", reason="Python's own objects are larger")
def test_a_call_that_waits_fits_into_128_bytes() -> None:
    """One byte more takes 16: memory is given out in steps of that."""
    assert Call.__basicsize__ <= 128


@pytest.mark.parametrize("then", [
    event("call.answered", 3, "a", answered_by="human"),
    event("call.answered", 3, "a", answered_by="unknown"),
    event("call.abandoned", 3, "a"),
    event("call.rejected", 3, "a"),
    event("call.transferred", 3, "a"),
    event("call.ended", 3, "a"),
])  # fmt: skip
def test_a_call_has_one_when_there_is_something_to_tell(then: Event) -> None:
    """Which comes back from a snapshot with all that it says."""
    ledger = _told(_OFFERED, then)
    copy = _loaded(ledger)
    course, again = _call(ledger).course, _call(copy).course
    assert course is not None
    assert again is not None
    assert course.last_at == BASE + s(3)
    assert course.values() == again.values()


def test_what_was_counted_before_is_in_it() -> None:
    """The label, the breach and the number of the change that told of it."""
    ledger = _told(_OFFERED, tick=30)
    ledger.apply(event("call.transferred", 31, "a"))
    course = _call(ledger).course
    assert course is not None
    assert (course.label, course.answer, course.answer_at) == ("sales", "broken", BASE + s(10))
    assert course.revision == 1
    ledger.apply(event("call.answered", 32, "a", answered_by="human"))
    ledger.advance(BASE + s(33))
    told = [(one.verdict, one.revision) for one in ledger.drain()]
    assert told[:2] == [("answer", 1), ("outcome", 2)]


def test_an_earlier_arrival_moves_no_other_instant() -> None:
    """Neither who named queue and customer, nor which event was the last; whatever comes next."""
    ledger = _told(event("call.offered", 5, "a", queue="sales", customer="ann"))
    ledger.apply(event("call.queued", 2, "a"))
    for one in (ledger, _loaded(ledger)):
        call = _call(one)
        assert (call.arrival, call.queued) == (BASE + s(2), BASE + s(2))
        assert (call.queue_at, call.customer_at, call.last_at) == (BASE + s(5),) * 3
        one.apply(event("call.transferred", 4, "a", queue="help", customer="bob"))
        assert (call.queue, call.customer) == ("help", "bob")
        assert (call.queue_at, call.customer_at, call.last_at) == (
            BASE + s(4),
            BASE + s(4),
            BASE + s(5),
        )


def test_an_orphan_keeps_when_its_queue_was_named_until_its_offer_comes() -> None:
    """And how many events wait for that."""
    ledger = _told(event("call.transferred", 3, "a", queue="sales", customer="ann"))
    for one in (ledger, _loaded(ledger)):
        call = _call(one)
        assert (call.arrival, call.pending, one.pending_orphans) == (0, 1, 1)
        assert (call.queue_at, call.customer_at, call.last_at) == (BASE + s(3),) * 3
        one.apply(event("call.offered", 1, "a", queue="help"))
        assert (call.queue, call.queue_at, call.pending) == ("help", BASE + s(1), 0)
        assert (call.customer_at, call.last_at) == (BASE + s(3), BASE + s(3))


def test_a_call_that_turns_out_to_be_of_another_queue_is_moved_from_the_label_it_had() -> None:
    """It was counted under the name of its queue, which is no longer that."""
    ledger = _told(event("call.offered", 5, "a", queue="sales"), tick=30)
    ledger.apply(event("call.transferred", 1, "a", queue="help"))
    assert (_call(ledger).queue, _call(ledger).label) == ("help", "sales")
    _loaded(ledger)
    ledger.advance(BASE + s(31))
    assert _call(ledger).label == "help"
    offered = {label: q.truth("offered", "offered") for label, q in ledger.totals.queues.items()}
    assert (offered["sales"], offered["help"]) == (0, 1)


def test_a_call_of_a_queue_without_a_label_of_its_own_keeps_the_one_it_has() -> None:
    """Beyond as many queues as are told apart."""
    rules = Rules(max_queues=1)
    ledger = Ledger(rules)
    for key in "ab":
        ledger.apply(event("call.offered", 0, key, queue=f"queue {key}"))
    ledger.advance(BASE + s(30))
    assert [_call(ledger, key).label for key in "ab"] == ["queue a", "__other__"]
    copy = load(rules, dump(ledger))
    assert [_call(copy, key).label for key in "ab"] == ["queue a", "__other__"]
    assert state_hash(copy) == state_hash(ledger)


def test_more_events_than_marks_are_known_again() -> None:
    """The first two by the call, two more by its course, the others by what few calls have."""
    moves = [event("call.transferred", 1, "a", id=f"t{n}") for n in range(12)]
    ledger = _told(_OFFERED)
    assert [ledger.apply(one) for one in moves] == ["applied"] * 12
    assert [_loaded(ledger).apply(one) for one in (_OFFERED, *moves)] == ["duplicate"] * 13
