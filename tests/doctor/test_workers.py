"""Clocks that differ, as far as can be known; a group of which a part lags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.doctor.kafka_edge import Arrival, GroupState
from streams.doctor.workers import judge_clock, judge_group, judge_ticks
from streams.instants import SECOND
from streams.settings import Settings

NOW = 1_790_000_000 * SECOND
GRACE = 2 * SECOND


@given(
    skew=st.integers(-10 * SECOND, 10 * SECOND),
    waited=st.integers(0, 3 * SECOND),
    written=st.floats(0, 1),
)
def test_a_clock_is_never_accused_without_proof(skew: int, waited: int, written: float) -> None:
    """Whenever in the time of watching the record was written: the bounds hold the truth."""
    moment = NOW + int(waited * written)
    finding = judge_clock(
        "it", "clocks.workers", [Arrival(moment + skew, NOW, NOW + waited)], GRACE
    )
    if abs(skew) <= SECOND:
        assert finding.status == "ok"
    if finding.status == "wrong":
        assert abs(skew) > GRACE
    least, most = (float(word) for word in finding.reason.split() if word[:1] in "+-")
    assert least - 0.06 <= skew / SECOND <= most + 0.06


@pytest.mark.parametrize(
    ("skews", "status"),
    [((0, 0), "ok"), ((0, 1.5), "warning"), ((0, -9), "wrong"), ((), "not_asked")],
)
def test_of_several_clocks_the_worst_counts(skews: tuple[float, ...], status: str) -> None:
    """Each partition may belong to another worker."""
    found = [Arrival(NOW + int(skew * SECOND), NOW, NOW + 1000) for skew in skews]
    assert judge_clock("they", "clocks.workers", [None, *found], GRACE).status == status


def test_partitions_that_nobody_ticks_are_named() -> None:
    """The first five."""
    arrival = Arrival(NOW, NOW, NOW)
    ticked = {number: None if number > 3 else arrival for number in range(12)}
    told = judge_ticks(ticked, 3).reason
    assert "the deadlines of partition 4, 5, 6, 7, 8 and 3 more: no tick within 3 s" in told


def test_a_group_that_lags_in_part_is_told_by_its_worst_partition() -> None:
    """However fast the others are."""
    group = GroupState("Stable", 2, {0: 0, 1: 20_000, 2: 10_001})
    members, lag = judge_group(Settings(), group)
    assert (members.status, lag.status) == ("ok", "wrong")
    assert "2 of 3 partitions are more than 10,000 records behind (partition 1: 20,000)" in (
        lag.reason
    )
