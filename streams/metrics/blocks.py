"""Finished text of what did not change since the last scrape.

A large centre has hundreds of thousands of series of which a scrape finds few changed, so the
text of each queue is kept, per partition and per window, for as long as its numbers stay equal.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from streams.ledger import QueueTotals
from streams.metrics.copies import Sums
from streams.metrics.published import PublishedPartition
from streams.metrics.rows import Common, Section
from streams.metrics.totals_families import TOTALS_FAMILIES
from streams.metrics.view import View
from streams.metrics.window_families import WINDOW_FAMILIES

__all__ = ["Blocks", "totals_sections", "window_sections"]

_Texts: TypeAlias = tuple[bytes, ...]
_Totals: TypeAlias = tuple[QueueTotals, _Texts]
_Window: TypeAlias = tuple[Sums, _Texts]

_TOTALS_READS: Final = tuple(TOTALS_FAMILIES.values())
_WINDOW_READS: Final = tuple(WINDOW_FAMILIES.values())


class Blocks:
    """Text by partition: for each queue (and window) one block for each metric.

    What a view no longer has is forgotten, so a revoked partition leaves nothing behind.
    """

    def __init__(self) -> None:
        self._totals: dict[int, dict[str, _Totals]] = {}
        self._windows: dict[int, dict[tuple[str, str], _Window]] = {}

    def totals(self, view: View) -> list[list[_Texts]]:
        """Return the blocks of `TOTALS_FAMILIES` of every partition of `view`."""
        _forget(self._totals, view)
        for partition in view.worker.partitions:
            # Partition by partition: freeing the text of all at once would stop the worker.
            before = self._totals.get(partition.number, {})
            self._totals[partition.number] = {
                queue: _totals_entry(partition, queue, totals, before.get(queue))
                for queue, totals in view.totals(partition).items()
            }
        return [_texts(self._totals[p.number]) for p in view.worker.partitions]

    def windows(self, view: View) -> list[list[_Texts]]:
        """Return the blocks of `WINDOW_FAMILIES` of every partition of `view`."""
        _forget(self._windows, view)
        for partition in view.worker.partitions:
            before = self._windows.get(partition.number, {})
            self._windows[partition.number] = {
                key: _window_entry(partition, key, sums, before.get(key))
                for key, sums in partition.windowed.sums.items()
            }
        return [_texts(self._windows[p.number]) for p in view.worker.partitions]


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


def _common(number: int, queue: str) -> Common:
    return Common({"partition": str(number), "queue": queue})


def _forget(kept: dict[int, Any], view: View) -> None:
    for number in kept.keys() - {partition.number for partition in view.worker.partitions}:
        del kept[number]


def _texts(entries: Mapping[Any, tuple[object, _Texts]]) -> list[_Texts]:
    return [texts for _, texts in entries.values()]


def _totals_entry(
    partition: PublishedPartition, queue: str, totals: QueueTotals, before: _Totals | None
) -> _Totals:
    if before is not None and (before[0] is totals or before[0] == totals):
        return before
    common = _common(partition.number, queue)
    readings = (read(totals) for read in _TOTALS_READS)
    return totals, tuple([rows.text(common, values) for rows, values in readings])


def _window_entry(
    partition: PublishedPartition, key: tuple[str, str], sums: Sums, before: _Window | None
) -> _Window:
    if before is not None and (before[0] is sums or before[0] == sums):
        return before
    queue, window = key
    common = _common(partition.number, queue)
    bounds = partition.windowed.bounds[queue]
    found = [read(sums, window, bounds) for read in _WINDOW_READS]
    return sums, tuple([b"" if one is None else one[0].text(common, one[1]) for one in found])
