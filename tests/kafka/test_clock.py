"""When deadlines fire: DESIGN section 5, rule 5."""

from hypothesis import given
from hypothesis import strategies as st

from streams.instants import SECOND
from streams.kafka.batch import Fresh
from streams.kafka.clock import HOLD, OUTAGE, FetchWatch, caught_up_at, firing_time

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
