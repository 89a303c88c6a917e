"""What holds for every centre: the ledger against the oracle, in any order, however batched."""

from typing import Any

from centres import Step, arrivals, centres, rule_settings, soups
from feeds import agree, fed, figures, rules_from
from hypothesis import given
from hypothesis import strategies as st
from oracle import judge

from streams.events import Event
from streams.instants import HOUR, SECOND
from streams.ledger import OUTCOMES, Ledger, dump, load, state_hash

Settings = dict[str, Any]

_untils = st.sampled_from((0, 1, 5, 10, 30, 60, 61, 90, 600, 4000)).map(lambda n: n * SECOND)
_NEVER_FORGET = 1_000_000
_feeds = st.one_of(soups(), centres())


def _last(events: list[Event]) -> int:
    return max(event.at for event in events)


def _run(steps: list[Step], settings: Settings) -> Ledger:
    ledger = Ledger(rules_from(settings))
    for step in steps:
        _do(ledger, step)
    return ledger


def _do(ledger: Ledger, step: Step) -> None:
    if isinstance(step, int):
        ledger.advance(step)
    else:
        ledger.apply(step)


def _counters(ledger: Ledger) -> dict[tuple[str, ...], int]:
    """Every number that only grows."""
    numbers: dict[tuple[str, ...], int] = {(fate,): n for fate, n in ledger.fates.items()}
    for queue, of_queue in ledger.totals.queues.items():
        numbers |= {(queue, *key): n for key, n in of_queue.counts.items()}
        numbers |= {(queue, *key): n for key, n in of_queue.corrections.items()}
        numbers[queue, "waits"] = of_queue.answer_wait.count
        numbers[queue, "delays"] = of_queue.callback_delay.count
    return numbers


@given(_feeds, rule_settings(), _untils)
def test_in_order_the_ledger_finds_what_the_oracle_finds(
    events: list[Event], settings: Settings, more: int
) -> None:
    """Fed in order of time, every verdict of every queue is the brute-force one."""
    until = _last(events) + more
    agree(fed(events, settings, until), judge(events, settings, until))


@given(centres(), rule_settings(), _untils)
def test_in_order_events_have_the_fates_the_oracle_expects(
    events: list[Event], settings: Settings, more: int
) -> None:
    """Each event has one fate; orphans and contradictions are those of the oracle."""
    until = _last(events) + more
    ledger, truth = fed(events, settings, until), judge(events, settings, until)
    assert sum(ledger.fates.values()) + ledger.pending_orphans == len(events)
    assert ledger.fates["orphan"] + ledger.pending_orphans == truth.orphans
    assert ledger.fates["duplicate"] == ledger.fates["late"] == 0


