"""The state machine of one partition: nothing but records and ticks may influence it."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from centres import soups
from feeds import BASE, s
from hypothesis import given
from hypothesis import strategies as st
from records import TOPIC, Raw, records

from streams.events import CallOffered, Event
from streams.instants import MINUTE, SECOND
from streams.kafka.ledgerlog.machine import Machine, Outcome
from streams.kafka.ledgerlog.records import LogDamagedError, Tick
from streams.ledger import QueueRules, Rules
from streams.simulate import Centre, small_centre

RULES = Rules(default=QueueRules(callback_target=MINUTE, repeat_window=40 * SECOND))
CENTRE = records(Centre(small_centre(), seed=5).events(120))
BAD = (b"{", b"\xff", b"", b'{"kind": "call.flown"}')


def machine(rules: Rules = RULES) -> Machine:
    return Machine(TOPIC, 0, rules)


@st.composite
def sources(draw: st.DrawFn) -> list[Raw]:
    """What may stand in a topic: events of any kind in any order, among them what is none."""
    rows = records(draw(soups()))
    for at in draw(st.lists(st.integers(0, len(rows)), max_size=3)):
        value = draw(st.sampled_from(BAD))
        rows.insert(at, rows[max(0, at - 1)]._replace(value=value))
    return [row._replace(offset=n) for n, row in enumerate(rows)]


@st.composite
def stretches(draw: st.DrawFn, rows: Sequence[Raw]) -> list[tuple[int, int]]:
    """Where ticks come, and with which `now` (microseconds): never back."""
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), min_size=1, max_size=6)))
    now, ticks = 0, []
    for cut in [*cuts, len(rows)]:
        newest = max((row.timestamp * 1000 for row in rows[:cut]), default=0)
        ahead = draw(st.sampled_from((-2, 0, 9, 61, 400)))
        now = max(now, newest + ahead * SECOND if newest else 0)
        ticks.append((cut, now))
    return ticks


def run(
    one: Machine, rows: Sequence[Raw], ticks: Sequence[tuple[int, int]], size: int = 1000
) -> list[tuple[Tick, Outcome]]:
    """Take `rows` in batches of `size`, with a tick at each of `ticks`."""
    closed = []
    for cut, now in ticks:
        for start in range(one.next_offset, cut, size):
            end = min(start + size, cut)
            one.take(rows[start:end], end)
        one.advance(now)
        closed.append(one.close(epoch=7))
    return closed


def follow(one: Machine, rows: Sequence[Raw], ticks: Sequence[Tick]) -> list[Outcome]:
    """Repeat what the ticks say was done."""

    def below(offset: int) -> Sequence[Raw]:
        return rows[one.next_offset : offset]

    return [one.repeat(tick, below) for tick in ticks]


@given(st.data(), st.integers(1, 5))
def test_how_records_were_batched_leaves_no_trace(data: st.DataObject, size: int) -> None:
    """The same records and ticks give the same hash at every tick, and the same bytes."""
    rows = data.draw(sources())
    ticks = data.draw(stretches(rows))
    one, other = machine(), machine()
    assert run(one, rows, ticks) == run(other, rows, ticks, size)
    assert one.dump() == other.dump()


@given(st.data())
def test_a_machine_loaded_at_any_tick_goes_on_identically(data: st.DataObject) -> None:
    """Every later tick has the same hash, the same changes and the same dead letters."""
    rows = data.draw(sources())
    ticks = data.draw(stretches(rows))
    at = data.draw(st.integers(0, len(ticks) - 1))
    one = machine()
    run(one, rows, ticks[:at])
    again = Machine.load(TOPIC, 0, RULES, one.dump())
    assert again.dump() == one.dump()
    assert run(again, rows, ticks[at:]) == run(one, rows, ticks[at:])
    assert again.dump() == one.dump()


@given(st.data())
def test_repeating_the_ticks_gives_the_same_outputs(data: st.DataObject) -> None:
    """What a former owner made of the records, with the same ids in the same order."""
    rows = data.draw(sources())
    live, again = machine(), machine()
    closed = run(live, rows, data.draw(stretches(rows)))
    assert follow(again, rows, [tick for tick, _ in closed]) == [made for _, made in closed]
    assert again.dump() == live.dump()


def test_the_strides_of_a_backlog_are_repeated_from_their_tick() -> None:
    """Deadlines that fired inside a batch stand in the tick as steps of their own."""
    live, again = machine(), machine()

    def stride() -> int:
        return live.watermark - 2 * SECOND

    live.take(CENTRE, len(CENTRE), stride)
    live.advance(stride())
    tick, outcome = live.close(0)
    assert len(tick.steps) > 10
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(tick.steps))
    assert follow(again, CENTRE, [tick]) == [outcome]
    assert outcome.changes


@given(st.data())
def test_another_record_gives_another_hash(data: st.DataObject) -> None:
    """One event that differs in the time is noticed at the next tick."""
    number = data.draw(st.integers(0, 20))
    events: list[Event] = [
        CallOffered(id=f"o{n}", at=BASE + s(n), call_id=f"c{n}") for n in range(21)
    ]
    rows = records(events)
    closed = run(machine(), rows, [(21, BASE + s(21))])
    changed = [*rows]
    changed[number] = rows[number]._replace(value=b"{")
    with pytest.raises(LogDamagedError, match=r"tick 1 \(source offset 21\) has another hash"):
        follow(machine(), changed, [tick for tick, _ in closed])


def test_a_missing_record_gives_another_hash() -> None:
    """A machine cannot be brought to skip one unnoticed."""
    closed = run(machine(), CENTRE, [(100, 0)])
    one = machine()
    with pytest.raises(LogDamagedError, match="another hash"):
        one.repeat(closed[0][0], lambda _: CENTRE[:99])


def test_a_tick_one_record_early_gives_another_hash() -> None:
    """The tick's `now` meets another set of facts."""
    ticks = [tick for tick, _ in run(machine(), CENTRE, [(50, CENTRE[49].timestamp * 1000)])]
    one = machine()
    with pytest.raises(LogDamagedError, match="another hash"):
        one.repeat(ticks[0], lambda _: CENTRE[:49])


