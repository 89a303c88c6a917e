"""What the workers said during a run, held against what the log says they could say."""

from collections.abc import Iterable, Mapping, Sequence

from independent import PartitionTruth
from msgspec import Struct, field
from scraping import Key, Sample

__all__ = ["Observation", "differences", "observe"]

TOGETHER_SECONDS = 0.75
"""Answers of several workers this close together are one moment for whoever takes a maximum."""
SHOWN = 6


class Observation(Struct):
    """What was seen. `violations` must be empty; the rest is told."""

    violations: list[str] = field(default_factory=list)
    samples: int = 0
    exported: int = 0
    """partitions seen, over all samples"""
    stale: int = 0
    """of these, by a worker that did not know yet that it had been replaced"""
    dips: int = 0
    """of these, while no other worker exported the partition: a maximum over workers goes down"""
    take_overs: int = 0


class _Seen(Struct):
    """One partition as one worker last exported it."""

    at: float
    first: int
    last: int
    """the numbers of the ticks that have these totals"""


_Worker = tuple[int, int]


def observe(samples: Iterable[Sample], truths: Mapping[int, PartitionTruth]) -> Observation:
    """Check every sample in the order of time."""
    observer = _Observer(truths)
    for sample in sorted(samples, key=lambda each: each.at):
        observer.take(sample)
    return observer.found


class _Observer:
    def __init__(self, truths: Mapping[int, PartitionTruth]) -> None:
        self.found = Observation()
        self._truths = truths
        self._numbers = {number: _numbers(truth) for number, truth in truths.items()}
        self._seen: dict[_Worker, dict[int, _Seen]] = {}
        self._high: dict[int, int] = {}

    def take(self, sample: Sample) -> None:
        """Check one sample."""
        self.found.samples += 1
        worker = (sample.slot, sample.incarnation)
        before, now = self._seen.get(worker, {}), {}
        for partition, series in sample.partitions().items():
            numbers = self._numbers[partition].get(frozenset(series.items()))
            if numbers is None:
                self._tell_unknown(sample, partition, series)
                continue
            self.found.exported += 1
            now[partition] = _Seen(sample.at, *numbers)
            self._compare(sample, partition, now[partition], before.get(partition))
        self._seen[worker] = now

    def _compare(self, sample: Sample, partition: int, now: _Seen, before: _Seen | None) -> None:
        high = self._high.get(partition, -1)
        self._high[partition] = max(high, now.first)
        who = f"{sample.at:.2f}: worker {sample.slot}.{sample.incarnation}, partition {partition}"
        if before is not None and now.last < before.first:
            self.found.violations.append(f"{who} went back from tick {before.first} to {now.last}")
        self.found.take_overs += before is None and high >= 0
        if now.last >= high:
            return
        if before is None:
            text = f"{who} was taken over at tick {now.last} although {high} was exported before"
            self.found.violations.append(text)
        else:
            self.found.stale += 1
            self.found.dips += not self._is_known_better(sample.at, partition, high)

    def _is_known_better(self, at: float, partition: int, high: int) -> bool:
        """Return whether a worker that was asked just now exports what was exported before."""
        return any(
            partition in seen
            and seen[partition].last >= high
            and at - seen[partition].at < TOGETHER_SECONDS
            for seen in self._seen.values()
        )

    def _tell_unknown(self, sample: Sample, partition: int, series: Mapping[Key, float]) -> None:
        truth = self._truths[partition]
        nearest = min(truth.ticks, key=lambda tick: len(tick.series ^ frozenset(series.items())))
        self.found.violations.append(
            f"{sample.at:.2f}: worker {sample.slot}.{sample.incarnation} exports of partition "
            f"{partition} what no durable tick says; nearest is tick {nearest.number}: "
            + "; ".join(differences(dict(nearest.series), series))
        )


def _numbers(truth: PartitionTruth) -> dict[frozenset[tuple[Key, float]], tuple[int, int]]:
    """Return the first and the last tick of each set of totals; totals only grow."""
    found: dict[frozenset[tuple[Key, float]], tuple[int, int]] = {}
    for tick in truth.ticks:
        first, _ = found.get(tick.series, (tick.number, 0))
        found[tick.series] = (first, tick.number)
    return found


def differences(expected: Mapping[Key, float], found: Mapping[Key, float]) -> Sequence[str]:
    """Return the first few series that differ, in words."""
    keys = sorted({*expected, *found}, key=str)
    lines = [
        f"{' '.join(key)}: {found.get(key, 0):g}, should be {expected.get(key, 0):g}"
        for key in keys
        if expected.get(key, 0) != found.get(key, 0)
    ]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]
