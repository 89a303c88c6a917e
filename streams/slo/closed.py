"""When the whole centre is closed, as Alertmanager's time intervals."""

from itertools import groupby
from typing import Any, Final

from streams.slo.calendar import OpeningHours
from streams.slo.objective import Objective

__all__ = ["CLOSED", "closed_times"]

CLOSED: Final = "closed"
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY: Final = 24 * 60


def closed_times(objective: Objective) -> list[dict[str, Any]]:
    """Return when no queue is open; none if one always is, or they live in several time zones.

    Alertmanager knows local times, so summer time needs nothing here. A holiday counts if it is one
    for every queue.
    """
    names = [None, *objective.queues]
    hours = [objective.hours_of(name) for name in names]
    known = [each for each in hours if each is not None]
    if len(known) < len(hours) or len({each.zone.key for each in known}) != 1:
        return []
    zone = {"location": known[0].zone.key}
    week = [
        {"weekdays": [_DAYS[day]], "times": times, **zone}
        for day, times in enumerate(_closed_on(day, known) for day in range(7))
        if times
    ]
    return [*week, *({**day, **zone} for day in _holidays(known))]


def _closed_on(day: int, hours: list[OpeningHours]) -> list[dict[str, str]]:
    is_open = [False] * _DAY
    for each in hours:
        for start, end in each.week[day]:
            is_open[start:end] = [True] * (min(end, _DAY) - start)
        for _, end in each.week[day - 1]:
            is_open[: max(end - _DAY, 0)] = [True] * max(end - _DAY, 0)
    times, minute = [], 0
    for state, run in groupby(is_open):
        length = len(list(run))
        if not state:
            times.append({"start_time": _clock(minute), "end_time": _clock(minute + length)})
        minute += length
    return times


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _holidays(hours: list[OpeningHours]) -> list[dict[str, list[str]]]:
    dates = frozenset.intersection(*(each.holidays for each in hours))
    yearly = frozenset.intersection(*(each.yearly for each in hours))
    return [
        *(
            {"years": [str(d.year)], "months": [str(d.month)], "days_of_month": [str(d.day)]}
            for d in sorted(dates)
        ),
        *({"months": [str(month)], "days_of_month": [str(day)]} for month, day in sorted(yearly)),
    ]
