"""What every source has in common: its options, its counters, how it refuses a record."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, TypeAlias

from streams.events import Event, Rejected
from streams.ledger.kinds import Told, told
from streams.sources.pseudonym import Pseudonyms

__all__ = ["MAX_LINE_BYTES", "MAX_NAME", "Options", "Source", "event_id", "name"]

MAX_LINE_BYTES: Final = 1 << 20
"""A longer line is cut there by `open_input` and `follow`, and refused as `too_long`."""
MAX_NAME: Final = 128

RefusalHook: TypeAlias = Callable[[int, str, str], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a vendor's records are to be read; every option may be left out.

    `source` names the source in the events (default: the format's own name). `pseudonyms` turns
    numbers into customers (default: keyed from the environment). `timezone` (an IANA name) is that
    of local times without a zone; without it they are refused. `callback_keys` are the keys by
    which a waiting caller asks to be called back. `dial_prefix` is what agents dial before a number
    to get an outside line. `on_rejected` is told line number, reason and detail of every refused
    record; the detail never holds a value.
    """

    source: str | None = None
    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms.from_environment)
    timezone: str | None = None
    callback_keys: frozenset[str] = frozenset()
    dial_prefix: str = ""
    on_rejected: RefusalHook | None = None


class Source(ABC):
    """Turns a vendor's records into canonical events. Does no input or output itself.

    `records` counts the lines or rows read (headers and blank lines excluded), `rejected` the
    refused ones by reason (one of `streams.events.REASONS`), `unknown_fields` the fields or columns
    tolerated without being understood.
    """

    format: str

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.source = self.options.source or self.format
        self.records = 0
        self.rejected: dict[str, int] = {}

    @property
    def unknown_fields(self) -> int:
        """Fields that were tolerated without being understood."""
        return 0

    @abstractmethod
    def read(self, lines: Iterable[bytes]) -> Iterator[Event]:
        """Yield the events in `lines`, of one file or of several one after the other.

        An empty line `b""` (without line end) says that nothing more has come for now.

        Raises:
            SourceError: the input as a whole cannot be read; a bad record never raises.
        """

    def told(self, lines: Iterable[bytes]) -> Iterator[Told]:
        """Yield what a ledger takes of the events in `lines`.

        Raises: as `read`.
        """
        return map(told, self.read(lines))

    def refuse(self, line_number: int, error: Rejected) -> None:
        """Count a refused record."""
        self.rejected[error.reason] = self.rejected.get(error.reason, 0) + 1
        if self.options.on_rejected is not None:
            self.options.on_rejected(line_number, error.reason, str(error))


def event_id(*parts: str | int) -> str:
    """Return a deterministic event id made of `parts`, never longer than an id may be."""
    text = ":".join(map(str, parts))
    if len(text) <= MAX_NAME:
        return text
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def name(text: str, place: str) -> str | None:
    """Return `text` if it can be a name, None if it is empty.

    Raises:
        Rejected: longer than 128 characters.
    """
    if len(text) <= MAX_NAME:
        return text or None
    detail = f"longer than {MAX_NAME} characters - at `{place}`"
    raise Rejected("too_long", detail)
