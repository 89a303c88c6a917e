"""Staffing follows Erlang C and rosters cover every hour."""

import pytest
from msgspec.structs import replace

from streams.instants import HOUR
from streams.simulate import HandlingConfig, small_centre
from streams.simulate.arrivals import hourly_rate
from streams.simulate.staffing import agents_needed, handling_time, shifts

GOALS = [(0.8, 20), (0.9, 10), (0.99, 10), (0.999, 10)]


@pytest.mark.parametrize(
    ("load", "agents"),
    [
        (3, [5, 6, 8, 10]),
        (20, [24, 27, 31, 35]),
        (100, [107, 112, 121, 128]),
        (500, [510, 520, 536, 551]),
    ],
)
def test_agents_needed_agrees_with_erlang_c_tables(load: float, agents: list[int]) -> None:
    """Handling time 180 s; 80 % in 20 s, then 90, 99 and 99.9 % in 10 s."""
    assert [agents_needed(load, share, wait / 180) for share, wait in GOALS] == agents


def test_no_calls_need_no_agents() -> None:
    """Nobody sits there at night."""
    assert agents_needed(0, 0.9, 0.1) == 0


def test_the_roster_covers_every_hour() -> None:
    """Agents on shift are never fewer than the hour needs, and at night there is none."""
    centre = small_centre()
    queue = centre.queues[0]
    begins = shifts(centre, queue)
    for hour in range(24):
        per_hour = 0.6 * hourly_rate(centre, hour * HOUR)
        busy = handling_time(queue, centre.handling)
        needed = agents_needed(per_hour * busy / HOUR, 0.95, 5_000_000 / busy)
        on_duty = sum((hour - begin) % 24 < 8 for begin in begins)
        assert on_duty >= needed
    assert all(begin >= 7 for begin in begins)


def test_a_stricter_goal_needs_more_agents() -> None:
    """The staffing goal of the configuration counts."""
    centre = small_centre()
    strict = replace(centre, handling=HandlingConfig(staffing_objective=0.999))
    assert len(shifts(strict, centre.queues[0])) > len(shifts(centre, centre.queues[0]))
