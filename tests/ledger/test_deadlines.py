"""The timing wheel: who is woken when, and in which order."""

from streams.instants import SECOND
from streams.ledger.customers import Customer
from streams.ledger.deadlines import DUE, Deadlines


def _sleeper(name: str) -> Customer:
    """Someone who waits."""
    return Customer(name, None)


def _woken(deadlines: Deadlines, now: int) -> list[str]:
    """Return the names of all that are due, in the order in which they are woken."""
    names = []
    while due := deadlines.pop(now):
        names += [sleeper.id for sleeper in due]
    return names


def test_a_deadline_fires_at_its_instant_and_once() -> None:
    """Not a microsecond before."""
    deadlines = Deadlines()
    deadlines.set(sleeper := _sleeper("a"), 5 * SECOND + 3)
    assert _woken(deadlines, 5 * SECOND + 2) == []
    assert sleeper.wake == 5 * SECOND + 3
    assert _woken(deadlines, 5 * SECOND + 3) == ["a"]
    assert sleeper.wake == DUE
    assert _woken(deadlines, 90 * SECOND) == []


def test_deadlines_fire_in_the_order_of_time_then_of_names() -> None:
    """Whatever the order in which they were set."""
    deadlines = Deadlines()
    for name, at in (("d", 9 * SECOND), ("c", 10), ("b", 10), ("a", 11), ("e", 2 * SECOND)):
        deadlines.set(_sleeper(name), at)
    assert _woken(deadlines, 9 * SECOND) == ["b", "c", "a", "e", "d"]


def test_of_one_name_and_moment_who_was_set_first_comes_first() -> None:
    """A call may have the name of a customer."""
    deadlines, first, second = Deadlines(), _sleeper("a"), _sleeper("a")
    deadlines.set(first, 10)
    deadlines.set(second, 10)
    assert [sleeper is first for sleeper in deadlines.pop(10)] == [True, False]


def test_a_pop_returns_the_earliest_slot_only() -> None:
    """What is woken may set a deadline before the next one."""
    deadlines = Deadlines()
    deadlines.set(_sleeper("late"), 9 * SECOND)
    deadlines.set(_sleeper("early"), 2 * SECOND)
    assert [sleeper.id for sleeper in deadlines.pop(20 * SECOND)] == ["early"]
    deadlines.set(_sleeper("between"), 3 * SECOND)
    assert _woken(deadlines, 20 * SECOND) == ["between", "late"]


def test_within_a_second_the_others_stay() -> None:
    """Three in one slot, woken one after the other."""
    deadlines = Deadlines()
    for name, at in (("a", 100), ("b", 200), ("c", 300)):
        deadlines.set(_sleeper(name), at)
    assert [_woken(deadlines, now) for now in (100, 150, 299, 300)] == [["a"], [], ["b"], ["c"]]


def test_a_moved_deadline_fires_at_its_new_moment_only() -> None:
    """Later, earlier, and away and back again."""
    deadlines = Deadlines()
    sleeper = _sleeper("a")
    deadlines.set(sleeper, 2 * SECOND)
    deadlines.set(sleeper, 7 * SECOND)
    assert _woken(deadlines, 6 * SECOND) == []
    deadlines.set(sleeper, 6 * SECOND + 1)
    deadlines.set(sleeper, 7 * SECOND)
    deadlines.set(sleeper, 6 * SECOND + 1)
    assert _woken(deadlines, 8 * SECOND) == ["a"]


def test_an_obsolete_slot_does_not_hide_the_next() -> None:
    """The first slot holds nothing that still counts."""
    deadlines = Deadlines()
    sleeper = _sleeper("a")
    deadlines.set(sleeper, 2 * SECOND)
    deadlines.set(_sleeper("b"), 4 * SECOND)
    deadlines.set(sleeper, 30 * SECOND)
    assert _woken(deadlines, 5 * SECOND) == ["b"]


def test_nothing_is_kept_of_what_has_fired() -> None:
    """Memory follows who still waits; what stays behind waits in its slot once."""
    deadlines = Deadlines()
    for number in range(100):
        deadlines.set(_sleeper(str(number)), number * SECOND // 10)
    _woken(deadlines, 5 * SECOND)
    assert len(deadlines._slots) == len(deadlines._order) == 5
    _woken(deadlines, 10 * SECOND)
    assert (deadlines._slots, len(deadlines._order)) == ({}, 0)


def test_nothing_is_due_before_the_earliest() -> None:
    """It is known to the second, and may be of one that was put off since."""
    deadlines = Deadlines()
    assert Deadlines().earliest is None
    deadlines.set(_sleeper("late"), 9 * SECOND + 5)
    deadlines.set(_sleeper("early"), 4 * SECOND + 5)
    assert deadlines.earliest == 4 * SECOND
    assert _woken(deadlines, 5 * SECOND) == ["early"]
    assert deadlines.earliest == 9 * SECOND


def test_who_is_due_is_told_without_waking_anybody() -> None:
    """Those that would be woken, of all slots, and not who was put off since."""
    deadlines = Deadlines()
    for number in range(40):
        deadlines.set(_sleeper(str(number)), (number * 7 % 40) * SECOND + 5)
    deadlines.set(put_off := _sleeper("put off"), 3 * SECOND)
    deadlines.set(put_off, 30 * SECOND)
    for now in (0, 4, 5, 3 * SECOND + 4, 17 * SECOND + 5, 90 * SECOND):
        told = sorted(sleeper.id for sleeper in deadlines.due(now, 50) or ())
        fresh = Deadlines()
        for slot in deadlines._slots.values():
            for sleeper in slot:
                copy = _sleeper(sleeper.id)
                fresh.set(copy, sleeper.wake)
        assert told == sorted(_woken(fresh, now))


def test_a_crowd_of_deadlines_is_not_looked_through() -> None:
    """It says so, whoever of it is due; what comes in later seconds is no part of it."""
    deadlines = Deadlines()
    for number in range(10):
        deadlines.set(_sleeper(str(number)), SECOND + number)
        deadlines.set(_sleeper(f"later {number}"), 2 * SECOND)
    assert deadlines.due(SECOND, 9) is None
    assert [sleeper.id for sleeper in deadlines.due(SECOND, 10) or ()] == ["0"]
