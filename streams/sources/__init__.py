"""A vendor's records -> canonical events, one module a vendor.

    source = FORMATS["asterisk-queue-log"](Options())
    for event in source.read(open_input("queue_log.1.gz", "queue_log")):
        ...

A source does no input or output itself: lines go in (from `open_input`, `follow` or anywhere else),
events come out. Give all files of one log to one `read`, oldest first: a call may begin in one and
end in the next.
"""

from typing import Final

from streams.sources.asterisk_queue_log import AsteriskQueueLog
from streams.sources.base import MAX_LINE_BYTES, Options, Source
from streams.sources.call_records import CallRecords
from streams.sources.canonical import CanonicalEvents
from streams.sources.errors import SourceError
from streams.sources.follow import follow
from streams.sources.inputs import open_input
from streams.sources.pseudonym import Pseudonyms

__all__ = [
    "FORMATS",
    "MAX_LINE_BYTES",
    "Options",
    "Pseudonyms",
    "Source",
    "SourceError",
    "follow",
    "open_input",
]

FORMATS: Final[dict[str, type[Source]]] = {
    "events": CanonicalEvents,
    "asterisk-queue-log": AsteriskQueueLog,
    "call-records": CallRecords,
}
"""What `--from` takes, and what reads it."""
