"""What reading a queue_log has to remember, all of it bounded."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar
from zlib import crc32

from streams.instants import SECOND
from streams.sources.base import event_id
from streams.sources.pseudonym import Customer

__all__ = ["HOLD_SECONDS", "Caller", "Callers", "Held", "Line", "LineIds"]

HOLD_SECONDS: Final = 1
MAX_REMEMBERED: Final = 65_536

Kept = TypeVar("Kept")


class Line(NamedTuple):
    """One line of the log; `at` in microseconds since 1970."""

    at: int
    call_id: str
    queue: str | None
    agent: str | None
    event: str
    data: list[str]
    id: str


class Caller:
    """Who is on a call, since when (microseconds) and in which queue it began."""

    __slots__ = ("answered", "customer", "entered", "queue")

    def __init__(self, customer: Customer, queue: str | None, entered: int) -> None:
        self.customer = customer
        self.queue = queue
        self.entered = entered
        self.answered = False


class Callers(OrderedDict[str, Caller]):
    """The callers of the last 65,536 calls, by call id.

    In order: a plain dict looks for its oldest entry past all those that were deleted before it.
    """

    def add(self, call_id: str, caller: Caller) -> None:
        """Remember a caller, and forget the oldest one if there are too many."""
        self[call_id] = caller
        if len(self) > MAX_REMEMBERED:
            self.popitem(last=False)


class Held(Generic[Kept]):
    """Events held back, by call id, until the log is more than `span` (microseconds) further.

    Those of 65,536 calls at most: a log whose clock stands still must not fill the memory.
    """

    def __init__(self, span: int) -> None:
        self._span = span
        self._kept: dict[str, tuple[int, Sequence[Kept]]] = {}

    def keep(self, call_id: str, at: int, events: Sequence[Kept]) -> Sequence[Kept]:
        """Hold `events` back; return what was held for that call before, or for too long."""
        before = self.pop(call_id)
        self._kept[call_id] = (at, events)
        if len(self._kept) > MAX_REMEMBERED:
            return self.pop(next(iter(self._kept)))
        return before

    def pop(self, call_id: str) -> Sequence[Kept]:
        """Return what is held back for a call, and forget it."""
        return self._kept.pop(call_id, (0, ()))[1]

    def release(self, at: int | None = None) -> Iterator[Kept]:
        """Give out what is due when the log is at `at` (None: everything), oldest first."""
        while self._kept:
            call_id = next(iter(self._kept))
            # A clock that was set back must not hold anything for longer.
            if at is not None and 0 <= at - self._kept[call_id][0] <= self._span:
                return
            yield from self.pop(call_id)


class LineIds:
    """Event ids that depend on what a line says and not on the file it stands in.

    Lines that say the same in the same second are numbered; so are, for a new reader, those that
    a rotation tore apart, except for exact repetitions, which mean the same. Caller numbers are no
    part of an id: its short checksum could be turned back into one. Of one second the last 65,536
    different lines are remembered.
    """

    def __init__(self) -> None:
        self._second = 0
        self._seen: dict[str, int] = {}

    def of(self, at: int, call_id: str, event: str, where: str) -> str:
        """Return the id of a line about `event` of a call at `at` (microseconds)."""
        if at != self._second:
            self._second = at
            self._seen.clear()
        checksum = crc32(where.encode("utf-8", "surrogatepass"))
        line_id = event_id(at // SECOND, call_id, event, f"{checksum:08x}")
        count = self._seen[line_id] = self._seen.get(line_id, 0) + 1
        if len(self._seen) > MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return line_id if count == 1 else event_id(line_id, count)
