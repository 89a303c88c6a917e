"""Finished text of what did not change since the last scrape.

A large centre has hundreds of thousands of series of which a scrape finds few changed, so the
text of each queue is kept, per partition and per window, for as long as its numbers stay equal.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Generic, TypeAlias, TypeVar

from streams.ledger import QueueTotals
from streams.metrics.columns import Column
from streams.metrics.copies import Sums
from streams.metrics.published import PublishedPartition
from streams.metrics.rows import Common, Section
from streams.metrics.totals_families import TOTALS_FAMILIES
from streams.metrics.view import View
from streams.metrics.window_families import WINDOW_FAMILIES

__all__ = ["Blocks", "totals_sections", "window_sections"]

_Texts: TypeAlias = tuple[bytes, ...]
_Key = TypeVar("_Key", bound=Hashable)
_State = TypeVar("_State", QueueTotals, Sums)
_Write: TypeAlias = Callable[[PublishedPartition, _Key, _State], _Texts]

_TOTALS_READS: Final = tuple(TOTALS_FAMILIES.values())
_WINDOW_READS: Final = tuple(WINDOW_FAMILIES.values())


class _Part(Generic[_Key, _State]):
    """One partition: for each queue (and window) one block for each metric, and their columns."""

    __slots__ = ("_blocks", "_states", "columns")

    def __init__(self, metrics: int) -> None:
        self._states: Mapping[_Key, _State] = {}
        self._blocks: list[_Texts] = []
        self.columns = [Column(())] * metrics

    def show(
        self,
        partition: PublishedPartition,
        states: Mapping[_Key, _State],
        write: _Write[_Key, _State],
    ) -> None:
        """Have the columns say `states`, of which what is equal is not written again."""
        if states is self._states:
            return
        olds, blocks = self._known(states)
        self._blocks = [
            block if old is state or old == state else write(partition, key, state)
            for (key, state), old, block in zip(states.items(), olds, blocks, strict=True)
        ]
        self._states = states
        texts = [*zip(*self._blocks, strict=True)] or [()] * len(self.columns)
        self.columns = [
            column.followed_by(now) for column, now in zip(self.columns, texts, strict=True)
        ]

    def _known(self, keys: Iterable[_Key]) -> tuple[Iterable[_State | None], Iterable[_Texts]]:
        """What there was of `keys`, in their order: states and blocks."""
        if list(keys) == list(self._states):
            return self._states.values(), self._blocks
        blocks = dict(zip(self._states, self._blocks, strict=True))
        return map(self._states.get, keys), [blocks.get(key, ()) for key in keys]


class Blocks:
    """Text by partition: for each metric one column with the block of each queue (and window).

    What a view no longer has is forgotten, so a revoked partition leaves nothing behind.
    """

    def __init__(self) -> None:
        self._totals: dict[int, _Part[str, QueueTotals]] = {}
        self._windows: dict[int, _Part[tuple[str, str], Sums]] = {}

    def totals(self, view: View) -> list[list[Column]]:
        """Return the columns of `TOTALS_FAMILIES` of every partition of `view`."""
        _forget(self._totals, view)
        for partition in view.worker.partitions:
            part = self._totals.setdefault(partition.number, _Part(len(_TOTALS_READS)))
            part.show(partition, view.totals(partition), _totals_texts)
        return [self._totals[p.number].columns for p in view.worker.partitions]

    def windows(self, view: View) -> list[list[Column]]:
        """Return the columns of `WINDOW_FAMILIES` of every partition of `view`."""
        _forget(self._windows, view)
        for partition in view.worker.partitions:
            part = self._windows.setdefault(partition.number, _Part(len(_WINDOW_READS)))
            part.show(partition, partition.windowed.sums, _window_texts)
        return [self._windows[p.number].columns for p in view.worker.partitions]


def totals_sections(name: str, view: View) -> Iterator[Section]:
    """Yield the samples of one of `TOTALS_FAMILIES`."""
    for partition in view.worker.partitions:
        for queue, totals in view.totals(partition).items():
            rows, values = TOTALS_FAMILIES[name](totals)
            yield _common(partition.number, queue), rows, values


def window_sections(name: str, view: View) -> Iterator[Section]:
    """Yield the samples of one of `WINDOW_FAMILIES`."""
    for partition in view.worker.partitions:
        for (queue, window), sums in partition.windowed.sums.items():
            reading = WINDOW_FAMILIES[name](sums, window, partition.windowed.bounds[queue])
            if reading is not None:
                yield _common(partition.number, queue), *reading


@lru_cache(maxsize=16)
def _common(number: int, queue: str) -> Common:
    return Common({"partition": str(number), "queue": queue})


def _forget(kept: dict[int, Any], view: View) -> None:
    for number in kept.keys() - {partition.number for partition in view.worker.partitions}:
        del kept[number]


def _totals_texts(partition: PublishedPartition, queue: str, totals: QueueTotals) -> _Texts:
    common = _common(partition.number, queue)
    readings = (read(totals) for read in _TOTALS_READS)
    return tuple([rows.text(common, values) for rows, values in readings])


def _window_texts(partition: PublishedPartition, key: tuple[str, str], sums: Sums) -> _Texts:
    queue, window = key
    common = _common(partition.number, queue)
    bounds = partition.windowed.bounds[queue]
    found = [read(sums, window, bounds) for read in _WINDOW_READS]
    return tuple([b"" if one is None else one[0].text(common, one[1]) for one in found])
