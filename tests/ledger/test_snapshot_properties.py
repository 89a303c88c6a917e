"""Stopping anywhere: a ledger that is dumped and loaded is the one that went on."""

from math import inf
from typing import Any

import msgspec
from centres import Step, arrivals, centres, rule_settings, soups
from feeds import figures, rules_from
from hypothesis import given
from hypothesis import strategies as st

from streams.instants import HOUR, SECOND
from streams.ledger import Ledger, Rules, dump, figures_by_queue, load, state_hash
from streams.ledger.writing import Writing, prepare

Settings = dict[str, Any]

_feeds = st.one_of(soups(), centres())
_settings = rule_settings(lateness=130, max_call=(30, 600))
_PASSED = (0, 1, 61, 600, 4000, 100_000)
"""Seconds after the last event at which the clock ticks once more, until all is forgotten."""


@st.composite
def _histories(draw: st.DrawFn) -> list[Step]:
    """Events and ticks in any order within the lateness, and the time after them."""
    events = draw(_feeds)
    last = max(event.at for event in events)
    steps = draw(arrivals(events, 65 * SECOND, last))
    return [*steps, *(last + passed * SECOND for passed in _PASSED)]


@st.composite
def _stops(draw: st.DrawFn, steps: list[Step]) -> set[int]:
    """Some positions in a history, at a tick or between two."""
    return draw(st.sets(st.integers(0, len(steps) - 1), min_size=1, max_size=3))


def _do(ledger: Ledger, step: Step) -> str | None:
    if isinstance(step, int):
        ledger.advance(step)
        return None
    return ledger.apply(step)


def _loaded(ledger: Ledger, rules: Rules) -> Ledger:
    ledger.drain()
    return load(rules, dump(ledger))


@given(st.data(), _histories(), _settings)
def test_stops_leave_no_trace(data: st.DataObject, steps: list[Step], settings: Settings) -> None:
    """Dumped and loaded again at any moments: from then on every tick has the same hash, every
    event the same fate, and the same changes, gauges and windows are shown."""
    stops = data.draw(_stops(steps))
    rules = rules_from(settings)
    never, often = Ledger(rules), Ledger(rules)
    for position, step in enumerate(steps):
        if position in stops:
            never.drain()
            often = _loaded(often, rules)
        assert _do(often, step) == _do(never, step)
        if isinstance(step, int):
            assert state_hash(often) == state_hash(never)
            assert often.drain() == never.drain()
            assert often.live(step) == never.live(step)
            assert often.windows.read() == never.windows.read()


@given(st.data(), _histories(), _settings)
def test_a_snapshot_is_of_the_moment_at_which_it_was_begun(
    data: st.DataObject, steps: list[Step], settings: Settings
) -> None:
    """Whatever comes in between its rows, events or ticks; and it changes nothing."""
    begins = data.draw(_stops(steps))
    rules = rules_from(settings)
    written, alone = Ledger(rules), Ledger(rules)
    then, writing = b"", None
    for position, step in enumerate(steps):
        if position in begins:
            assert writing is None or writing.finish() == then
            then, writing = dump(written), Writing(written, at_a_time=1)
        if writing is not None:
            for _ in range(data.draw(st.integers(0, 2))):
                writing.step()
        assert _do(written, step) == _do(alone, step)
    assert writing is not None
    assert writing.finish() == then
    assert dump(written) == dump(alone)


@given(st.data(), _histories(), _settings)
def test_to_look_changes_nothing(
    data: st.DataObject, steps: list[Step], settings: Settings
) -> None:
    """One ledger is looked at now and then in every way there is, the other only at the end."""
    stops = data.draw(_stops(steps))
    rules = msgspec.structs.replace(rules_from(settings), max_queues=data.draw(st.integers(1, 3)))
    shown, alone = Ledger(rules), Ledger(rules)
    for position, step in enumerate(steps):
        if position in stops:
            _look(shown)
        _do(shown, step)
        _do(alone, step)
        assert shown.totals.queues == alone.totals.queues
    assert dump(shown) == dump(alone)
    assert shown.drain() == alone.drain()


