"""Deadlines that are put off again and again: nothing is left of where they were."""

import tracemalloc

from feeds import BASE, s

from streams.events import CallTransferred
from streams.instants import SECOND
from streams.ledger import Ledger, Rules
from streams.ledger.customers import Customer
from streams.ledger.deadlines import Deadlines


def _sleeper(name: str) -> Customer:
    """Someone who waits."""
    return Customer(name, None)


def _woken(deadlines: Deadlines, now: int) -> list[str]:
    names = []
    while due := deadlines.pop(now):
        names += [sleeper.id for sleeper in due]
    return names


def _entries(deadlines: Deadlines) -> int:
    return sum(map(len, deadlines._slots.values()))


def test_a_deadline_that_is_put_off_fires_once_at_its_last_moment() -> None:
    """Among others of the same second in the order of time, then of names."""
    deadlines = Deadlines()
    sleepers = {name: _sleeper(name) for name in "abc"}
    for step in range(1, 40):
        for name, sleeper in sleepers.items():
            deadlines.set(sleeper, step * SECOND // 2 + (name == "a"))
    assert _entries(deadlines) == 3
    deadlines.set(_sleeper("d"), 19 * SECOND + SECOND // 2)
    assert _woken(deadlines, 19 * SECOND + SECOND // 2 - 1) == []
    assert _woken(deadlines, 19 * SECOND + SECOND // 2) == ["b", "c", "d"]
    assert _woken(deadlines, 60 * SECOND) == ["a"]
    assert _woken(deadlines, 60 * SECOND) == []
    assert _entries(deadlines) == 0


def test_a_deadline_put_off_beyond_a_leap_of_time_keeps_its_place_among_others() -> None:
    """It stood before them and is due after them."""
    deadlines = Deadlines()
    deadlines.set(sleeper := _sleeper("a"), SECOND)
    deadlines.set(sleeper, 5 * SECOND)
    deadlines.set(_sleeper("b"), 3 * SECOND)
    deadlines.set(_sleeper("c"), 7 * SECOND)
    assert _woken(deadlines, 10 * SECOND) == ["b", "a", "c"]


def test_a_deadline_brought_forward_after_it_was_put_off_fires_there() -> None:
    """And not again where it was."""
    deadlines = Deadlines()
    sleeper = _sleeper("a")
    for at in (5, 9, 3, 8, 4):
        deadlines.set(sleeper, at * SECOND)
    assert [_woken(deadlines, now * SECOND) for now in (3, 4, 9)] == [[], ["a"], []]


def test_a_deadline_put_off_far_over_many_wakes_of_others_is_kept() -> None:
    """It moves on each time its old moment comes."""
    deadlines = Deadlines()
    sleeper = _sleeper("a")
    fired = []
    for now in range(1, 50):
        deadlines.set(sleeper, (now + 10) * SECOND)
        fired += _woken(deadlines, now * SECOND)
    assert fired == []
    assert _entries(deadlines) == 1
    assert _woken(deadlines, 59 * SECOND) == ["a"]


def test_a_deadline_that_was_dropped_and_set_again_stands_once() -> None:
    """A call whose customer will be woken for it, and who hears of another event."""
    deadlines = Deadlines()
    sleeper = _sleeper("a")
    for n in range(100):
        deadlines.set(sleeper, (5 + n) * SECOND)
        sleeper.wake = 0
    assert _entries(deadlines) == 1
    assert _woken(deadlines, 5 * SECOND) == []
    assert _entries(deadlines) == 0
    deadlines.set(sleeper, 6 * SECOND)
    assert _woken(deadlines, 6 * SECOND) == ["a"]


def test_one_call_with_a_hundred_thousand_events_takes_no_more_room_than_with_a_hundred() -> None:
    """An orphan waits for its offer from its latest event on: one deadline, put off each time."""
    ledger = Ledger(Rules())

    def flood(count: int) -> int:
        for n in range(count):
            ledger.apply(CallTransferred(id=f"t{n}", at=BASE + s(n / 100), call_id="c"))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    few = flood(100)
    many = flood(100_000)
    tracemalloc.stop()
    assert many - few < 20_000
    ledger.advance(BASE + s(1000 + 3600 + 3))
    assert ledger.fates["orphan"] > 0
    assert not ledger.book.calls
