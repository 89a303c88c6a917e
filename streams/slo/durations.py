"""Durations as people write them: `250ms`, `10s`, `1h30m`; inside, whole microseconds."""

import re
from typing import Final

from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND

__all__ = ["LONGEST", "Duration", "brief", "compact", "last", "parse_duration", "words"]

LONGEST: Final = 366 * DAY
"""No promise of a call centre runs longer."""

_SHOWN: Final = 40

_UNITS: Final = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND}
_NAMES: Final = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}
_SYMBOLS: Final = {"d": "d", "h": "h", "m": "min", "s": "s", "ms": "ms"}
_PART: Final = re.compile(r"([0-9]{1,12})(ms|[dhms])")
_WHOLE: Final = re.compile(r"(?:[0-9]{1,12}(?:ms|[dhms]))+")


class Duration(int):
    """A length of time in microseconds, written in `slo.yaml` as `10s` or `1h30m`."""


def parse_duration(text: object) -> Duration:
    """Return the microseconds of a duration, such as `1h30m`.

    Raises:
        ValueError: not a duration, with what to write instead.
    """
    if not isinstance(text, str) or not _WHOLE.fullmatch(text.strip()):
        raise ValueError(_expected(text))
    length = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))
    if length > LONGEST:
        message = f"{text.strip()[:_SHOWN]} is longer than a year"
        raise ValueError(message)
    return Duration(length)


def compact(duration: int) -> str:
    """Return `duration` (microseconds) as `slo.yaml` and Prometheus write it: `1h30m`.

    Prometheus knows no microseconds; what is finer than a millisecond is dropped.
    """
    parts = [f"{count}{unit}" for count, unit in _split(duration)]
    return "".join(parts) or "0s"


def words(duration: int) -> str:
    """Return `duration` (microseconds) in words: `5 minutes`, `1 hour 30 minutes`."""
    parts = [
        f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}" for count, unit in _split(duration)
    ]
    return " ".join(parts) or "0 seconds"


def brief(duration: int) -> str:
    """Return `duration` (microseconds) with the symbols of its units: `10 s`, `1 h 30 min`."""
    return " ".join(f"{count} {_SYMBOLS[unit]}" for count, unit in _split(duration)) or "0 s"


def last(duration: int) -> str:
    """Return the span that ends now, in words: `the last 5 minutes`, `the last hour`."""
    return f"the last {words(duration)}".replace("last 1 ", "last ")


def _split(duration: int) -> list[tuple[int, str]]:
    parts = []
    for unit, length in _UNITS.items():
        count, duration = divmod(duration, length)
        if count:
            parts.append((count, unit))
    return parts


def _expected(given: object) -> str:
    if isinstance(given, int | float) and not isinstance(given, bool):
        number = str(given)
        if len(number) <= _SHOWN:
            return f"a duration needs its unit: write {number}s or {number}m, not {number}"
    return "expected a duration such as 250ms, 10s, 5m, 1h, 1d or 1h30m"
