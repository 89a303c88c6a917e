"""Opening hours: when a queue is open, in its own time zone, with holidays.

Local clock times decide, so the hours of a day on which the clock is changed are an hour longer or
shorter, as everybody in the centre expects. Nothing here changes a verdict: a call that comes
outside of these hours is counted like any other.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from streams.instants import DAY, MINUTE, SECOND
from streams.slo.keys import Calendar

__all__ = ["DAYS", "CalendarError", "OpeningHours", "opening_hours"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON: Final = 400
BACK: Final = 8
"""Days to look ahead for the next opening, and back for when the present hours began."""

_HOURS: Final = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_MINUTES: Final = 24 * 60
_DATE: Final = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)")

Span = tuple[int, int]
"""Minutes of a local day; an end beyond the day is on the next one."""


class CalendarError(ValueError):
    """A calendar that cannot be meant; `key` is where, the text what to write."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Weekly hours of one queue. `yearly` holidays are (month, day)."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date]
    yearly: frozenset[tuple[int, int]]

    def is_open(self, at: int) -> bool:
        """Return whether it is open at an instant (microseconds since 1970)."""
        local = datetime.fromtimestamp(at / SECOND, self.zone)
        minute = local.hour * 60 + local.minute
        today, before = local.date(), local.date() - timedelta(days=1)
        return any(start <= minute < end for start, end in self.spans(today)) or any(
            minute < end - _MINUTES for _, end in self.spans(before)
        )

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the hours that begin on that local day."""
        closed = day in self.holidays or (day.month, day.day) in self.yearly
        return () if closed else self.week[day.weekday()]

    def opening_at(self, at: int) -> int:
        """Return when it opens next, or, while it is open, when it opened; both microseconds.

        Open for more than a week: 0. Closed for more than a year: that far ahead.
        """
        if not self.is_open(at):
            ahead = (each for day in range(HORIZON) for each in self._starts(at, day))
            never = at + HORIZON * DAY
            return next((each for each in ahead if each > at and self.is_open(each)), never)
        before = [each for day in range(-BACK, 1) for each in self._starts(at, day) if each <= at]
        began = (each for each in before[::-1] if not self.is_open(each - SECOND))
        return next((each for each in began if self.is_open(each)), 0)

    def _starts(self, at: int, days: int) -> list[int]:
        """When hours begin on the local day `days` after that of `at`, in order."""
        day = datetime.fromtimestamp(at / SECOND, self.zone).date() + timedelta(days=days)
        return sorted({each for start, _ in self.spans(day) for each in self._instants(day, start)})

    def _instants(self, day: date, minute: int) -> range:
        """When a local time is; if the clock skips or repeats it, every minute it may stand for."""
        local = datetime.combine(day, time(minute // 60, minute % 60), self.zone)
        both = [round(local.replace(fold=fold).timestamp()) * SECOND for fold in (0, 1)]
        return range(min(both), max(both) + 1, MINUTE)


@lru_cache(maxsize=256)
def _built(
    zone: str, hours: tuple[tuple[str, tuple[str, ...]], ...], holidays: tuple[str, ...]
) -> OpeningHours:
    try:
        key = ZoneInfo(zone)
    except (KeyError, OSError, ValueError) as error:
        text = f"there is no time zone {zone[:40]!r}; write one such as Europe/Berlin"
        raise CalendarError("time_zone", text) from error
    week: list[tuple[Span, ...]] = [()] * 7
    for days, spans in hours:
        for day in _days(days):
            if week[day]:
                raise CalendarError("hours", f"{DAYS[day]} is given twice; keep one of them")
            week[day] = tuple(sorted(_span(span) for span in spans))
    if not any(week):
        raise CalendarError("hours", "this would never be open; leave hours out for always")
    known = [_holiday(text) for text in holidays]
    return OpeningHours(
        key,
        tuple(week),
        frozenset(date(year, month, day) for year, month, day in known if year),
        frozenset((month, day) for year, month, day in known if not year),
    )


def opening_hours(calendar: Calendar) -> OpeningHours | None:
    """Return the hours that a calendar names; None: always open.

    Raises:
        CalendarError: an unknown time zone or day, hours or a date that are none.
    """
    if not calendar.hours:
        if calendar.holidays:
            text = 'holidays need hours; write hours: {mon-sun: "00:00-24:00"} if always open'
            raise CalendarError("hours", text)
        return None
    hours = tuple(
        (days, (spans,) if isinstance(spans, str) else tuple(spans))
        for days, spans in calendar.hours.items()
    )
    return _built(calendar.time_zone, hours, calendar.holidays)


def _days(text: str) -> range | tuple[int, ...]:
    names = [part.strip().lower()[:3] for part in text.split("-")]
    if any(name not in DAYS for name in names) or len(names) > 2:
        message = f"{text[:40]!r} is no day; write mon, tue ... sun, or mon-fri"
        raise CalendarError("hours", message)
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return range(first, last + 1) if first <= last else (*range(first, 7), *range(last + 1))


def _span(text: str) -> Span:
    found = _HOURS.fullmatch(text.strip())
    if found is not None:
        start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if start < _MINUTES >= end and max(start_minute, end_minute) < 60 and start != end:
            return start, end if end > start else end + _MINUTES
    raise CalendarError("hours", f'{text[:40]!r} are no hours; write "08:00-18:00" in quotes')


def _holiday(text: str) -> tuple[int, int, int]:
    found = _DATE.fullmatch(text)
    if found is not None:
        year, month, day = int(found[1] or 0), int(found[2]), int(found[3])
        try:
            date(year or 2000, month, day)
        except ValueError:
            pass
        else:
            return year, month, day
    message = f'{text[:40]!r} is no day; write 2026-12-24, or "12-25" for every year'
    raise CalendarError("holidays", message)
