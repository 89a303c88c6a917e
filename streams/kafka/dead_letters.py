"""Dead letters: records that cannot be used, passed on untouched with the reason beside them."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from streams._version import __version__
from streams.kafka.batch import Record

__all__ = [
    "HEADERS",
    "HEADER_PREFIX",
    "MARK_HEADER",
    "ORIGIN_HEADER",
    "REPLAYS_HEADER",
    "REPLAY_PREFIX",
    "VALUE_OMITTED",
    "DeadLetter",
    "replays",
]

HEADER_PREFIX: Final = "__callsla.errors."
"""Of the headers that say what is wrong and where the record came from."""
HEADERS: Final = (
    "reason",
    "stage",
    "message",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "attempt",
    "app",
    "version",
)
"""What follows `HEADER_PREFIX` in every dead letter; the values are text."""
VALUE_OMITTED: Final = f"{HEADER_PREFIX}value_omitted"
"""Says that the record was too large for the topic and left its value where it came from."""

REPLAY_PREFIX: Final = "__callsla.replay."
"""Of the headers that a replayed record carries; a dead letter made of it has them too."""
REPLAYS_HEADER: Final = f"{REPLAY_PREFIX}count"
"""How often the record has been replayed."""
ORIGIN_HEADER: Final = f"{REPLAY_PREFIX}origin"
"""Where the record was refused for the first time, as `Place` writes it."""
MARK_HEADER: Final = f"{REPLAY_PREFIX}mark"
"""Of a record that is no dead letter: it notes which ones have been replayed."""
_MAX_DIGITS: Final = 6


class DeadLetter(NamedTuple):
    """One refused record and why.

    `reason` is one of `streams.events.REASONS`, `stage` says who refused it (`decode`, `ledger` or
    `normalise`), `detail` is a sentence without any value of the record.
    """

    record: Record
    topic: str
    partition: int
    stage: str
    reason: str
    detail: str

    def headers(self, app: str = "callsla") -> Sequence[tuple[str, bytes]]:
        """Return the record's own headers and then ours; those of an earlier round are replaced.

        `app` is the consumer group that refused the record.
        """
        ours = {
            "reason": self.reason,
            "stage": self.stage,
            "message": self.detail,
            "topic": self.topic,
            "partition": str(self.partition),
            "offset": str(self.record.offset),
            "timestamp": str(self.record.timestamp),
            "attempt": str(replays(self.record.headers) + 1),
            "app": app,
            "version": __version__,
        }
        kept = [pair for pair in self.record.headers if not pair[0].startswith(HEADER_PREFIX)]
        return [*kept, *((HEADER_PREFIX + name, text.encode()) for name, text in ours.items())]


def replays(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """Return how often the record with these `headers` has been replayed.

    A count that nobody can read is one replay: too careful rather than a loop.
    """
    found = [value for name, value in headers if name == REPLAYS_HEADER]
    if not found:
        return 0
    text = found[-1] or b""
    return max(1, int(text)) if text.isdigit() and len(text) <= _MAX_DIGITS else 1
