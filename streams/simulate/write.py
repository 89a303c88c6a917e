"""Events as JSON lines."""

import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from streams.events import Event, encode

__all__ = ["write_events", "write_to"]

_LINES_AT_A_TIME: Final = 1000


def write_events(events: Iterable[Event], stream: BinaryIO) -> int:
    """Write one event a line and return how many there were."""
    lines, written = map(encode, events), 0
    while block := list(islice(lines, _LINES_AT_A_TIME)):
        stream.write(b"\n".join(block) + b"\n")
        written += len(block)
    return written


def write_to(target: str, events: Iterable[Event]) -> int:
    """Write events to the file `target` ("-" is standard output); return how many there were.

    Raises:
        OSError: the file cannot be written.
    """
    if target == "-":
        written = write_events(events, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return written
    with Path(target).open("wb") as stream:
        return write_events(events, stream)
