"""Copies of live state, one partition at a time, so that copying never holds up the worker."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from msgspec import Struct

from streams.ledger import WindowSums
from streams.metrics.source import LedgerView, PartitionSource

__all__ = ["TURN", "Copies", "Sums", "Windowed", "read_windows"]

TURN: Final = 0.002
"""Seconds of copying after which the next partition has to wait for the next turn."""

T = TypeVar("T")


class Sums(Struct, frozen=True, gc=False):
    """The ledger's `WindowSums` for good.

    There are tens of thousands of them, and nothing in them that the collector would have to look
    at; looking all the same would stop the worker for tens of milliseconds.
    """

    classes: dict[str, int]
    wait_sum: float
    wait_count: int
    wait_max: float
    wait_buckets: tuple[int, ...]

    @classmethod
    def of(cls, live: WindowSums) -> "Sums":
        """Return the same numbers."""
        buckets = tuple(live.wait_buckets)
        return cls(live.classes, live.wait_sum, live.wait_count, live.wait_max, buckets)


@dataclass(frozen=True, slots=True)
class Windowed:
    """The windows of one partition by queue label and window, and the bounds by queue label."""

    sums: Mapping[tuple[str, str], Sums]
    bounds: Mapping[str, tuple[float, ...]]


def read_windows(ledger: LedgerView) -> Windowed:
    """Return the windows as of the ledger's last tick."""
    sums = {key: Sums.of(live) for key, live in ledger.windows.read().items()}
    labels = {label for label, _ in sums}
    return Windowed(sums, {label: tuple(ledger.windows.bounds(label)) for label in labels})


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    ledger: LedgerView
    value: T
    next_at: float


class Copies(Generic[T]):
    """The newest copy of something of each partition's ledger.

    A copy is as old as it must be for all copying to take at most `share` of the time: with a
    few queues that is no age at all, with hundreds of queues on many partitions it is seconds.
    """

    def __init__(
        self,
        read: Callable[[LedgerView], T],
        share: float,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._read = read
        self._share = share
        self._clock = clock
        # Without what others had of the processor: one copy that was put off would be for long.
        self._spent = spent
        self._copies: dict[int, _Copy[T]] = {}

    def get(self, number: int) -> T | None:
        """Return the copy of partition `number`, none if its first turn is still to come."""
        copy = self._copies.get(number)
        return None if copy is None else copy.value

    def refresh(self, owned: Sequence[PartitionSource]) -> bool:
        """Forget the partitions not `owned`, copy those whose turn has come, oldest first.

        Returns False if there are more of them than one turn could copy.
        """
        ledgers = {partition.number: partition.ledger for partition in owned}
        self._copies = {
            number: copy
            for number, copy in self._copies.items()
            if ledgers.get(number) is copy.ledger
        }
        begun = self._clock()
        for partition in sorted(owned, key=self._due):
            now = self._clock()
            if now < self._due(partition):
                break
            if now - begun > TURN:
                return False
            self._take(partition, now, len(owned))
        return True

    def _due(self, partition: PartitionSource) -> float:
        copy = self._copies.get(partition.number)
        return 0.0 if copy is None else copy.next_at

    def _take(self, partition: PartitionSource, begun: float, owned: int) -> None:
        before = self._spent()
        value = self._read(partition.ledger)
        cost = self._spent() - before
        next_at = begun + cost * owned / self._share
        self._copies[partition.number] = _Copy(partition.ledger, value, next_at)
