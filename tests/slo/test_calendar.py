"""Opening hours: local clocks, holidays, and the two nights on which the clock is changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.instants import DAY, MINUTE, SECOND
from streams.slo import ObjectiveError, parse_slo
from streams.slo.calendar import OpeningHours

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = """
calendar:
  time_zone: Europe/Berlin
  hours: {mon-fri: "08:00-18:00", sat: ["09:00-12:00", "13:00-16:00"]}
  holidays: [2026-05-25, "12-25"]
queues:
  night: {calendar: {hours: {mon-sun: "22:00-06:00"}}}
  always: {calendar: {hours: {}, holidays: []}}
"""


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    """Microseconds of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND


def hours(text: str, queue: str | None = None) -> OpeningHours:
    found = parse_slo(text).hours_of(queue)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("local", "is_open"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00:00", True),
        ("2026-11-23T17:59:59", True),
        ("2026-11-23T18:00:00", False),
        ("2026-11-28T12:30:00", False),
        ("2026-11-28T13:30:00", True),
        ("2026-11-29T10:00:00", False),
        ("2026-05-25T10:00:00", False),
        ("2026-12-25T10:00:00", False),
        ("2028-12-25T10:00:00", False),
    ],
)
def test_a_week_with_holidays(local: str, is_open: bool) -> None:
    """The hour of opening belongs to it, that of closing does not."""
    assert hours(OFFICE).is_open(at(local)) is is_open


@pytest.mark.parametrize(
    ("local", "is_open"),
    [
        ("2026-11-23T21:59:00", False),
        ("2026-11-23T23:00:00", True),
        ("2026-11-24T05:59:00", True),
        ("2026-11-24T06:00:00", False),
        # The night that begins on Christmas day is a holiday to its end, that before is not.
        ("2026-12-25T05:00:00", True),
        ("2026-12-25T23:00:00", False),
        ("2026-12-26T05:00:00", False),
    ],
)
def test_a_night_belongs_to_the_day_it_begins_on(local: str, is_open: bool) -> None:
    """A queue of its own has its own hours and the holidays of all."""
    assert hours(OFFICE, "night").is_open(at(local)) is is_open


def test_a_queue_without_hours_is_always_open() -> None:
    """Also where the centre has hours; and so is everybody by default."""
    assert parse_slo(OFFICE).hours_of("always") is None
    assert parse_slo("{}").hours_of("sales") is None
    assert not parse_slo("{}").has_calendar
    assert parse_slo(OFFICE).has_calendar


@pytest.mark.parametrize(
    ("day", "length"), [("2026-03-28", 8), ("2026-03-27", 8), ("2026-10-24", 8), ("2026-10-25", 8)]
)
def test_the_length_of_a_night_follows_the_clock(day: str, length: int) -> None:
    """From 22:00 to 06:00 local: seven hours when the clock goes forward, nine back."""
    night = hours(OFFICE, "night")
    begin = at(f"{day}T22:00:00")
    span = next(m for m in range(1, 24 * 60) if not night.is_open(begin + m * MINUTE)) / 60
    expected = {"2026-03-28": 7, "2026-10-24": 9}.get(day, length)
    assert span == expected


def test_opening_follows_the_local_clock_across_summer_time() -> None:
    """Friday before the change it opens at 7:00 UTC, Monday after it at 6:00 UTC."""
    office = hours(OFFICE)
    friday, saturday = at("2026-03-27T05:00:00"), at("2026-03-28T17:00:00")
    assert office.opening_at(friday) == at("2026-03-27T07:00", ZoneInfo("UTC"))
    assert office.opening_at(saturday) == at("2026-03-30T06:00", ZoneInfo("UTC"))


def test_while_it_is_open_the_moment_it_opened_is_told() -> None:
    """And of hours that never end, none."""
    office = hours(OFFICE)
    assert office.opening_at(at("2026-11-24T12:00")) == at("2026-11-24T08:00")
    assert office.opening_at(at("2026-11-28T15:00")) == at("2026-11-28T13:00")
    never = hours('calendar: {hours: {mon-sun: "00:00-24:00"}}')
    assert never.opening_at(at("2026-11-24T12:00")) == 0


ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
CLOCK = st.integers(0, 23).flatmap(
    lambda h: st.sampled_from([0, 15, 30]).map(lambda m: f"{h:02}:{m:02}")
)


@settings(max_examples=25, deadline=None)
@given(ZONES, CLOCK, CLOCK, st.integers(-400, 400))
def test_the_opening_is_what_looking_at_every_minute_finds(
    zone: str, start: str, end: str, offset: int
) -> None:
    """In zones with and without summer time, on the days of the change and on others."""
    if start == end:
        return
    local = ZoneInfo(zone)
    found = hours(f'calendar: {{time_zone: {zone}, hours: {{mon-sun: "{start}-{end}"}}}}')
    change = _change_of_clock(local)
    began = (round((change + timedelta(minutes=offset)).timestamp()) // 60) * 60 * SECOND
    opening = found.opening_at(began)
    if found.is_open(began):
        minute = began
        while found.is_open(minute - MINUTE) and began - minute < 2 * DAY:
            minute -= MINUTE
        assert opening == minute
    else:
        minute = began
        while not found.is_open(minute):
            minute += MINUTE
        assert opening == minute


def _change_of_clock(zone: ZoneInfo) -> datetime:
    """The first change of 2026, or noon of a day if there is none."""
    day = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(360 * 24):
        now = day + timedelta(hours=number)
        before, after = (
            each.astimezone(zone).utcoffset() for each in (now, now + timedelta(hours=1))
        )
        if before != after:
            return now
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{time_zone: Europe/Berln, hours: {mon: '08:00-18:00'}}", "no time zone 'Europe/Berln'"),
        ("{hours: {monn: '08:00-18:00', tues-frid: '8-9'}}", "are no hours"),
        ("{hours: {xyz: '08:00-18:00'}}", "is no day"),
        ("{hours: {mon: '08:00-25:00'}}", "are no hours"),
        ("{hours: {mon: 8}}", "calendar.hours"),
        ("{hours: {mon-wed: '08:00-18:00', tue: '08:00-18:00'}}", "tue is given twice"),
        ("{hours: {mon: []}}", "never be open"),
        ("{hours: {mon: '08:00-18:00'}, holidays: ['02-30']}", "'02-30' is no day"),
        ("{hours: {mon: '08:00-18:00'}, holidays: [2026-02-30]}", "YAML"),
        ("{holidays: [2026-12-24]}", "holidays need hours"),
        ("{hour: {mon: '08:00-18:00'}}", "did you mean hours"),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str, message: str) -> None:
    """With the place and what to write."""
    with pytest.raises(ObjectiveError, match=r"calendar|YAML") as caught:
        parse_slo(f"calendar: {text}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_holidays_are_dates_of_the_calendar() -> None:
    """As YAML reads them, or as text."""
    office = hours(OFFICE)
    assert office.holidays == {date(2026, 5, 25)}
    assert office.yearly == {(12, 25)}
