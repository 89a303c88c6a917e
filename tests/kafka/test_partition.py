"""One partition: batches and ticks in, stretches out."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import TOPIC, Raw, batch, records
from truths import plain_truths, truths

from streams.events import CallAnswered, CallEnded, CallOffered, Event
from streams.instants import HOUR, MINUTE, SECOND
from streams.kafka.batch import Fresh
from streams.kafka.ledgerlog.machine import MOST_UNJUDGED, STRIDE, Machine
from streams.kafka.partition import PartitionProcessor, Stretch
from streams.ledger import QueueRules, Rules
from streams.simulate import Centre, small_centre

BASE = 1_772_445_600 * SECOND
LATER = BASE + 90 * 24 * HOUR


@cache
def centre_events() -> tuple[Event, ...]:
    """Return a few hundred calls of a simulated centre."""
    return tuple(Centre(small_centre(), seed=3).events(300))


def offered(number: int, seconds: float, customer: str | None = None) -> Event:
    at = BASE + round(seconds * SECOND)
    return CallOffered(id=f"o{number}", at=at, call_id=f"c{number}", customer=customer)


def processor() -> PartitionProcessor:
    return PartitionProcessor(Machine(TOPIC, 0, Rules()))


def tick(one: PartitionProcessor, wall: int, fresh: Fresh | None, *, hold: bool = False) -> Stretch:
    """Tick under epoch 0."""
    return one.tick(0, wall, fresh, hold=hold)


def drained(one: PartitionProcessor, wall: int = LATER) -> PartitionProcessor:
    """Tick as a worker does that has caught up at `wall`."""
    one.settle(tick(one, wall, Fresh(wall, one.next_offset)))
    return one


@cache
def centre_truths() -> Counter[tuple[str, str, str]]:
    """Return what a plain ledger makes of them."""
    return plain_truths(centre_events(), LATER)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_totals_do_not_depend_on_how_records_were_fetched(sizes: list[int]) -> None:
    """Any cutting into batches with ticks between gives the totals of a plain ledger."""
    rows = records(centre_events())
    one, start = processor(), 0
    while start < len(rows):
        size = sizes[start % len(sizes)]
        part = rows[start : start + size]
        assert one.apply(batch(part), LATER)
        one.settle(tick(one, LATER, None))
        start += size
    assert truths([drained(one).exported.totals]) == centre_truths()
    assert one.exported.fates["late"] == 0


def test_what_is_known_already_is_cut_off() -> None:
    """A batch that begins again before the next offset counts only what is new in it."""
    rows = records(centre_events())
    one = processor()
    assert one.apply(batch(rows[:200]), LATER)
    assert one.apply(batch(rows[:200]), LATER)
    assert one.apply(batch(rows[100:]), LATER)
    assert one.next_offset == len(rows)
    assert drained(one).exported.fates["duplicate"] == 0


def test_a_gap_is_read_again_and_accepted_only_if_it_comes_again() -> None:
    """Records that are missing are asked for; a true hole shows by coming twice."""
    rows = records([offered(n, n) for n in range(30)])
    one = processor()
    assert one.apply(batch(rows[:5]), LATER)
    assert not one.apply(batch(rows[10:20]), LATER), "asked to read again"
    assert not one.apply(batch(rows[20:]), LATER), "left over from the same fetch"
    assert one.next_offset == 5
    assert one.apply(batch(rows[10:20]), LATER), "the same gap after reading again"
    assert (one.next_offset, one.holes) == (20, 1)
    assert one.apply(batch(rows[20:]), LATER)
    assert sum(one.ledger.fates.values()) == 25


def test_a_gap_that_reading_again_mends_loses_nothing() -> None:
    """The missing records come after all."""
    rows = records([offered(n, n) for n in range(30)])
    one = processor()
    assert one.apply(batch(rows[:5]), LATER)
    assert not one.apply(batch(rows[10:20]), LATER)
    assert one.apply(batch(rows[5:20]), LATER)
    assert one.apply(batch(rows[20:]), LATER)
    assert (one.holes, sum(one.ledger.fates.values())) == (0, 30)


def test_the_end_of_a_batch_may_lie_beyond_its_records() -> None:
    """Control records at the end move the offset, so the partition can be caught up."""
    one = processor()
    assert one.apply(batch(records([offered(0, 0)]), next_offset=3), LATER)
    assert one.next_offset == 3
    tick(one, LATER, Fresh(LATER, highwater=3))
    assert one.caught_up


def test_bad_records_are_dead_letters_and_their_neighbours_are_not() -> None:
    """Each refused record is passed on with its reason; the others count."""
    good = records([offered(0, 0), offered(1, 1), offered(2, 5 * 24 * 3600)])
    far = Raw(9, good[2].value, timestamp=BASE // 1000)
    rows = [good[0], Raw(1, b"{"), Raw(2, None), Raw(3, b"\xff\xfe"), good[1]._replace(offset=4)]
    one = processor()
    assert one.apply(batch([*rows, far]), LATER)
    stretch = tick(one, LATER, None)
    assert [
        (each.record.offset, each.reason, each.stage) for each in stretch.outcome.dead_letters
    ] == [
        (1, "malformed", "decode"),
        (2, "malformed", "decode"),
        (3, "malformed", "decode"),
        (9, "future", "ledger"),
    ]
    assert stretch.exported.dead_letters["malformed"] == 3
    assert stretch.exported.dead_letters["too_old"] == 0
    assert sum(stretch.exported.fates.values()) == 2
    assert stretch.to_offset == 10


def test_nothing_is_shown_or_committed_before_its_tick_is_durable() -> None:
    """A tick closes a stretch; only settling it, once durable, moves what is exported."""
    one = processor()
    assert one.apply(batch(records([offered(0, 0)])), LATER)
    stretch = tick(one, LATER, Fresh(LATER, 1))
    assert (one.durable_offset, len(one.exported.totals.queues)) == (None, 0)
    one.settle(stretch)
    assert (one.durable_offset, len(one.exported.totals.queues)) == (1, 1)


def test_what_was_exported_never_changes() -> None:
    """A reader may keep it; unchanged queues are shared between ticks."""
    one = processor()
    assert one.apply(batch(records([offered(0, 0)])), LATER)
    before = drained(one, BASE + MINUTE).exported
    kept = truths([before.totals])
    assert one.apply(batch(records([offered(1, 60)], first=1)), LATER)
    after = drained(one, BASE + 2 * MINUTE).exported
    assert truths([before.totals]) == kept != truths([after.totals])
    assert drained(one, BASE + 2 * MINUTE + SECOND).exported.totals is after.totals


def test_lag_fires_no_deadline() -> None:
    """The answer to a call may be among the records that are still to be read."""
    one = processor()
    assert one.apply(batch(records([offered(0, 0)])), BASE + MINUTE)
    one.settle(tick(one, BASE + MINUTE, Fresh(BASE + MINUTE, highwater=2)))
    assert truths([one.exported.totals])["__none__", "answer", "broken"] == 0
    one.settle(tick(one, BASE + MINUTE, Fresh(BASE + MINUTE, highwater=1)))
    assert truths([one.exported.totals])["__none__", "answer", "broken"] == 1


def test_a_hold_leaves_deadlines_to_the_watermark() -> None:
    """After an outage the clock fires nothing; an event from after the deadline does."""
    one = processor()
    assert one.apply(batch(records([offered(0, 0)])), BASE + MINUTE)
    fresh = Fresh(BASE + MINUTE, highwater=1)
    assert not any(
        c.state == "broken" for c in tick(one, BASE + MINUTE, fresh, hold=True).outcome.changes
    )
    assert one.apply(batch(records([offered(1, 13)], first=1)), BASE + MINUTE)
    fired = tick(one, BASE + MINUTE, fresh, hold=True).outcome.changes
    assert [(c.verdict, c.key) for c in fired if c.state == "broken"][:1] == [("answer", "c0")]


def test_an_event_ahead_of_its_record_fires_nothing_early() -> None:
    """In a backlog the wall clock is far ahead, so Kafka's stamp bounds the watermark."""
    ahead = records([CallEnded(id="e", at=BASE + 50 * SECOND, call_id="x")], first=1)[0]
    rows = [*records([offered(0, 0)]), ahead._replace(timestamp=(BASE + SECOND) // 1000)]
    one = processor()
    assert one.apply(batch(rows), LATER)
    tick(one, LATER, None)
    assert one.ledger.now == BASE - SECOND


def test_a_backlog_is_ticked_through_in_strides() -> None:
    """Deadlines of a batch that spans hours fire in between, not all at its end."""
    rows = records([offered(n, 60 * n) for n in range(100)])
    one = processor()
    assert one.apply(batch(rows), LATER)
    assert one.ledger.now >= one.ledger.watermark - 2 * SECOND - STRIDE
    stretch = tick(one, LATER, None)
    assert len(stretch.tick.steps) >= 99 * MINUTE // STRIDE
    broken = [c for c in stretch.outcome.changes if (c.verdict, c.state) == ("answer", "broken")]
    assert len(broken) == 99


def test_a_dense_backlog_is_judged_some_at_a_time() -> None:
    """Thousands of calls of one minute do not keep everything else waiting for their verdicts."""
    rows = records([offered(n, n / 200) for n in range(3 * MOST_UNJUDGED)])
    one, most = processor(), 0
    for part in batch(rows).parts(500):
        assert one.apply(part, LATER)
        most = max(most, len(one.ledger.book.touched_calls()))
    assert MOST_UNJUDGED - 500 <= most < MOST_UNJUDGED
    assert len(tick(one, LATER, None).tick.steps) == 5


@pytest.mark.parametrize("gap", [2 * HOUR, None])
def test_a_repeated_call_before_a_gap_is_no_correction(gap: int | None) -> None:
    """It is known when so much time passes at once that the first one would be useful."""
    spoken: list[Event] = [
        offered(0, 0, customer="ann"),
        CallAnswered(id="a0", at=BASE + SECOND, call_id="c0", answered_by="human"),
        CallEnded(id="e0", at=BASE + MINUTE, call_id="c0"),
        offered(1, 100, customer="ann"),
        CallAnswered(id="a1", at=BASE + 101 * SECOND, call_id="c1", answered_by="human"),
    ]
    later = [] if gap is None else [offered(2, gap // SECOND)]
    one = processor()
    assert one.apply(batch(records([*spoken, *later])), LATER)
    changes = tick(one, LATER, Fresh(LATER, highwater=len(spoken) + len(later))).outcome.changes
    found = [(c.call_id, c.state, c.was) for c in changes if c.verdict == "usefulness"]
    assert found[0] == ("c0", "useless", None)
    assert all(was is None for _, _, was in found)


@pytest.mark.parametrize(("window", "stride"), [
    (HOUR, STRIDE), (4 * MINUTE, 2 * MINUTE), (SECOND, 30 * SECOND),
])  # fmt: skip
def test_strides_are_shorter_than_what_a_repeated_call_has(window: int, stride: int) -> None:
    """Whatever queue says so, and as soon as rules change; never shorter than half a minute."""
    one = Machine(TOPIC, 0, Rules(queues={"sales": QueueRules(repeat_window=window)}))
    assert one._stride == stride
    one.change_rules(Rules())
    assert one._stride == STRIDE


def test_latency_is_observed_only_live() -> None:
    """A backlog is no latency; what comes while caught up is."""
    one = processor()
    assert one.apply(batch(records([offered(0, 0)])), LATER)
    assert one.latency.count == 0
    tick(one, BASE + 2 * SECOND, Fresh(BASE + 2 * SECOND, highwater=1))
    assert one.apply(batch(records([offered(1, 1)], first=1)), BASE + 3 * SECOND)
    assert (one.latency.count, one.latency.sum) == (1, 2.0)
