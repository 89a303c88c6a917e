"""For how much the next fetch waits, and how long."""

import pytest

from streams.instants import SECOND
from streams.kafka.pace import BUSY, CALM, QUIET, QUIET_AFTER, FetchPace

START = 1_772_445_600 * SECOND


@pytest.mark.parametrize("calm", [True, False])
def test_while_events_come_many_are_fetched_at_a_time(calm: bool) -> None:
    """Also when some fetches between bring nothing, and when no deadline is near."""
    pace = FetchPace()
    assert pace.after(START, brought=True, calm=calm) == BUSY
    for later in (0, QUIET_AFTER // 2, QUIET_AFTER - 1):
        assert pace.after(START + later, brought=False, calm=calm) == BUSY
    assert pace.after(START + QUIET_AFTER, brought=True, calm=calm) == BUSY


def test_after_a_moment_without_events_the_next_one_is_fetched_at_once() -> None:
    """And whether there was none has to be known soon while a deadline is near, only then."""
    pace = FetchPace()
    pace.after(START, brought=True, calm=False)
    assert pace.after(START + QUIET_AFTER, brought=False, calm=False) == QUIET
    assert pace.after(START + QUIET_AFTER, brought=False, calm=True) == CALM
    assert QUIET.min_bytes == CALM.min_bytes == 1
    assert QUIET.max_ms == BUSY.max_ms


@pytest.mark.parametrize("calm", [True, False])
def test_a_backlog_is_fetched_without_waiting(calm: bool) -> None:
    """Its end, too, which may be less than is worth an answer while events come."""
    pace = FetchPace()
    wait = pace.after(START, brought=True, calm=calm, behind=True)
    assert (wait.min_bytes, wait.max_ms) == (1, BUSY.max_ms)
    assert pace.after(START + 1, brought=True, calm=calm) == BUSY


def test_who_has_seen_no_event_yet_is_quiet() -> None:
    """A worker that starts on an empty topic."""
    assert FetchPace().after(START, brought=False, calm=True) == CALM
