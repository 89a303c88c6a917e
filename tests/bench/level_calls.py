"""Calls at an even pace: what is to be remembered of them is the same in every minute.

A simulated centre would be nearer to life, but its load drifts: its agents tire and callers ring
again, and of a worker that keeps a tenth more nobody could say why.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, Final

from streams.event_types import (
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackConnected,
    CallEnded,
    CallOffered,
    CallQueued,
    Event,
)
from streams.instants import SECOND
from streams.simulate.recorder import Delivery

__all__ = ["EVENTS_A_CALL", "level_calls"]

EVENTS_A_CALL: Final = 4.05
QUEUES: Final = 50
SOURCES: Final = 4
_AGAIN: Final = 40 * SECOND
"""After so long every seventh caller is one who has called before."""


def level_calls(start: int, calls_a_second: float) -> Iterator[Delivery]:
    """Yield the events of endless calls in their order, from `start` on (microseconds).

    Of ten calls nine are answered after 1 to 12 seconds and one is given up; of these every second
    customer is called back in 40 seconds, the others are not reached.
    """
    step = SECOND / calls_a_second
    again = round(_AGAIN / step)
    waiting: list[tuple[int, int, Delivery]] = []
    number = count = 0
    while True:
        at = start + round(number * step)
        while waiting and waiting[0][0] <= at:
            yield heappop(waiting)[2]
        for event in _call(number, at, number - again if number % 7 == 0 else number):
            heappush(waiting, (event.at, count, Delivery(event.at, _key(event), event)))
            count += 1
        number += 1


def _key(event: Any) -> str:
    key: str = event.customer
    return key


def _call(number: int, at: int, customer: int) -> Iterator[Event]:
    about: dict[str, Any] = {
        "source": f"pbx-{number % SOURCES}",
        "call_id": f"call-{number}",
        "queue": f"queue-{number // 3 % QUEUES:02}",
        "customer": f"2026a:{customer & 0xFFFF_FFFF:032x}",
    }
    yield CallOffered(id=f"o{number}", at=at, **about)
    yield CallQueued(id=f"q{number}", at=at + SECOND // 2, **about)
    if number % 10:
        answered = at + (1 + number % 12) * SECOND
        yield CallAnswered(id=f"a{number}", at=answered, answered_by="human", **about)
        ended = answered + (5 + number % 30) * SECOND
        yield CallEnded(id=f"e{number}", at=ended, ended_by="customer", **about)
        return
    yield CallAbandoned(id=f"x{number}", at=at + 7 * SECOND, **about)
    yield CallbackAttempted(id=f"t{number}", at=at + 30 * SECOND, **about)
    if number % 20:
        return
    connected = at + 40 * SECOND
    yield CallbackConnected(id=f"c{number}", at=connected, reached="human", **about)
