"""A ledger that goes on under other rules: what was counted stays, what comes is judged anew."""

import pytest
from feeds import BASE, event, s

from streams.events import Event
from streams.ledger import Histogram, Ledger, QueueRules, Rules, dump, load


def _rules(target: float) -> Rules:
    return Rules(default=QueueRules(answer_target=s(target), callback_target=s(100 * target)))


def _call(name: str, at: float, wait: float) -> list[Event]:
    return [
        event("call.offered", at, name, queue="sales"),
        event("call.answered", at + wait, name, answered_by="human"),
    ]


def _take(ledger: Ledger, *calls: list[Event], until: float) -> Ledger:
    for call in calls:
        for one in call:
            ledger.apply(one)
    ledger.advance(BASE + s(until))
    return ledger


def _changed(ledger: Ledger, target: float) -> Ledger:
    return load(_rules(target), dump(ledger))


def _up_to(histogram: Histogram, bound: float) -> int:
    return sum(histogram.counts[: histogram.bounds.index(bound) + 1])


def _window(ledger: Ledger, bound: float, name: str = "1h") -> int:
    buckets = ledger.windows.read()["sales", name].wait_buckets
    return buckets[ledger.windows.bounds("sales").index(bound)]


def test_histograms_get_a_bound_at_the_new_target() -> None:
    """Waits counted before stay in the buckets they were in: not one of them moves below it."""
    ledger = _take(Ledger(_rules(10)), _call("a", 0, 3), _call("b", 0, 6), until=20)
    ledger = _take(_changed(ledger, 7), _call("c", 30, 6), _call("d", 30, 8), until=40)
    waits = ledger.totals.queues["sales"].answer_wait
    assert [_up_to(waits, bound) for bound in (5.0, 7.0, 10.0)] == [1, 2, 4]
    assert waits.count == 4
    assert waits.sum == 3 + 6 + 6 + 8
    delays = ledger.totals.queues["sales"].callback_delay
    assert {700.0, 1000.0} <= set(delays.bounds)
    assert len(delays.counts) == len(delays.bounds) + 1


def test_histograms_keep_their_bounds_under_the_same_targets() -> None:
    """Nor does a target that was in force before get another bound."""
    ledger = _take(Ledger(_rules(10)), _call("a", 0, 3), until=20)
    once = _changed(_changed(ledger, 7), 10)
    twice = _changed(_changed(once, 7), 10)
    assert twice.totals.queues == once.totals.queues
    assert _changed(ledger, 10).totals.queues == ledger.totals.queues


@pytest.mark.parametrize("name", ["1h", "30d"])
def test_waits_in_the_windows_keep_their_bounds(name: str) -> None:
    """No wait counted as longer than a bound is taken for a shorter one afterwards, nor lost."""
    ledger = _take(Ledger(_rules(10)), *(_call(f"c{n}", 0, n) for n in (3, 6, 9, 15)), until=20)
    assert [_window(ledger, bound, name) for bound in (5.0, 10.0, 20.0)] == [1, 3, 4]
    ledger = _changed(ledger, 7)
    assert [_window(ledger, bound, name) for bound in (5.0, 7.0, 10.0, 20.0)] == [1, 1, 3, 4]
    ledger = _take(ledger, _call("new", 30, 6), until=40)
    assert [_window(ledger, bound, name) for bound in (5.0, 7.0, 10.0, 20.0)] == [1, 2, 4, 5]
    ledger = _changed(ledger, 900)
    assert [_window(ledger, bound, name) for bound in (5.0, 10.0, 20.0, 900.0)] == [1, 4, 5, 5]


def test_waits_leave_the_windows_from_where_they_were_sorted_to() -> None:
    """After an hour nothing is left, neither above nor below zero."""
    ledger = _take(Ledger(_rules(10)), *(_call(f"c{n}", 0, n) for n in (3, 6, 9, 15)), until=20)
    ledger = _take(_changed(ledger, 7), until=3700)
    assert set(ledger.windows.read()["sales", "1h"].wait_buckets) == {0}


@pytest.mark.parametrize(("wait", "target"), [(6, 7), (0.4, 0.5)])
def test_a_correction_of_a_wait_counted_under_the_old_target_leaves_no_hole(
    wait: float, target: float
) -> None:
    """The wait of 6 s was sorted in between 7 and 10 s; what is taken away is one below 7."""
    ledger = _take(Ledger(_rules(10)), _call("a", 0, wait), until=20)
    ledger = _changed(ledger, target)
    ledger.apply(event("call.answered", wait / 2, "a", answered_by="human"))
    ledger.advance(BASE + s(21))
    buckets = ledger.windows.read()["sales", "1h"].wait_buckets
    assert buckets == sorted(buckets)
    assert (min(buckets), buckets[-1]) == (0, 1)
