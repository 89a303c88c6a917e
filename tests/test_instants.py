"""Microseconds since 1970 and the text they come from."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import instants
from streams.instants import EARLIEST, LATEST, from_datetime, parse_instant, rfc3339, to_datetime

MOMENTS = st.integers(EARLIEST, LATEST - 1)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_the_bounds_are_the_years_they_name() -> None:
    """1990 up to, and not with, 2100."""
    assert to_datetime(EARLIEST) == datetime(1990, 1, 1, tzinfo=UTC)
    assert to_datetime(LATEST) == datetime(2100, 1, 1, tzinfo=UTC)


@given(MOMENTS)
def test_a_time_comes_back_from_its_text(instant: int) -> None:
    """To the microsecond."""
    assert parse_instant(rfc3339(instant)) == instant
    assert from_datetime(to_datetime(instant)) == instant


@given(MOMENTS, ZONES)
def test_the_zone_does_not_change_the_instant(instant: int, zone: timezone) -> None:
    """As the standard library writes it, in any zone."""
    text = to_datetime(instant).astimezone(zone).isoformat()
    assert parse_instant(text) == instant


@given(MOMENTS.map(lambda instant: instant // 1000 * 1000))
def test_the_fast_way_and_the_general_way_agree(instant: int) -> None:
    """Text with exactly three decimals and `Z` is read by table, other forms are not."""
    text = to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant // 1000 % 1000:03}"
    assert parse_instant(text + "Z") == parse_instant(text + "+00:00") == instant


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (1_795_461_801_000_000, "2026-11-23T19:23:21Z"),
        (1_795_461_801_120_000, "2026-11-23T19:23:21.120Z"),
        (1_795_461_801_000_001, "2026-11-23T19:23:21.000001Z"),
    ],
)
def test_text_has_the_decimals_it_needs(instant: int, text: str) -> None:
    """None, three or six."""
    assert rfc3339(instant) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23T19:23:60.000Z",
        "2026-11-23T19:60:00.000Z",
        "2026-11-23T25:00:00.000Z",
        "2026-13-23T19:23:21.000Z",
        "2026-02-30T19:23:21.000Z",
        "2026-11-23T19:23:2 .000Z",
        "2026-11-23T19:23:21.00 Z",
        "2026-11-23T19:23:21.-01Z",
        "2026-11-23T19:23:21.٣٣٣Z",
        "2026-11-23T19:23:21.000",
        "2026-11-23T19:23+.123456Z",
        "20261123T192321.000000Z.",
    ],
)
def test_no_near_miss_is_a_time(text: str) -> None:
    """The table accepts nothing the general way would refuse."""
    with pytest.raises(msgspec.ValidationError):
        parse_instant(text)


def test_the_table_of_seconds_stays_small() -> None:
    """A file of many years does not fill the memory."""
    for minute in range(10_000):
        parse_instant(rfc3339(EARLIEST + minute * instants.MINUTE + instants.MILLISECOND))
    assert len(instants._seconds) <= instants._MAX_CACHED_SECONDS
    assert len(instants._texts) <= instants._MAX_CACHED_SECONDS
