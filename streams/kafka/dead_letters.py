"""Dead letters: records that cannot be used, passed on untouched with the reason beside them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from streams._version import __version__
from streams.kafka.batch import Record

__all__ = ["HEADER_PREFIX", "DeadLetter"]

HEADER_PREFIX: Final = "__callsla.errors."
"""Of the headers that say what is wrong and where the record came from."""


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

    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Return the record's own headers and then ours; those of an earlier round are replaced."""
        ours = {
            "reason": self.reason,
            "stage": self.stage,
            "topic": self.topic,
            "partition": str(self.partition),
            "offset": str(self.record.offset),
            "timestamp": str(self.record.timestamp),
            "version": __version__,
            "detail": self.detail,
        }
        kept = [pair for pair in self.record.headers if not pair[0].startswith(HEADER_PREFIX)]
        return [*kept, *((HEADER_PREFIX + name, text.encode()) for name, text in ours.items())]
