"""The worker's log: on stderr, as text or as one JSON object a line, without repetitions."""

import logging
import sys
import time
from typing import Final, TextIO

import orjson

from streams.settings import Settings

__all__ = ["configure_logging"]

REPEAT_SECONDS: Final = 10.0
_LIBRARIES: Final = ("aiokafka", "faust", "mode", "kafka", "asyncio")


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything of the level in `settings` to `stream` (default: stderr).

    Of the libraries only warnings are told, and each at most every ten seconds: while a broker is
    away, aiokafka logs twenty lines a second.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if settings.log_format == "json" else _Text())
    handler.addFilter(_without_credentials)
    handler.addFilter(_Repetitions())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _LIBRARIES:
        level = logging.DEBUG if settings.log_level == "debug" else logging.WARNING
        logging.getLogger(name).setLevel(level)
    if settings.log_level == "debug":
        # At debug kafka-python logs the bytes it sends, a password as well as anything else.
        logging.getLogger("kafka").setLevel(logging.INFO)


def _without_credentials(record: logging.LogRecord) -> bool:
    """At debug aiokafka logs every request, also the one that holds a password or a token."""
    return record.levelno > logging.DEBUG or "SaslAuthenticate" not in record.getMessage()


class _Repetitions(logging.Filter):
    """Lets a message of a library pass once in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in _LIBRARIES:
            return True
        key = (record.name, str(record.msg))
        now = time.monotonic()
        if now - self._passed.get(key, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        self._passed[key] = now
        return True


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(message)s")
        self.datefmt = "%Y-%m-%dT%H:%M:%S"
        self.converter = time.gmtime


class _Json(_Text):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(fields).decode()
