"""Durations are read as people write them and written as they read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from streams.slo.durations import LONGEST, brief, compact, last, parse_duration, words


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("250ms", 250 * MILLISECOND),
        ("10s", 10 * SECOND),
        ("5m", 5 * MINUTE),
        ("1h", HOUR),
        ("1d", DAY),
        ("1h30m", 90 * MINUTE),
        ("1m250ms", MINUTE + 250 * MILLISECOND),
        (" 10s ", 10 * SECOND),
        ("0s", 0),
    ],
)
def test_a_duration_is_a_sum_of_numbers_with_units(text: str, length: int) -> None:
    """Every unit of DESIGN section 7, and sums of them."""
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "10", "s", "1.5h", "-1s", "10 s", "1w", "10S", "1h 30m", "ten", None, True, [1]]
)
def test_anything_else_is_refused_with_an_example(text: object) -> None:
    """The message shows what a duration looks like."""
    with pytest.raises(ValueError, match="1h30m"):
        parse_duration(text)


def test_a_bare_number_is_told_that_it_lacks_a_unit() -> None:
    """10 could be seconds or minutes; the message offers both."""
    with pytest.raises(ValueError, match="write 10s or 10m, not 10"):
        parse_duration(10)


def test_longer_than_a_year_is_refused() -> None:
    """However many digits it has."""
    with pytest.raises(ValueError, match="longer than a year"):
        parse_duration("999999999999d")


@given(st.integers(0, LONGEST // MILLISECOND))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    """`compact` and `parse_duration` are each other's inverse, down to the millisecond."""
    length = milliseconds * MILLISECOND
    assert parse_duration(compact(length)) == length


def test_words_for_people() -> None:
    """Symbols with a space, plural where it belongs, `the last hour` without a one."""
    assert brief(90 * MINUTE) == "1 h 30 min"
    assert words(MINUTE + 5 * SECOND) == "1 minute 5 seconds"
    assert last(HOUR) == "the last hour"
    assert last(5 * MINUTE) == "the last 5 minutes"
