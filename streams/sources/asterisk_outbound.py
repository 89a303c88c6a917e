"""The outbound lines of a queue_log: which dials there were, and which reached somebody."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from streams.events import CallbackAttempted, CallbackConnected, Event, Rejected, check_instant
from streams.instants import DAY, SECOND
from streams.sources.asterisk_memory import HOLD_SECONDS, Held, Line
from streams.sources.base import Options, event_id

__all__ = ["OUTBOUND_EVENTS", "Outbound"]

UNREACHED: Final = {
    "OUTBUSY",
    "OUTCANCEL",
    "OUTCHANUNAVAIL",
    "OUTCONGESTION",
    "OUTFAILED",
    "OUTNOANSWER",
}
OUTBOUND_EVENTS: Final = ("OUTANSWER", "OUTCALL", "OUTDIAL", "OUTTRANSFER", *sorted(UNREACHED))
ANSWERED_STATUS: Final = frozenset({"ANSWER", "ANSWERED", "COMPLETED", "CONNECTED"})
MAX_DIALS: Final = 65_536
_LONG_NUMBER: Final = re.compile(r"\+?[0-9]{7,}")


class _Dial(NamedTuple):
    """A dial that is not decided: `customers` are the number's pseudonyms."""

    id: str
    at: int
    customers: tuple[str, ...]
    queue: str | None
    agent: str | None


class Outbound:
    """Turns outbound lines into callbacks; holds a failed dial back in case it is tried again."""

    def __init__(self, source: str, options: Options) -> None:
        self._source = source
        self._pseudonyms = options.pseudonyms
        self._prefix = options.dial_prefix
        self._dials: dict[str, _Dial] = {}
        self._failed: Held[_Dial] = Held(HOLD_SECONDS * SECOND)

    def release(self, at: int | None = None) -> Iterator[Event]:
        """Give out the failed dials that no retry took up."""
        for dial in self._failed.release(at):
            yield from self._attempted(dial)

    def give_up(self) -> Iterator[Event]:
        """Give out every dial whose end was never written: it was begun."""
        yield from self.release()
        for dial in self._dials.values():
            yield from self._attempted(dial)
        self._dials.clear()

    def without_numbers(self, agent: str) -> str:
        """Return an agent's name with a telephone number in it replaced by its pseudonym."""
        return _LONG_NUMBER.sub(lambda found: self._pseudonyms.customer(found[0]).id or "", agent)

    def events(self, line: Line, customer: str | None) -> Iterable[Event]:
        """Return the events of one line of the `OUT...` family.

        `customer` is who is known to be on the line's call, if it names no number itself.
        """
        if line.event == "OUTDIAL":
            return self._dialled(line)
        if line.event == "OUTANSWER":
            return self._answered(line)
        if line.event == "OUTCALL":
            return self._updated(line, customer)
        return self._unreached(line) if line.event in UNREACHED else ()

    def _dialled(self, line: Line) -> Iterator[Event]:
        dial = self._dial(line, line.data[0] if line.data else "", line.at)
        retried = [was for was in self._failed.pop(line.call_id) if was.customers == dial.customers]
        before = self._dials.pop(line.call_id, None)
        self._dials[line.call_id] = retried[0] if retried else dial
        if before is not None:
            yield from self._attempted(before)
        if len(self._dials) > MAX_DIALS:
            yield from self._attempted(self._dials.pop(next(iter(self._dials))))

    def _answered(self, line: Line) -> Iterator[Event]:
        if len(line.data) < 4:
            message = "OUTANSWER lacks number, result, seconds to answer or talk seconds"
            raise Rejected("malformed", message)
        self._dials.pop(line.call_id, None)
        self._failed.pop(line.call_id)
        talk = _seconds(line.data[3])
        yield from self._connected(self._dial(line, line.data[0], line.at - talk))

    def _unreached(self, line: Line) -> Iterator[Event]:
        dial = self._dials.pop(line.call_id, None)
        if dial is None:
            rang = _seconds(line.data[2]) if len(line.data) > 2 else 0
            dial = self._dial(line, line.data[0] if line.data else "", line.at - rang)
        for before in self._failed.keep(line.call_id, line.at, [dial]):
            yield from self._attempted(before)

    def _updated(self, line: Line, known: str | None) -> Iterator[Event]:
        """`status|talk seconds|params`; params are commonly `seconds since dialling | number`."""
        if len(line.data) < 2:
            message = "OUTCALL lacks status or talk time"
            raise Rejected("malformed", message)
        status, talk, *params = (part.strip() for part in line.data)
        params = [part.rpartition("=")[2] for part in params if part]
        number = params[-1] if params else ""
        if status.upper() in ANSWERED_STATUS:
            at = line.at - _seconds(talk)
            yield from self._connected(self._dial(line, number, at, known))
        else:
            since = _seconds(params[0]) if len(params) > 1 and params[0].isdigit() else 0
            yield from self._attempted(self._dial(line, number, line.at - since, known))

    def _dial(self, line: Line, written: str, at: int, known: str | None = None) -> _Dial:
        number = written.removeprefix(self._prefix)
        customer = self._pseudonyms.customer(number).id or known
        if customer is None:
            message = f"{line.event} names no number"
            raise Rejected("missing_id", message)
        customers = (customer, *self._pseudonyms.former(number, at))
        return _Dial(line.id, check_instant(at), customers, line.queue, line.agent)

    def _attempted(self, dial: _Dial) -> Iterator[Event]:
        for common in self._common(dial):
            yield CallbackAttempted(**common)

    def _connected(self, dial: _Dial) -> Iterator[Event]:
        for common in self._common(dial):
            yield CallbackConnected(**common, reached="human")

    def _common(self, dial: _Dial) -> Iterator[dict[str, Any]]:
        for number, customer in enumerate(dial.customers):
            yield {
                "id": dial.id if number == 0 else event_id(dial.id, number),
                "at": dial.at,
                "source": self._source,
                "queue": dial.queue,
                "customer": customer,
                "agent": dial.agent,
            }


def _seconds(text: str) -> int:
    """Return `text` (whole seconds) in microseconds.

    Raises:
        Rejected: no number, or more than a day.
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        message = "not a number of seconds"
        raise Rejected("malformed", message)
    seconds = int(text) * SECOND
    if seconds > DAY:
        message = "a call of more than a day"
        raise Rejected("malformed", message)
    return seconds
