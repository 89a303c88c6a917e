"""A real broker and one worker as a process: what the benchmarks measure."""

import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from kafka_server import kafka_server
from worker_processes import WorkerProcess, worker_process

from streams.kafka.topics import create_topics
from streams.settings import Settings

__all__ = [
    "Latency",
    "Stand",
    "broker",
    "latency_of",
    "scraped",
    "stand",
    "timed_scrape",
    "total",
    "wait_ready",
]

LATENCY = "callcenter_event_latency_seconds_bucket"


class Stand(NamedTuple):
    """What runs: `settings` lead to the broker, `folder` goes away with it."""

    settings: Settings
    worker: WorkerProcess
    folder: Path


@contextmanager
def broker(**settings: Any) -> Iterator[tuple[Settings, Path]]:
    """Run a broker with the worker's topics; yields the settings of a worker and a folder."""
    with tempfile.TemporaryDirectory() as name, kafka_server(Path(name)) as server:
        ready = Settings(broker=server.bootstrap, metrics_port=0, **settings)
        create_topics(ready)
        yield ready, Path(name)


@contextmanager
def stand(**settings: Any) -> Iterator[Stand]:
    """Run a broker and a worker with these settings; it is ready."""
    with broker(**settings) as (ready, folder), worker_process(ready, folder) as worker:
        wait_ready(worker)
        yield Stand(ready, worker, folder)


def wait_ready(worker: WorkerProcess, seconds: float = 120) -> None:
    """Wait until `worker` owns its partitions and has caught up."""
    until = time.monotonic() + seconds
    while not worker.ready():
        if time.monotonic() > until:
            raise TimeoutError(worker.log.read_text()[-2000:])
        time.sleep(0.1)


def scraped(worker: WorkerProcess) -> str:
    """Return the text of one scrape."""
    return timed_scrape(worker)[0]


def timed_scrape(worker: WorkerProcess) -> tuple[str, float]:
    """Return the text of one scrape, and when its answer began (seconds since 1970)."""
    with urllib.request.urlopen(f"{worker.url}/metrics", timeout=30) as answer:  # noqa: S310
        at = time.time()
        text: str = answer.read().decode()
    return text, at


def total(text: str, name: str, label: str = "") -> float:
    """Return the sum of a metric in a scrape, over all samples whose labels have `label` in them.

    A parser of the format takes half a second for what a large centre tells.
    """
    begun = text.find(f"\n{name}{{")
    if begun < 0:
        return 0.0
    lines = text[begun : text.find("\n#", begun)].splitlines()
    found = [line for line in lines if line.startswith(f"{name}{{") and label in line]
    return sum(float(line.rpartition(" ")[2]) for line in found)


class Latency(NamedTuple):
    """How many events took at most so many seconds from produce to applied; cumulative."""

    buckets: dict[float, float]

    def less(self, before: "Latency") -> "Latency":
        """Return what came since `before`."""
        return Latency({le: n - before.buckets.get(le, 0) for le, n in self.buckets.items()})

    @property
    def events(self) -> float:
        """All of them."""
        return self.buckets.get(float("inf"), 0.0)

    def within(self, bound: float) -> float:
        """Return the share of those that took at most `bound`, by straight lines."""
        low, below = 0.0, 0.0
        for edge in sorted(self.buckets):
            number = self.buckets[edge]
            if edge >= bound:
                inside = 1.0 if edge == bound else (bound - low) / (edge - low)
                return (below + inside * (number - below)) / max(1.0, self.events)
            low, below = edge, number
        return 1.0

    def quantile(self, share: float) -> float:
        """Return the quantile, by straight lines within the buckets as Prometheus has it."""
        wanted, low, below = share * self.events, 0.0, 0.0
        for bound in sorted(self.buckets):
            number = self.buckets[bound]
            if number >= wanted and number > below:
                return low + (bound - low) * (wanted - below) / (number - below)
            low, below = bound, number
        return low


def latency_of(text: str) -> Latency:
    """Return the latency from produce to applied of all partitions in a scrape."""
    buckets: dict[float, float] = defaultdict(float)
    for line in text.splitlines():
        if line.startswith(LATENCY):
            labels, _, value = line.rpartition(" ")
            buckets[float(labels.split('le="')[1].split('"')[0])] += float(value)
    return Latency(dict(buckets))
