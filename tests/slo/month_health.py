"""Whether a month was healthy, by the calls alone: nothing of the ledger or the rules is in it."""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from streams.events import CallAbandoned, CallAnswered, CallOffered, Event
from streams.instants import HOUR, SECOND

__all__ = ["Health"]

TARGET: Final = 10 * SECOND
OPENS, CLOSES = 7, 22


class Health:
    """Of the calls that come while it is open: how many a human answered in time."""

    def __init__(self, begin: int, closed: Callable[[int], bool]) -> None:
        self._begin = begin
        self._closed = closed
        self._open: dict[str, int] = {}
        self._calls: dict[int, int] = defaultdict(int)
        self._kept: dict[int, int] = defaultdict(int)

    def hear(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, CallOffered):
            hour = (event.at - self._begin) // HOUR
            if OPENS <= hour % 24 < CLOSES and not self._closed(event.at):
                self._open[event.call_id] = event.at
                self._calls[hour] += 1
        elif isinstance(event, CallAnswered) and event.answered_by == "human":
            self._decide(event.call_id, event.at, self._kept, 1)
        elif isinstance(event, CallAbandoned):
            # Whoever gives up within the target is in neither number.
            self._decide(event.call_id, event.at, self._calls, -1)

    def _decide(self, call: str, at: int, counts: dict[int, int], by: int) -> None:
        began = self._open.pop(call, None)
        if began is not None and at - began <= TARGET:
            counts[(began - self._begin) // HOUR] += by

    def worst(self, hours: int) -> float:
        """Return the least share answered in time of any stretch of `hours` from midnight on."""
        calls: dict[int, int] = defaultdict(int)
        kept: dict[int, int] = defaultdict(int)
        for hour, number in self._calls.items():
            calls[hour // hours] += number
            kept[hour // hours] += self._kept[hour]
        return min(kept[each] / number for each, number in calls.items() if number)
