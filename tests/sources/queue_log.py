"""A queue_log in few words: lines in, events out."""

from collections.abc import Iterable

from streams.events import Event
from streams.instants import SECOND
from streams.sources import Options, Pseudonyms
from streams.sources.asterisk_queue_log import AsteriskQueueLog
from streams.sources.pseudonym import Key

T: int = 1_767_571_200
"""2026-01-05T00:00:00Z, where every log starts."""
PSEUDONYMS = Pseudonyms(Key("test", b"a secret of the tests"))


def line(seconds: int, rest: str) -> bytes:
    """Return the line written `seconds` into the story."""
    return f"{T + seconds}|{rest}\n".encode()


def log(*lines: tuple[int, str]) -> list[bytes]:
    return [line(*one) for one in lines]


def reader(**options: object) -> AsteriskQueueLog:
    return AsteriskQueueLog(Options(**{"pseudonyms": PSEUDONYMS, **options}))  # type: ignore[arg-type]


def events(lines: Iterable[bytes], **options: object) -> list[Event]:
    """Return what a new reader makes of `lines`; it must refuse none."""
    source = reader(**options)
    found = list(source.read(lines))
    assert source.rejected == {}
    return found


def told(found: Iterable[Event]) -> list[tuple[int, str]]:
    """Return second into the story and kind of every event."""
    return [(event.at // SECOND - T, event.kind) for event in found]


def customer(number: str) -> str:
    found = PSEUDONYMS.customer(number).id
    assert found is not None
    return found
