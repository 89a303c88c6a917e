"""A worker's assignment over ports in memory."""

from log_in_memory import LOG_TOPIC, Clock, MemoryLog, MemoryPorts
from records import TOPIC

from streams.events import CallOffered, Event
from streams.instants import SECOND
from streams.kafka.assignment import Assignment
from streams.kafka.ledgerlog.records import Epoch, Tick
from streams.ledger import Rules

__all__ = ["BASE", "assignment", "calls", "epochs", "take_in", "tick_count"]

BASE = 1_772_445_600 * SECOND


def calls(number: int, first: int = 0) -> list[Event]:
    return [CallOffered(id=f"o{n}", at=BASE, call_id=f"c{n}") for n in range(first, first + number)]


def assignment(ports: MemoryPorts, clock: Clock | None = None, name: str = "one") -> Assignment:
    return Assignment(
        TOPIC, LOG_TOPIC, Rules(), ports, writer=name, clock=clock or Clock(BASE + SECOND)
    )


def take_in(one: Assignment, ports: MemoryPorts, number: int = 0) -> int | None:
    """Hand on everything that is in the source of a partition."""
    return one.apply(ports.source(number).batch(0, ports.source(number).end, number))


def epochs(log: MemoryLog) -> int:
    return sum(isinstance(each, Epoch) for each in log.records())


def tick_count(log: MemoryLog) -> int:
    return sum(isinstance(each, Tick) for each in log.records())