@given(st.data(), soups(), rule_settings(lateness=_NEVER_FORGET), _untils)
def test_any_order_within_the_lateness_gives_the_same_truth(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """Delayed, twice, with ticks at any moment: counts and corrections make the oracle's truth."""
    until = _last(events) + more
    steps = data.draw(arrivals(events, HOUR, until))
    agree(_run(steps, settings), judge(events, settings, until))


@given(st.data(), centres(), rule_settings(lateness=130, max_call=(600,)), _untils)
def test_what_is_forgotten_is_not_missed(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """A lateness shorter than the story is enough: half of it for the facts of a call that come
    after its outcome, half of it for their way."""
    until = _last(events) + more
    steps = data.draw(arrivals(events, 65 * SECOND, until))
    agree(_run(steps, settings), judge(events, settings, until))


@given(st.data(), _feeds, rule_settings(), _untils)
def test_the_gauges_do_not_depend_on_the_order(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """Who waits and who is owed a callback is the same however the events arrived."""
    until = _last(events) + more
    steps = data.draw(arrivals(events, HOUR, until))
    gauges = _run(steps, settings).live(until)
    in_order = fed(events, settings, until).live(until)
    assert {q: g for q, g in gauges.items() if g.waiting or g.callbacks_open} == {
        q: g for q, g in in_order.items() if g.waiting or g.callbacks_open
    }


@given(st.data(), _feeds, rule_settings(), _untils)
def test_no_counter_ever_goes_down(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """Step by step every count, correction and fate stays or grows."""
    ledger = Ledger(rules_from(settings))
    before = _counters(ledger)
    for step in data.draw(arrivals(events, HOUR, _last(events) + more)):
        _do(ledger, step)
        after = _counters(ledger)
        assert all(after[name] >= number for name, number in before.items())
        before = after


@given(st.data(), _feeds, rule_settings(), _untils)
def test_figures_add_up(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """Each call has one outcome, each promise one state; late ones are broken ones."""
    steps = data.draw(arrivals(events, HOUR, _last(events) + more))
    for numbers in figures(_run(steps, settings)).values():
        assert set(numbers["outcomes"]) == {*OUTCOMES, "open"}
        for verdict in ("outcomes", "answer", "promise"):
            assert numbers["offered"] == sum(numbers[verdict].values())
        callback = numbers["callback"]
        settled = sum(n for state, n in callback.items() if state not in ("opened", "late"))
        assert callback["opened"] == settled
        assert callback["late"] <= callback["broken"]
        answered = ("answered_in_target", "answered_late")
        assert sum(numbers["usefulness"].values()) == sum(
            numbers["outcomes"][state] for state in answered
        )
        parts = ("outcomes", "answer", "callback", "promise", "usefulness")
        assert all(number >= 0 for part in parts for number in numbers[part].values())


@given(st.data(), _feeds, rule_settings(lateness=_NEVER_FORGET), _untils)
def test_changes_rebuild_the_totals(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """Who adds up the published changes has the same totals, and no change comes twice."""
    ledger = Ledger(rules_from(settings))
    changes = []
    for step in data.draw(arrivals(events, HOUR, _last(events) + more)):
        _do(ledger, step)
        changes += ledger.drain()
    assert len({(c.verdict, c.key, c.revision) for c in changes}) == len(changes)
    rebuilt: dict[tuple[str, str], int] = {}
    for change in changes:
        rebuilt[change.verdict, change.state] = rebuilt.get((change.verdict, change.state), 0) + 1
        if change.was is not None:
            rebuilt[change.verdict, change.was] = rebuilt.get((change.verdict, change.was), 0) - 1
    for (verdict, state), number in rebuilt.items():
        if state != "none":
            counted = sum(q.truth(verdict, state) for q in ledger.totals.queues.values())
            assert counted == number, (verdict, state)


@given(st.data(), _feeds, rule_settings(), _untils)
def test_state_does_not_depend_on_batches(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """When the changes are taken out is no part of the state."""
    steps = data.draw(arrivals(events, HOUR, _last(events) + more))
    whole = _run(steps, settings)
    ledger = Ledger(rules_from(settings))
    for step in steps:
        _do(ledger, step)
        if data.draw(st.booleans()):
            ledger.drain()
    assert state_hash(ledger) == state_hash(whole)


@given(st.data(), _feeds, rule_settings(), _untils)
def test_a_loaded_ledger_goes_on_as_the_dumped_one(
    data: st.DataObject, events: list[Event], settings: Settings, more: int
) -> None:
    """A snapshot at any step is the whole state: same hash, same changes, same totals."""
    steps = data.draw(arrivals(events, HOUR, _last(events) + more))
    cut = data.draw(st.integers(0, len(steps)))
    ledger = _run(steps[:cut], settings)
    ledger.drain()
    copy = load(ledger.rules, dump(ledger))
    assert state_hash(copy) == state_hash(ledger)
    for step in steps[cut:]:
        _do(ledger, step)
        _do(copy, step)
        assert copy.drain() == ledger.drain()
    assert state_hash(copy) == state_hash(ledger)
    assert _counters(copy) == _counters(ledger)


@given(_feeds, rule_settings(lateness=60))
def test_in_the_end_nothing_is_remembered(events: list[Event], settings: Settings) -> None:
    """When all is past and settled, neither calls nor customers remain."""
    ledger = fed(events, settings)
    for hours in range(1, 200, 6):
        ledger.advance(_last(events) + hours * HOUR)
    assert not ledger.book.calls
    assert not ledger.book.callers.by_key
    assert not ledger.book.attached
