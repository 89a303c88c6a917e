"""Times as people's tables hold them."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.events import Rejected, check_instant
from streams.instants import SECOND, from_datetime, parse_instant
from streams.sources.errors import SourceError

__all__ = ["TimeReader"]

_EPOCH: Final = re.compile(r"[0-9]{9,13}(?:\.[0-9]{1,9})?")
_ZONE: Final = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})\Z", re.IGNORECASE)
_DATE_LENGTH: Final = len("2026-11-23")
_FIRST_MILLISECONDS: Final = 10**11
"""A lower number is seconds (until the year 5138), a higher one milliseconds (since 1973)."""


class TimeReader:
    """Reads RFC 3339, epoch seconds or milliseconds and, if told the `timezone`, local times.

    Raises:
        SourceError: no such time zone.
    """

    def __init__(self, timezone: str | None) -> None:
        self._zone = _zone(timezone) if timezone else None

    def read(self, text: str, column: str) -> int:
        """Return the microseconds since 1970.

        Raises:
            Rejected: no such time; the detail names the column and never the value.
        """
        try:
            return check_instant(self._read(text))
        except Rejected:
            detail = f"the time lies outside the years 1990 to 2099 - at `{column}`"
        except (ValueError, OverflowError):
            detail = f"not a time with a zone - at `{column}`"
            if self._zone is None and _is_local(text):
                detail = f"a local time without a zone; say which by timezone - at `{column}`"
        raise Rejected("bad_time", detail)

    def _read(self, text: str) -> int:
        if _EPOCH.fullmatch(text):
            number = Decimal(text)
            return int(number * (SECOND if number < _FIRST_MILLISECONDS else SECOND // 1000))
        if _ZONE.search(text) or self._zone is None:
            return parse_instant(text)
        moment = datetime.fromisoformat(text)
        if len(text) <= _DATE_LENGTH:
            message = "a date is no time"
            raise ValueError(message)
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"no time zone {timezone!r}; it must be an IANA name such as Europe/Berlin"
        raise SourceError(message) from None


def _is_local(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False
