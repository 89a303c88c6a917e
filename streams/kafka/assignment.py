"""The partitions this worker owns: what it knows of each, over rebalances.

The state of a partition is a function of its records, so a partition that comes back in the same
rebalance goes on where it was; one that is new is read from its beginning.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from faust.types import TP

from streams.kafka.batch import Batch, Fresh
from streams.kafka.clock import FetchWatch
from streams.kafka.partition import PartitionProcessor, Stretch
from streams.ledger.rules import Rules

__all__ = ["Assignment", "wall_clock"]

UNTICKED_LIMIT: Final = 50_000
"""Records whose outputs may wait in memory before reading pauses."""


def wall_clock() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


class Assignment:
    """The processors of the owned partitions of one topic (the `Positions` of the consumer)."""

    def __init__(self, topic: str, rules: Rules, clock: Callable[[], int] = wall_clock) -> None:
        self.topic = topic
        self.watch = FetchWatch()
        self.owned: dict[int, PartitionProcessor] = {}
        self.assigned_at: dict[int, int] = {}
        self.recovery_seconds: dict[int, float] = {}
        self.side_offsets: dict[TP, int] = {}
        """other topics: the offset below which a partition's records are done"""
        self._rules = rules
        self._clock = clock
        self._parked: dict[int, PartitionProcessor] = {}

    def revoke(self, numbers: Iterable[int]) -> None:
        """Give up partitions, for the moment: they may come back with the next assignment."""
        for number in numbers:
            processor = self.owned.pop(number, None)
            if processor is not None:
                self._parked[number] = processor

    def unknown(self, numbers: Iterable[int]) -> list[int]:
        """Return those of `numbers` that have to be read from their beginning."""
        return [each for each in numbers if each not in self.owned and each not in self._parked]

    def take(
        self,
        numbers: Iterable[int],
        bounds: Mapping[int, tuple[int, int]],
        committed: Mapping[int, int | None],
    ) -> None:
        """Own exactly `numbers`; `bounds` and `committed` are needed for the unknown ones."""
        known = {**self._parked, **self.owned}
        self._parked = {}
        self.owned = {
            number: known.get(number) or self._begin(number, bounds[number], committed[number])
            for number in sorted(numbers)
        }
        for number in set(self.assigned_at) - set(self.owned):
            del self.assigned_at[number]
            self.recovery_seconds.pop(number, None)

    def _begin(
        self, number: int, bounds: tuple[int, int], committed: int | None
    ) -> PartitionProcessor:
        first, end = bounds
        # A commit beyond the end belongs to an earlier topic of the same name.
        published_to = committed if committed is not None and committed <= end else 0
        self.assigned_at[number] = self._clock()
        return PartitionProcessor(
            self.topic,
            number,
            self._rules,
            next_offset=first,
            published_to=published_to,
            loaded_at=end,
        )

    def apply(self, batch: Batch) -> int | None:
        """Take in a batch; returns the offset to read again from if records before it are missing.

        A batch of a partition that is no longer owned is dropped.
        """
        processor = self.owned.get(batch.partition)
        if processor is None or processor.apply(batch, self._clock()):
            return None
        return processor.next_offset

    def tick(self, fresh: Mapping[TP, Fresh]) -> list[Stretch]:
        """Tick every owned partition and return what there is to write."""
        wall = self._clock()
        hold = self.watch.holds(wall)
        return [
            processor.tick(wall, fresh.get(TP(self.topic, number)), hold=hold)
            for number, processor in self.owned.items()
        ]

    def settle(self, stretches: Iterable[Stretch]) -> None:
        """Note that the outputs of `stretches` are written."""
        for stretch in stretches:
            processor = self.owned.get(stretch.partition)
            if processor is None:
                continue
            processor.settle(stretch)
            if stretch.loaded and stretch.partition not in self.recovery_seconds:
                began = self.assigned_at[stretch.partition]
                self.recovery_seconds[stretch.partition] = (self._clock() - began) / 1e6

    @property
    def shown(self) -> dict[int, PartitionProcessor]:
        """The partitions whose totals are complete: read again to the end and ticked since.

        A total that is still being rebuilt would look like a counter that was reset.
        """
        return {n: each for n, each in self.owned.items() if n in self.recovery_seconds}

    @property
    def crowded(self) -> bool:
        """Whether the outputs in memory should be written before more is read."""
        return sum(each.unticked for each in self.owned.values()) > UNTICKED_LIMIT

    def seek_targets(self) -> dict[TP, int]:
        """Return where reading goes on, for each owned partition."""
        return {TP(self.topic, n): each.next_offset for n, each in self.owned.items()}

    def committable(self) -> dict[TP, int]:
        """Return the offsets below which everything is applied and its outputs are written."""
        own = {
            TP(self.topic, n): each.durable_offset
            for n, each in self.owned.items()
            if each.durable_offset is not None
        }
        return {**own, **self.side_offsets}
