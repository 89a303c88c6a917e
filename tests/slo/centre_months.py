"""A simulated centre for a month: its minutes as the exporter shows them, a stretch at a time.

As `centre_days`, but of `callsla simulate`'s centre, and in stretches: a month of all series would
not fit into memory.
"""

import heapq
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from centre_days import exported_samples, since
from ledger_workers import Worker
from month_health import Health

from streams.events import CallbackConnected, CallOffered, CallRejected, Event
from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.simulate import Centre, CentreConfig, Delivery
from streams.slo import Kept, Objective

__all__ = ["QUARTER", "Month", "Span", "Stretch", "stretch", "stretches"]

LONGEST: Final = 24 * 60
"""Minutes of a stretch without those before it."""
QUARTER: Final = 15
FEW: Final = 40
"""Of so many calls of an open day one comes on a closed one."""
MORNING: Final = 7 * HOUR
"""When it opens, and those who called while it was closed all day are called back."""
APART: Final = 10 * SECOND
"""Between two of these callbacks: everybody at the desk begins with them."""

Shown = dict[str, float]
"""What one scrape shows."""
Span = tuple[int, int]
"""First and last minute."""


@dataclass(frozen=True)
class Stretch:
    """The values of every series from minute `first` on, one every `step` minutes."""

    first: int
    step: int
    looks: int
    series: dict[str, list[str]]


class Month:
    """The centre, minute by minute.

    `calls` counts those that were offered; `quarters` keeps what each quarter of an hour shows.
    """

    def __init__(
        self, objective: Objective, config: CentreConfig, closed: Callable[[int], bool], seed: int
    ) -> None:
        """`closed` says of an instant whether that day is closed all day."""
        self.calls = 0
        self.quarters: list[Shown] = []
        self.begin = config.start
        self._grace = objective.time.grace
        self._closed = closed
        self.health = Health(config.start, closed)
        self._called_back: dict[int, int] = {}
        self._worker = Worker(rules=objective.rules())
        self._worker.keeping = Kept(objective)
        self._owned = self._worker.assign(0)
        self._dropped: set[str] = set()
        self._events = self._heard(Centre(config, seed).deliveries())
        self._next = next(self._events)

    def minute(self, number: int, metrics: set[str]) -> Shown:
        """Go on to that minute and return what a scrape then shows of `metrics`."""
        now = self.begin + number * MINUTE
        owned = self._owned
        while self._next.at <= now:
            owned.ledger.apply(self._next)
            owned.ledger.advance(max(self._next.at - self._grace, owned.ledger.now))
            self._next = next(self._events)
        owned.last_heartbeat_at, owned.lag = now, 0
        owned.tick(max(now - self._grace, owned.ledger.now))
        self._worker.last_tick_at = self._worker.last_fetch_at = now / SECOND
        shown = exported_samples(self._worker, now)
        found = {name: value for name, value in shown if name.split("{")[0] in metrics}
        if number % QUARTER == 0:
            self.quarters.append(found)
        return found

    def _heard(self, deliveries: Iterable[Delivery]) -> Iterator[Event]:
        """In the order in which they happen; an outbound call may be logged only when it ends."""
        held: list[tuple[int, int, Event]] = []
        serial = count()
        for delivery in deliveries:
            for event in self._as_it_was(delivery.event):
                self.health.hear(event)
                heapq.heappush(held, (event.at, next(serial), event))
            while held and held[0][0] < delivery.at - 10 * MINUTE:
                yield heapq.heappop(held)[2]

    def _as_it_was(self, event: Event) -> Iterator[Event]:
        """On a closed day few call, and nobody answers; they are called back when it opens."""
        call = getattr(event, "call_id", None)
        if not isinstance(event, CallOffered):
            if call not in self._dropped:
                yield event
            return
        closed = self._closed(event.at)
        if closed:
            self._dropped.add(event.call_id)
        if closed and zlib.crc32(event.call_id.encode()) % FEW:
            return
        self.calls += 1
        yield event
        if closed:
            yield from self._turned_away(event)

    def _turned_away(self, call: CallOffered) -> Iterator[Event]:
        who: dict[str, Any] = {"call_id": call.call_id, "customer": call.customer}
        who["source"] = call.source
        yield CallRejected(id=f"{call.id}/closed", at=call.at + SECOND, **who)
        if not call.anonymous:
            back = self._when_called_back(call.at)
            yield CallbackConnected(id=f"{call.id}/back", at=back, reached="human", **who)

    def _when_called_back(self, at: int) -> int:
        day = (at - self.begin) // DAY + 1
        while self._closed(self.begin + day * DAY):
            day += 1
        place = self._called_back[day] = self._called_back.get(day, 0) + 1
        return self.begin + day * DAY + MORNING + place * APART


def stretches(
    month: Month, spans: Iterable[Span], warm: int, metrics: set[str]
) -> Iterator[Stretch]:
    """Yield each of the `spans`, in their order, with up to `warm` minutes before it."""
    kept: deque[Shown] = deque(maxlen=warm + LONGEST)
    number = 0
    for first, last in spans:
        while number <= last:
            kept.append(month.minute(number, metrics))
            number += 1
        begins = max(first - warm, number - len(kept))
        yield stretch(list(kept)[begins - number :], month.begin, begins)


def stretch(shown: Iterable[Shown], begin: int, first: int, step: int = 1) -> Stretch:
    """Return what was shown from minute `first` after `begin` on as promtool is told it."""
    series: dict[str, list[str]] = {}
    zero = (begin + first * MINUTE) / SECOND
    looks = 0
    for looks, each in enumerate(shown, 1):
        for name, value in each.items():
            values = series.setdefault(name, ["_"] * (looks - 1))
            values += ["stale"] * (looks - 1 - len(values))
            values.append(f"{since(name, value, zero):.10g}")
    return Stretch(first, step, looks, series)
