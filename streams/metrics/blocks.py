"""Finished text of what did not change since the last scrape.

A large centre has hundreds of thousands of series of which a scrape finds few changed, so the
text of each queue is kept, per partition and per window, for as long as its numbers stay equal.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from streams.ledger import QueueTotals, WindowSums
from streams.metrics.published import PublishedPartition
from streams.metrics.rows import Common, Section
from streams.metrics.totals_families import TOTALS_FAMILIES
from streams.metrics.view import View
from streams.metrics.window_families import WINDOW_FAMILIES

__all__ = ["Blocks", "totals_sections", "window_sections"]

_Texts: TypeAlias = tuple[bytes, ...]
_Totals: TypeAlias = tuple[QueueTotals, _Texts]
_Window: TypeAlias = tuple[WindowSums, _Texts]

_TOTALS_READS: Final = tuple(TOTALS_FAMILIES.values())
_WINDOW_READS: Final = tuple(WINDOW_FAMILIES.values())


class Blocks:
    """Text by partition: for each queue (and window) one block for each metric.

    What a view no longer has is forgotten, so a revoked partition leaves nothing behind.
    """

    def __init__(self) -> None:
        self._totals: dict[tuple[int, str], _Totals] = {}
        self._windows: dict[tuple[int, str, str], _Window] = {}

    def totals(self, view: View) -> list[list[_Texts]]:
        """Return the blocks of `TOTALS_FAMILIES` of every partition of `view`."""
        kept: dict[tuple[int, str], _Totals] = {}
        for partition in view.worker.partitions:
            for queue, totals in view.totals(partition).items():
                key = (partition.number, queue)
                entry = self._totals.get(key)
                if entry is None or (entry[0] is not totals and entry[0] != totals):
                    entry = (totals, _totals_text(key, totals))
                kept[key] = entry
        self._totals = kept
        return _by_partition(view, kept)

    def windows(self, view: View) -> list[list[_Texts]]:
        """Return the blocks of `WINDOW_FAMILIES` of every partition of `view`."""
        kept: dict[tuple[int, str, str], _Window] = {}
        for partition in view.worker.partitions:
            for (queue, window), sums in partition.windowed.sums.items():
                key = (partition.number, queue, window)
                entry = self._windows.get(key)
                if entry is None or (entry[0] is not sums and entry[0] != sums):
                    entry = (sums, _window_text(partition, queue, window, sums))
                kept[key] = entry
        self._windows = kept
        return _by_partition(view, kept)


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


def _totals_text(key: tuple[int, str], totals: QueueTotals) -> _Texts:
    common = _common(*key)
    readings = (read(totals) for read in _TOTALS_READS)
    return tuple([rows.text(common, values) for rows, values in readings])


def _window_text(
    partition: PublishedPartition, queue: str, window: str, sums: WindowSums
) -> _Texts:
    common = _common(partition.number, queue)
    bounds = partition.windowed.bounds[queue]
    readings = (read(sums, window, bounds) for read in _WINDOW_READS)
    return tuple([b"" if found is None else found[0].text(common, found[1]) for found in readings])


def _by_partition(
    view: View, kept: dict[tuple[int, str], _Totals] | dict[tuple[int, str, str], _Window]
) -> list[list[_Texts]]:
    found: dict[int, list[_Texts]] = {p.number: [] for p in view.worker.partitions}
    for key, (_, texts) in kept.items():
        found[key[0]].append(texts)
    return list(found.values())
