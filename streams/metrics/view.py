"""The published worker, arranged for the exposition: who has a series, and under which labels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from streams.ledger import DUE_WITHIN, NO_QUEUE, OTHER_QUEUES, QueueRules, QueueTotals, Rules
from streams.metrics.published import PublishedPartition, PublishedWorker
from streams.metrics.rows import Common, Section
from streams.metrics.source import LiveCounts

__all__ = ["LiveSums", "Sections", "View", "of_queue", "rules_of"]


@dataclass(frozen=True, slots=True)
class LiveSums:
    """The live gauges of one queue, over all partitions of this worker."""

    waiting: int
    waiting_beyond_target: int
    oldest_waiting_at: int | None
    callbacks_open: int
    callbacks_overdue: int
    callbacks_due: Mapping[int, int]
    next_due_at: int | None

    @classmethod
    def of(cls, parts: Sequence[LiveCounts]) -> "LiveSums":
        """Return the sums of the parts that the partitions have."""
        # Lists, one gauge at a time: with many queues and partitions it is a tenth of a scrape.
        return cls(
            waiting=sum([part.waiting for part in parts]),
            waiting_beyond_target=sum([part.waiting_beyond_target for part in parts]),
            oldest_waiting_at=_earliest([part.oldest_waiting_at for part in parts]),
            callbacks_open=sum([part.callbacks_open for part in parts]),
            callbacks_overdue=sum([part.callbacks_overdue for part in parts]),
            callbacks_due=_due([part.callbacks_due for part in parts]),
            next_due_at=_earliest([part.next_due_at for part in parts]),
        )


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
        self._zeros = {queue: _zero(rules_of(worker.rules, queue)) for queue in self.queues}

    def totals(self, partition: PublishedPartition) -> dict[str, QueueTotals]:
        """Return the totals of `partition` by queue label, every known queue among them."""
        return {**self._zeros, **partition.exported.totals.queues}


Sections: TypeAlias = Callable[[View], Iterator[Section]]


@lru_cache(maxsize=4096)
def of_queue(queue: str) -> Common:
    """Return the label of a queue; it is laid out once."""
    return Common({"queue": queue})


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
    parts: dict[str, list[LiveCounts]] = {queue: [] for queue in queues}
    for partition in partitions:
        for queue, live in partition.live.items():
            parts.setdefault(queue, []).append(live)
    for queue, found in parts.items():
        yield of_queue(queue), LiveSums.of(found)


def _earliest(instants: Sequence[int | None]) -> int | None:
    return min([at for at in instants if at is not None], default=None)


def _due(parts: Sequence[Mapping[int, int]]) -> Mapping[int, int]:
    return {within: sum([part.get(within, 0) for part in parts]) for within in DUE_WITHIN}
