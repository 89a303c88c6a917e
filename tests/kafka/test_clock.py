"""When deadlines fire: DESIGN section 5, rule 5."""

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.instants import HOUR, MILLISECOND, SECOND
from streams.kafka.batch import Fresh
from streams.kafka.clock import (
    HOLD,
    OUTAGE,
    PATIENCE,
    FetchWatch,
    SteadyClock,
    caught_up_at,
    firing_time,
    looked_at,
)
from streams.kafka.pace import FetchWait

START = 1_772_445_600 * SECOND
INSTANTS = st.integers(START, START + 3600 * SECOND)
GRACE = 2 * SECOND


@given(INSTANTS, INSTANTS, INSTANTS, st.none() | INSTANTS)
def test_time_never_goes_back_and_never_passes_the_clock(
    previous: int, watermark: int, wall: int, caught_up: int | None
) -> None:
    """Whatever the inputs: not below the previous time, and a new one at most clock - grace."""
    now = firing_time(previous, watermark=watermark, wall=wall, grace=GRACE, caught_up=caught_up)
    assert now >= previous
    assert now == previous or now <= wall - GRACE


@given(INSTANTS, INSTANTS, st.none() | INSTANTS)
def test_time_is_the_latest_that_is_known_for_sure(
    previous: int, watermark: int, caught_up: int | None
) -> None:
    """With a clock far ahead: the latest of previous, watermark - grace, caught up - grace."""
    wall = START + 7200 * SECOND
    now = firing_time(previous, watermark=watermark, wall=wall, grace=GRACE, caught_up=caught_up)
    known = [previous, watermark - GRACE] + ([] if caught_up is None else [caught_up - GRACE])
    assert now == max(known)


def test_lag_alone_fires_nothing() -> None:
    """Behind, with no newer event, time stands still however far the clock runs."""
    behind = caught_up_at(Fresh(START + 60 * SECOND, highwater=10), next_offset=9)
    assert behind is None
    now = firing_time(
        START, watermark=START, wall=START + 60 * SECOND, grace=GRACE, caught_up=behind
    )
    assert now == START


def test_caught_up_is_as_of_the_moment_the_fetch_was_asked() -> None:
    """Everything up to the high water mark is applied: complete as of the request."""
    assert caught_up_at(Fresh(START, highwater=10), next_offset=10) == START
    assert caught_up_at(None, next_offset=10) is None


def test_an_event_of_the_future_does_not_pass_the_clock() -> None:
    """A watermark a minute ahead moves time to clock - grace and no further."""
    now = firing_time(START, watermark=START + 90 * SECOND, wall=START + 30 * SECOND, grace=GRACE)
    assert now == START + 28 * SECOND


