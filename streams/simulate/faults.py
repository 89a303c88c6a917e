"""What goes wrong between a telephone system and Kafka.

Each fault has a generator of its own: what one does to an event does not depend on the others.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from random import Random
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from streams.events import (
    CallAbandoned,
    CallEnded,
    CallEvent,
    CallRejected,
    Event,
    SourceEvent,
    SourceRestarted,
)
from streams.instants import HOUR, MILLISECOND, MINUTE, SECOND
from streams.simulate.draws import between, exponential, stream
from streams.simulate.recorder import Delivery

__all__ = ["FAULTS", "FaultRates", "inject", "parse_faults"]


class FaultRates(Struct, frozen=True, kw_only=True):
    """How often and how badly; durations in microseconds, shares of the events."""

    duplicate: float = 0.01
    duplicate_delay: tuple[int, int] = (0, 30 * SECOND)
    disorder: float = 0.05
    disorder_delay: tuple[int, int] = (0, 30 * SECOND)
    lost: float = 0.001
    late: float = 0.002
    late_delay: tuple[int, int] = (1 * MINUTE, 55 * MINUTE)
    very_late: float = 0.1
    """Of the late ones: beyond a lateness of an hour."""
    very_late_delay: tuple[int, int] = (65 * MINUTE, 4 * HOUR)
    restart_every: int = 10 * MINUTE
    skew: tuple[int, int] = (1 * SECOND, 5 * SECOND)
    """How far the clock of the first source seen is off, ahead or behind."""


_Deliveries: TypeAlias = Iterator[Delivery]
_Fault: TypeAlias = Callable[[_Deliveries, Random, FaultRates], _Deliveries]


def parse_faults(text: str) -> tuple[str, ...]:
    """Return the faults named in a list such as `late,duplicate`.

    Raises:
        ValueError: there is no such fault.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in FAULTS:
            message = f"there is no fault {name!r}; choose from {', '.join(FAULTS)}"
            raise ValueError(message)
    return names


def inject(
    deliveries: Iterable[Delivery],
    faults: Iterable[str],
    seed: int,
    rates: FaultRates | None = None,
) -> Iterator[Delivery]:
    """Yield the deliveries as a faulty feed brings them, in the order of delivery.

    Keys stay those of the whole feed: an event keeps its partition whatever happened to others.

    Raises:
        KeyError: a fault that is none of `FAULTS`.
    """
    rates, wanted, faulty = rates or FaultRates(), set(faults), iter(deliveries)
    for name in FAULTS:
        if name in wanted:
            faulty = FAULTS[name](faulty, stream(seed, f"fault {name}"), rates)
    return faulty


def _restart(deliveries: _Deliveries, rng: Random, rates: FaultRates) -> _Deliveries:
    """Sources restart; of the calls they had open nothing is heard again."""
    restarts = _Restarts(rng, rates.restart_every)
    for delivery in deliveries:
        restarted = restarts.due(delivery)
        if restarted is not None:
            yield restarted
        if not restarts.forgets(delivery.event):
            yield delivery


class _Restarts:
    """Which source restarts when, and which calls it lost by that."""

    def __init__(self, rng: Random, every: int) -> None:
        self._rng = rng
        self._every = every
        self._next: int | None = None
        self._open: dict[str, dict[str, None]] = {}
        self._lost: dict[str, None] = {}

    def due(self, delivery: Delivery) -> Delivery | None:
        """Return a restart that falls just before this delivery."""
        at = delivery.at
        if self._next is None:
            self._next = at + round(self._every * self._rng.random())
        if at < self._next or not self._open:
            return None
        self._next = at + exponential(self._rng, self._every)
        source = list(self._open)[int(self._rng.random() * len(self._open))]
        self._lost.update(self._open[source])
        self._open[source].clear()
        return Delivery(at, None, _restarted(source, at, delivery.event))

    def forgets(self, event: Event) -> bool:
        """Say whether the event belongs to a call that a restart lost."""
        if not isinstance(event, CallEvent):
            return False
        over = isinstance(event, CallEnded | CallAbandoned | CallRejected)
        if event.call_id in self._lost:
            if over:
                del self._lost[event.call_id]
            return True
        calls = self._open.setdefault(event.source, {})
        if over:
            calls.pop(event.call_id, None)
        else:
            calls[event.call_id] = None
        return False


def _restarted(source: str, at: int, following: Event) -> SourceRestarted:
    id_ = f"{following.id}-{following.source}-restart"
    return SourceRestarted(id=id_, at=at - at % MILLISECOND, source=source, reason="crash")


def _skew(deliveries: _Deliveries, rng: Random, rates: FaultRates) -> _Deliveries:
    """The clock of one source is off by the same time throughout."""
    offset = between(rng, rates.skew) // SECOND * SECOND * (1 if rng.random() < 0.5 else -1)
    skewed: str | None = None
    for delivery in deliveries:
        event = delivery.event
        skewed = skewed or event.source
        if event.source == skewed:
            event = replace(event, at=event.at + offset)
        yield delivery._replace(event=event)


def _lost(deliveries: _Deliveries, rng: Random, rates: FaultRates) -> _Deliveries:
    """Some events of calls and callbacks never arrive."""
    for delivery in deliveries:
        if isinstance(delivery.event, SourceEvent) or rng.random() >= rates.lost:
            yield delivery


def _duplicate(deliveries: _Deliveries, rng: Random, rates: FaultRates) -> _Deliveries:
    """Some events arrive a second time."""

    def copies(delivery: Delivery) -> Iterator[Delivery]:
        yield delivery
        if rng.random() < rates.duplicate:
            yield _delayed(delivery, between(rng, rates.duplicate_delay))

    return _in_delivery_order(deliveries, copies)


def _disorder(deliveries: _Deliveries, rng: Random, rates: FaultRates) -> _Deliveries:
    """Some events are overtaken by others."""

    def overtaken(delivery: Delivery) -> Iterator[Delivery]:
        if rng.random() < rates.disorder:
            delivery = _delayed(delivery, between(rng, rates.disorder_delay))
        yield delivery

    return _in_delivery_order(deliveries, overtaken)


def _late(deliveries: _Deliveries, rng: Random, rates: FaultRates) -> _Deliveries:
    """A few events arrive minutes or hours later."""

    def postponed(delivery: Delivery) -> Iterator[Delivery]:
        if rng.random() < rates.late:
            very = rng.random() < rates.very_late
            delay = between(rng, rates.very_late_delay if very else rates.late_delay)
            delivery = _delayed(delivery, delay)
        yield delivery

    return _in_delivery_order(deliveries, postponed)


def _delayed(delivery: Delivery, delay: int) -> Delivery:
    return delivery._replace(at=delivery.at + delay)


def _in_delivery_order(
    deliveries: _Deliveries, change: Callable[[Delivery], Iterator[Delivery]]
) -> _Deliveries:
    """Yield what `change` makes of each delivery, none of it earlier than the original."""
    held: list[tuple[int, int, Delivery]] = []
    count = 0
    for original in deliveries:
        while held and held[0][0] <= original.at:
            yield heappop(held)[2]
        for delivery in change(original):
            if delivery.at <= original.at:
                yield delivery
            else:
                count += 1
                heappush(held, (delivery.at, count, delivery))
    while held:
        yield heappop(held)[2]


FAULTS: Final[dict[str, _Fault]] = {
    "restart": _restart,
    "skew": _skew,
    "lost": _lost,
    "late": _late,
    "disorder": _disorder,
    "duplicate": _duplicate,
}
"""By name, in the order in which they are applied: first the source, then the way."""