def test_a_hole_in_the_numbers_is_refused() -> None:
    """A tick that is missing, or comes twice, before anything is changed by it."""
    ticks = [tick for tick, _ in run(machine(), CENTRE, [(10, 0), (20, 0), (30, 0)])]
    one = machine()
    with pytest.raises(LogDamagedError, match="tick 3 follows tick 1"):
        follow(one, CENTRE, [ticks[0], ticks[2]])
    with pytest.raises(LogDamagedError, match="tick 1 follows tick 1"):
        follow(one, CENTRE, [ticks[0]])
    follow(one, CENTRE, ticks[1:])


def test_a_tick_that_goes_back_is_refused_before_it_changes_anything() -> None:
    """Otherwise half of it would stay, and the next owner could not follow."""
    one = machine()
    run(one, CENTRE, [(20, 0)])
    before = one.dump()
    for steps in (((19, 0),), ((40, 0), (30, 0))):
        with pytest.raises(LogDamagedError, match="goes back from source offset"):
            follow(one, CENTRE, [Tick(2, 7, steps, 0)])
    assert one.dump() == before
    assert one.close(7)[0].steps == ()


def test_a_damaged_snapshot_is_refused() -> None:
    """Cut short, or with another state in it."""
    one = machine()
    run(one, CENTRE, [(50, 0)])
    data = one.dump()
    for spoilt in (b"", data[:-1], data[: len(data) // 2], b"\xc1" + data):
        with pytest.raises(LogDamagedError, match="a snapshot that cannot be read"):
            Machine.load(TOPIC, 0, RULES, spoilt)


def test_other_rules_hold_from_their_epoch_on() -> None:
    """What was decided stays decided; open promises are judged by the new ones."""
    one = machine(Rules())
    calls: list[Event] = [
        CallOffered(id=f"o{n}", at=BASE + s(60 * n), call_id=f"c{n}") for n in range(2)
    ]
    rows = records(calls)
    run(one, rows, [(1, BASE + s(20))])
    one.change_rules(Rules(default=QueueRules(answer_target=5 * SECOND)))
    ((_, outcome),) = run(one, rows, [(2, BASE + s(66))])
    broken = [
        (c.key, c.at) for c in outcome.changes if (c.verdict, c.state) == ("answer", "broken")
    ]
    assert broken == [("c1", BASE + s(65))]


def test_another_order_of_queue_patterns_is_another_set_of_rules() -> None:
    """The first one that matches counts."""
    quick, slow = QueueRules(answer_target=SECOND), QueueRules()
    one = machine(Rules(queues={"sales-*": quick, "*": slow}))
    one.change_rules(Rules(queues={"*": slow, "sales-*": quick}))
    assert one.rules.of("sales-1") == slow


def test_an_event_ahead_of_its_record_does_not_move_the_watermark() -> None:
    """Kafka's stamp bounds it: a backlog would otherwise fire early."""
    rows = records([CallOffered(id="o", at=BASE + s(50), call_id="c")])
    one = machine()
    one.take([rows[0]._replace(timestamp=(BASE + s(1)) // 1000)], 1)
    assert (one.watermark, one.ledger.watermark) == (BASE + s(1), BASE + s(50))