def test_quick_answers_hold_nothing_back() -> None:
    """Fetches answered in time, even with pauses of a rebalance between them, are no outage."""
    watch = FetchWatch()
    watch.succeeded(START, START + SECOND // 10)
    watch.succeeded(START + 5 * SECOND, START + 5 * SECOND + SECOND // 10)
    assert not watch.holds(START + 6 * SECOND)
    assert watch.last_success == START + 5 * SECOND + SECOND // 10


def test_a_slow_answer_holds_the_clock_back() -> None:
    """One fetch that took longer than an outage: the sources' buffers may still come."""
    watch = FetchWatch()
    answered = START + OUTAGE + 1
    watch.succeeded(START, answered)
    assert watch.holds(answered)
    assert watch.holds(answered + HOLD - 1)
    assert not watch.holds(answered + HOLD)


def test_failures_count_from_the_first_to_the_next_success() -> None:
    """A row of quick failures is an outage as long as all of them together."""
    watch = FetchWatch()
    for n in range(5):
        watch.failed(START + n * SECOND)
    assert not watch.holds(START + OUTAGE)
    assert watch.holds(START + OUTAGE + 1), "held already while it lasts"
    watch.succeeded(START + 5 * SECOND, START + 5 * SECOND)
    assert watch.holds(START + 5 * SECOND + HOLD - 1)
    assert not watch.holds(START + 5 * SECOND + HOLD)


def test_one_failure_that_is_mended_at_once_is_no_outage() -> None:
    """A leader change of a moment holds nothing back."""
    watch = FetchWatch()
    watch.failed(START)
    watch.succeeded(START + SECOND // 2, START + SECOND)
    assert not watch.holds(START + SECOND)


def test_one_broker_of_several_that_is_away_holds_its_partitions_only() -> None:
    """Fetches from the others go on, and say nothing about them."""
    watch, lost, well = FetchWatch(), TP("events", 0), TP("events", 1)
    for n in range(5):
        watch.missed(START + n * SECOND, [lost])
        watch.succeeded(START + n * SECOND, START + n * SECOND + 1, [well])
    now = START + 5 * SECOND
    assert [watch.holds(now, tp) for tp in (lost, well)] == [True, False]
    watch.succeeded(now, now, [lost, well])
    assert [watch.holds(now + HOLD - 1, tp) for tp in (lost, well)] == [True, False]
    assert not watch.holds(now + HOLD, lost)
    assert not watch.failing


def test_appends_that_take_long_hold_the_clock_back() -> None:
    """A replica is missing: consumers are not shown what producers have written."""
    watch = FetchWatch()
    watch.waited(START, START + OUTAGE)
    assert not watch.holds(START + OUTAGE)
    watch.waited(START, START + OUTAGE + 1)
    assert watch.holds(START + OUTAGE + HOLD)
    assert not watch.holds(START + OUTAGE + HOLD + 1)


def test_a_hold_lasts_as_long_as_it_was_asked_for() -> None:
    """Whatever fetches do; a shorter one does not end it."""
    watch = FetchWatch()
    watch.hold_until(START + 10 * SECOND)
    watch.hold_until(START + 5 * SECOND)
    watch.succeeded(START + SECOND, START + SECOND)
    assert watch.holds(START + 10 * SECOND - 1)
    assert not watch.holds(START + 10 * SECOND)


class Machine:
    """A computer: its time passes, and somebody may set its wall clock."""

    def __init__(self) -> None:
        self.uptime = 5 * SECOND
        self.ahead = START
        self.clock = SteadyClock(lambda: self.wall * 1000, lambda: self.uptime * 1000)

    @property
    def wall(self) -> int:
        return self.uptime + self.ahead

    def run(self, seconds: float, every: float = 0.25, drift: float = 0) -> list[int]:
        """Let time pass; return by how much the steady clock was off each time it was read."""
        off = []
        for _ in range(round(seconds / every)):
            self.uptime += round(every * SECOND)
            self.ahead += round(every * drift * SECOND)
            off.append(self.clock() - self.wall)
        return off

    def set_by(self, step: int) -> None:
        self.ahead += step


def test_the_steady_clock_is_the_wall_clock() -> None:
    """As long as nobody sets it."""
    assert set(Machine().run(3600, every=10)) == {0}


@given(st.sampled_from([HOUR, -HOUR, 2 * SECOND, -2 * SECOND, 24 * HOUR]))
def test_a_step_is_not_followed_at_once(step: int) -> None:
    """A deadline of an hour must not fire because somebody set the clock."""
    machine = Machine()
    machine.set_by(step)
    assert set(machine.run(PATIENCE / SECOND)) == {-step}


@given(st.sampled_from([HOUR, -HOUR]))
def test_a_step_that_lasts_is_followed_after_a_minute(step: int) -> None:
    """It was the clock before that was wrong."""
    machine = Machine()
    machine.set_by(step)
    machine.run(PATIENCE / SECOND + 1)
    assert set(machine.run(10)) == {0}


def test_a_step_that_is_taken_back_leaves_no_trace() -> None:
    """Not even if it comes again: its minute begins anew."""
    machine = Machine()
    for _ in range(3):
        machine.set_by(HOUR)
        assert set(machine.run(40)) == {-HOUR}
        machine.set_by(-HOUR)
        assert set(machine.run(5)) == {0}


def test_a_clock_that_is_set_again_and_again_is_followed_once_it_rests() -> None:
    """Each new time has to stand for a minute."""
    machine = Machine()
    for number in range(1, 4):
        machine.set_by(HOUR)
        assert set(machine.run(40)) == {-number * HOUR}
    machine.run(PATIENCE / SECOND - 38)
    assert set(machine.run(10)) == {0}


@given(st.sampled_from([1e-4, -1e-4, 0.01, -0.01]))
def test_slow_drift_is_followed(drift: float) -> None:
    """A time service slews the clock by little at a time."""
    machine = Machine()
    assert set(machine.run(600, drift=drift)) == {0}


@pytest.mark.parametrize(
    ("took", "fetched", "at"),
    [
        (99, 0, 0),
        (100, 0, 100),
        (5000, 0, 100),
        (5000, 999, 100),
        (5000, 1000, 0),
        (30, 4000, 0),
    ],
)
def test_a_fetch_that_had_to_wait_tells_of_the_end_of_its_wait(
    took: int, fetched: int, at: int
) -> None:
    """Not of the moment at which its answer came, which may have lain in the socket; and one with
    enough to give did not have to wait."""
    answered = START + took * MILLISECOND
    assert looked_at(START, answered, FetchWait(1000, 100), fetched) == START + at * MILLISECOND
