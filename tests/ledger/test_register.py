"""The calls of a ledger, of which some wait for an outcome."""

from feeds import BASE, event, s

from streams.events import Event
from streams.instants import SECOND
from streams.ledger import Ledger, Rules, dump, load, state_hash


def _places(ledger: Ledger) -> tuple[list[str], list[str]]:
    waiting = {call.id for call in ledger.book.register.open_calls()}
    return sorted(waiting), sorted(ledger.book.calls.keys() - waiting)


def _after(ledger: Ledger, tick: float, *events: Event) -> tuple[list[str], list[str]]:
    for one in events:
        ledger.apply(one)
    ledger.advance(BASE + s(tick))
    return _places(ledger)


def test_a_call_waits_from_its_first_tick_until_it_is_decided() -> None:
    """And again if what decided it turns out to be another thing."""
    ledger = Ledger(Rules())
    ledger.apply(event("call.offered", 0, "a"))
    assert _places(ledger) == ([], ["a"])
    assert _after(ledger, 1, event("call.transferred", 1, "orphan")) == (["a"], ["orphan"])
    decided = _after(ledger, 6, event("call.answered", 5, "a", answered_by="human"))
    assert decided == ([], ["a", "orphan"])
    assert sorted(ledger.book.calls) == ["a", "orphan"]
    assert ledger.book.register.find("b") is None


def test_a_call_whose_outcome_vanishes_waits_again() -> None:
    """It came earlier than was known, and ended, by a clock that is ahead, after its limit."""
    rules = Rules(max_call=200 * SECOND)
    ledger = Ledger(rules)
    ended = [event("call.queued", 190, "a"), event("call.ended", 300, "a", ended_by="customer")]
    assert _after(ledger, 191, *ended) == ([], ["a"])
    assert _after(ledger, 192, event("call.offered", 50, "a")) == (["a"], [])
    copy = load(rules, dump(ledger))
    assert _after(copy, 251) == _after(ledger, 251) == ([], ["a"])
    assert state_hash(copy) == state_hash(ledger)


def test_in_a_loaded_ledger_the_same_calls_wait() -> None:
    """And take in their events."""
    ledger = Ledger(Rules())
    _after(ledger, 1, *(event("call.offered", 0, key) for key in "abc"))
    _after(ledger, 3, event("call.abandoned", 2, "b"))
    ledger.apply(event("call.offered", 3, "d"))
    copy = load(Rules(), dump(ledger))
    assert _places(copy) == _places(ledger) == (["a", "c"], ["b", "d"])
    answer = event("call.answered", 4, "c", answered_by="human")
    assert _after(copy, 5, answer) == _after(ledger, 5, answer) == (["a", "d"], ["b", "c"])
    assert copy.book.register.by_source.total == 4


def test_what_is_forgotten_is_not_there() -> None:
    """Of its source there are none left either."""
    ledger = Ledger(Rules())
    _after(ledger, 1, event("call.offered", 0, "a"), event("call.transferred", 0, "orphan"))
    for tick in (100_000, 200_000, 300_000):
        _after(ledger, tick)
    assert _places(ledger) == ([], [])
    assert ledger.book.register.by_source.counts == {}