def _look(ledger: Ledger) -> None:
    ledger.live(ledger.watermark)
    ledger.windows.read()
    figures_by_queue(ledger)
    for _ in prepare(ledger):
        pass
    dump(ledger)


def _retargeted(settings: Settings, targets: tuple[int, int]) -> Settings:
    answer, callback = targets
    return {**settings, "answer_target": answer * SECOND, "callback_target": callback * SECOND}


_other_settings = st.builds(
    _retargeted,
    _settings,
    st.tuples(st.sampled_from((10, 5, 9, 900)), st.sampled_from((60, 61, 4000))),
)
"""Also targets that need buckets of their own."""


def _growing(ledger: Ledger) -> dict[tuple[str | float, ...], int]:
    """Every number that only grows, and is not 0."""
    numbers: dict[tuple[str | float, ...], int] = {(f,): n for f, n in ledger.fates.items()}
    numbers["ambiguous",] = ledger.boundary_ambiguous
    numbers["overflowed",] = ledger.totals.overflowed
    for queue, totals in ledger.totals.queues.items():
        numbers |= {(queue, *key): n for key, n in totals.counts.items()}
        numbers |= {(queue, *key): n for key, n in totals.corrections.items()}
        for name, waits in (("wait", totals.answer_wait), ("delay", totals.callback_delay)):
            bounds = (*waits.bounds, inf)
            numbers |= {(queue, name, *b): n for *b, n in zip(bounds, waits.counts, strict=True)}
    return {name: number for name, number in numbers.items() if number}


@given(st.data(), _histories(), st.lists(_other_settings, min_size=2, max_size=4))
def test_a_ledger_goes_on_under_other_rules(
    data: st.DataObject, steps: list[Step], settings: list[Settings]
) -> None:
    """Targets, clocks, lateness and settings of queues change at every stop: no total goes down,
    and each call still has one outcome and each promise one state."""
    stops = data.draw(_stops(steps))
    ledger = Ledger(rules_from(settings[0]))
    before = _growing(ledger)
    for position, step in enumerate(steps):
        if position in stops:
            ledger = _loaded(ledger, rules_from(data.draw(st.sampled_from(settings))))
            assert _growing(ledger) == before
        _do(ledger, step)
        after = _growing(ledger)
        assert all(after.get(name, 0) >= number for name, number in before.items())
        before = after
        _adds_up(ledger)


def _adds_up(ledger: Ledger) -> None:
    ledger.live(ledger.now)
    for sums in ledger.windows.read().values():
        assert sums.wait_buckets == sorted(sums.wait_buckets)
        assert min([*sums.classes.values(), sums.wait_sum, *sums.wait_buckets]) >= 0
    for numbers in figures(ledger).values():
        for verdict in ("outcomes", "answer", "promise"):
            assert numbers["offered"] == sum(numbers[verdict].values())
        callback = numbers["callback"]
        assert callback["opened"] == sum(
            number for state, number in callback.items() if state not in ("opened", "late")
        )
        assert callback["late"] <= callback["broken"]


@given(_histories(), _other_settings, _other_settings)
def test_under_other_rules_nothing_is_remembered_in_the_end_either(
    steps: list[Step], settings: Settings, others: Settings
) -> None:
    """Deadlines set under the old rules are enough to look at everything once more."""
    ledger = Ledger(rules_from(settings))
    for step in steps[: len(steps) // 2]:
        _do(ledger, step)
    ledger = _loaded(ledger, rules_from(others))
    for step in steps:
        _do(ledger, step)
    end = steps[-1]
    assert isinstance(end, int)
    for hours in range(1, 60, 3):
        ledger.advance(end + hours * HOUR)
    assert not ledger.book.calls
    assert not ledger.book.callers.by_key
    assert not ledger.book.attached
