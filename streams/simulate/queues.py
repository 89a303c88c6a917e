"""Queues of waiting calls and the calls in them."""

from collections import OrderedDict
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from streams.instants import DAY, HOUR
from streams.simulate.config import QueueConfig
from streams.simulate.customers import Customer
from streams.simulate.recorder import Source

if TYPE_CHECKING:
    from streams.simulate.agents import Agent

__all__ = ["Call", "Queue", "Rank", "Stage"]

Rank = tuple[int, int, int]
"""Priority (0 first), queued at, serial of the call: the order in which calls are served."""

_STALE_ALLOWED: Final = 64


class Stage(IntEnum):
    """Where a call is."""

    ARRIVING = 0
    WAITING = 1
    RINGING = 2
    TALKING = 3
    OVER = 4


class Call:
    """A call while the centre has it.

    `turn` moves on whenever a plan for it (to hang up, to be diverted) no longer holds.
    """

    __slots__ = (
        "agent",
        "answered",
        "customer",
        "gives_up_at",
        "id",
        "overflowed",
        "place",
        "priority",
        "queue",
        "queued_at",
        "serial",
        "source",
        "stage",
        "turn",
    )

    def __init__(self, serial: int, id_: str, customer: Customer, queue: "Queue") -> None:
        self.serial = serial
        self.id = id_
        self.customer = customer
        self.queue = queue
        self.source = queue.source
        self.priority = 0 if customer.priority else 1
        self.stage = Stage.ARRIVING
        self.turn = 0
        self.place = 0
        self.queued_at = 0
        self.gives_up_at = 0
        self.answered = False
        self.overflowed = False
        self.agent: Agent | None = None

    def rank(self) -> Rank:
        """Return its place among the waiting: smaller is served first."""
        return (self.priority, self.queued_at, self.serial)


class Queue:
    """The calls that wait for one skill and the idle agents who have it, longest idle first."""

    def __init__(self, config: QueueConfig, source: Source) -> None:
        self.config = config
        self.name = config.name
        self.source = source
        self.idle: OrderedDict[Agent, None] = OrderedDict()
        self.overflow: Queue | None = None
        self.transfers: tuple[Queue, ...] = ()
        self.waiting = 0
        self._joined = 0
        self._line: list[tuple[Rank, int, Call]] = []

    def is_open(self, instant: int) -> bool:
        """Say whether calls are taken at that time of the day."""
        return self.config.opens <= instant % DAY // HOUR < self.config.closes

    def join(self, call: Call) -> None:
        """Let a call wait; it keeps its place by rank when it comes back from ringing."""
        call.stage = Stage.WAITING
        self.waiting += 1
        self._joined += 1
        call.place = self._joined
        if len(self._line) > 2 * self.waiting + _STALE_ALLOWED:
            self._line = [entry for entry in self._line if self._waits(entry)]
            heapify(self._line)
        heappush(self._line, (call.rank(), call.place, call))

    def leave(self, call: Call) -> None:
        """Take a waiting call out; its entry in the line is dropped when met."""
        call.stage = Stage.OVER
        self.waiting -= 1

    def first(self) -> Call | None:
        """Return the waiting call that is to be served next."""
        line = self._line
        while line:
            if self._waits(line[0]):
                return line[0][2]
            heappop(line)
        return None

    def _waits(self, entry: tuple[Rank, int, Call]) -> bool:
        _, place, call = entry
        return call.stage is Stage.WAITING and call.place == place and call.queue is self
