"""The published worker, arranged for the exposition: who has a series, and under which labels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from streams.ledger import NO_QUEUE, OTHER_QUEUES, QueueRules, QueueTotals, Rules
from streams.metrics.published import PublishedPartition, PublishedWorker
from streams.metrics.rows import Common, Section
from streams.metrics.source import LiveCounts

__all__ = ["LiveSums", "Sections", "View", "rules_of"]


@dataclass(slots=True)
class LiveSums:
    """The live gauges of one queue, over all partitions of this worker."""

    waiting: int = 0
    waiting_beyond_target: int = 0
    oldest_waiting_at: int | None = None
    callbacks_open: int = 0
    callbacks_overdue: int = 0
    callbacks_due: dict[int, int] = field(default_factory=dict)
    next_due_at: int | None = None

    def add(self, live: LiveCounts) -> None:
        """Add one partition's part."""
        self.waiting += live.waiting
        self.waiting_beyond_target += live.waiting_beyond_target
        self.oldest_waiting_at = _earlier(self.oldest_waiting_at, live.oldest_waiting_at)
        self.callbacks_open += live.callbacks_open
        self.callbacks_overdue += live.callbacks_overdue
        self.next_due_at = _earlier(self.next_due_at, live.next_due_at)
        for within, count in live.callbacks_due.items():
            self.callbacks_due[within] = self.callbacks_due.get(within, 0) + count


class View:
    """One published worker with every known queue in every owned partition.

    A queue that a partition has not seen yet is there at zero, so that the first call of the
    queue in that partition is an increase and not a new series.
    """

    def __init__(self, worker: PublishedWorker) -> None:
        self.worker = worker
        self.queues = _known_queues(worker)
        self.partitions = [(Common({"partition": str(p.number)}), p) for p in worker.partitions]
        self.live = list(_live(worker.partitions, self.queues))

    def totals(self, partition: PublishedPartition) -> dict[str, QueueTotals]:
        """Return the totals of `partition` by queue label, every known queue among them."""
        zeros = {queue: _zero(rules_of(self.worker.rules, queue)) for queue in self.queues}
        return {**zeros, **partition.exported.totals.queues}


Sections: TypeAlias = Callable[[View], Iterator[Section]]


@lru_cache(maxsize=4096)
def _zero(rules: QueueRules) -> QueueTotals:
    return QueueTotals.under(rules)


def rules_of(rules: Rules, label: str) -> QueueRules:
    """Return the rules of a queue label; labels that stand for no one queue have the default."""
    return rules.default if label in {NO_QUEUE, OTHER_QUEUES} else rules.of(label)


def _known_queues(worker: PublishedWorker) -> list[str]:
    configured = {name for name in worker.rules.queues if not set("*?[").intersection(name)}
    seen = {label for p in worker.partitions for label in p.exported.totals.queues}
    # Beyond that somebody's queue names run wild: no zeros for names a partition has not seen.
    if len(seen) > worker.rules.max_queues + 2:
        return sorted(configured)
    return sorted(configured | seen)


def _live(
    partitions: Sequence[PublishedPartition], queues: list[str]
) -> Iterator[tuple[Common, LiveSums]]:
    if not partitions:
        return
    sums = {queue: LiveSums() for queue in queues}
    for partition in partitions:
        for queue, live in partition.live.items():
            sums.setdefault(queue, LiveSums()).add(live)
    for queue, total in sums.items():
        yield Common({"queue": queue}), total


def _earlier(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
