"""A soak on a real broker: minutes on end at a steady rate, with a faulty feed.

Prints a line every half minute: events applied a second, memory of the worker, latency from event
to applied (p50, p99 of that half minute), the slowest tick, open calls. At the end it compares the
second quarter with the last one: memory and latency have to be flat (exit code 3 if not).

The promise is shortened (lateness 1 m, callback 1 m, longest call 2 m) and calls come at an even
pace, so that what the ledger has to remember has levelled out after a quarter of the time. The
windows are full from the beginning, by an hour of calls before.

Arguments: minutes (20), events a second (5000), seed (1).
"""

import gc
import multiprocessing
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from bench_recovery import produce
from kafka_server import kafka_server
from level_calls import EVENTS_A_CALL, level_calls
from prometheus_client.parser import text_string_to_metric_families
from worker_processes import WorkerProcess

from streams.event_types import Event
from streams.instants import HOUR, MINUTE, SECOND
from streams.kafka.produce import EventProducer
from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.simulate import FaultRates, inject, paced

PAST_CALLS_A_SECOND = 55
STEP = 30.0
SHORT = """
promises: {callback: {target: 1m, late_horizon: 2m}}
usefulness: {repeat_window: 1m}
time: {lateness: 1m, max_call: 2m, max_age: 2h}
"""
LATENCY = "callcenter_event_latency_seconds_bucket"
LOOKED_AT = (
    LATENCY.encode(),
    b"callcenter_events_total",
    b"callcenter_consumer_lag_events",
    b"callcenter_calls_waiting",
    b"process_resident_memory_bytes",
    b"process_cpu_seconds_total",
)
FAULTS = ("duplicate", "disorder", "late", "lost", "restart", "skew")
RATES = FaultRates(
    late_delay=(2 * SECOND, 50 * SECOND),
    very_late_delay=(70 * SECOND, 120 * SECOND),
    restart_every=2 * MINUTE,
)


def feed(
    settings: Settings, rate: float, seed: int, end: float, faults: Sequence[str] = FAULTS
) -> None:
    """Write events in real time until `end`; every thousandth is followed by a poisoned record."""
    # Half of its time went into the collector, which found nothing, and then it fell behind.
    gc.set_threshold(50_000, 20, 10_000)
    calls = level_calls(time.time_ns() // 1000, rate / EVENTS_A_CALL)
    producer = EventProducer(settings, settings.broker)
    for number, delivery in enumerate(paced(inject(calls, faults, seed, RATES))):
        if time.time() > end:
            break
        producer.send(delivery.key, delivery.event)
        if number % 1000 == 0:
            producer._queue(b'{"kind": "call.offered", "at": ', None, key=b"poison")
    producer.flush()


def past(end: int) -> list[tuple[str | None, Event]]:
    """The events of the hour before `end`, each with its key."""
    calls = level_calls(end - HOUR, PAST_CALLS_A_SECOND)
    return [(key, event) for at, key, event in takewhile(lambda each: each.at < end, calls)]


class Sample:
    """One scrape, of what is looked at: to parse all of a large page takes seconds."""

    def __init__(self, worker: WorkerProcess) -> None:
        with urllib.request.urlopen(f"{worker.url}/metrics", timeout=20) as answer:  # noqa: S310
            lines = answer.read().splitlines(keepends=True)
        self.at = time.time()
        self.sums: dict[str, float] = {}
        self.buckets: dict[float, float] = {}
        text = b"".join(line for line in lines if line.startswith(LOOKED_AT)).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._add(sample)

    def _add(self, sample: Any) -> None:
        self.sums[sample.name] = self.sums.get(sample.name, 0.0) + sample.value
        if sample.name == LATENCY:
            bound = float(sample.labels["le"])
            self.buckets[bound] = self.buckets.get(bound, 0.0) + sample.value


def quantile(before: Sample, after: Sample, share: float) -> float:
    """The upper bound of the bucket in which the quantile of the time between two scrapes lies."""
    grown = {bound: after.buckets[bound] - before.buckets.get(bound, 0) for bound in after.buckets}
    total = grown[float("inf")]
    return min(bound for bound, number in grown.items() if number >= share * total)


def row(before: Sample, after: Sample) -> dict[str, float]:
    """What happened between two scrapes."""
    name = "callcenter_events_total"
    return {
        "rate": (after.sums[name] - before.sums[name]) / (after.at - before.at),
        "mib": after.sums["process_resident_memory_bytes"] / 2**20,
        "p50": quantile(before, after, 0.5),
        "p99": quantile(before, after, 0.99),
        "lag": after.sums["callcenter_consumer_lag_events"],
        "waiting": after.sums["callcenter_calls_waiting"],
        "cpu": (after.sums["process_cpu_seconds_total"] - before.sums["process_cpu_seconds_total"])
        / (after.at - before.at),
    }


def watch(worker: WorkerProcess, end: float) -> list[dict[str, float]]:
    rows = []
    began, before = time.time(), Sample(worker)
    print("   min  events/s  cpu     MiB     p50     p99      lag  waiting")
    while time.time() + STEP < end:
        time.sleep(STEP)
        after = Sample(worker)
        found = row(before, after)
        before = after
        rows.append(found)
        print(
            f"{(after.at - began) / 60:6.1f} {found['rate']:9,.0f} {found['cpu']:4.0%} "
            f"{found['mib']:7.0f} {found['p50']:7.3f} {found['p99']:7.3f} {found['lag']:8,.0f} "
            f"{found['waiting']:8,.0f}",
            flush=True,
        )
    return rows


def verdict(rows: list[dict[str, float]]) -> bool:
    """Whether the last quarter is no worse than the second one."""
    quarter = len(rows) // 4
    second, last = rows[quarter : 2 * quarter], rows[-quarter:]

    def middle(name: str) -> tuple[float, float]:
        return median(r[name] for r in second), median(r[name] for r in last)

    flat = True
    for name, tolerance in (("mib", 1.05), ("p50", 1.0), ("p99", 1.0)):
        before, after = middle(name)
        fine = after <= before * tolerance
        flat &= fine
        print(f"{name}: {before:,.3f} -> {after:,.3f} {'flat' if fine else 'GROWS'}")
    return flat


def main(minutes: float = 20, rate: float = 5000, seed: float = 1) -> int:
    with tempfile.TemporaryDirectory() as name, kafka_server(Path(name)) as server:
        slo = Path(name) / "slo.yaml"
        slo.write_text(SHORT)
        settings = Settings(
            broker=server.bootstrap, metrics_port=0, partitions=12, slo_file=str(slo)
        )
        create_topics(settings)
        # The windows of an hour would fill for an hour: they begin full.
        produce(settings, past(time.time_ns() // 1000 - MINUTE))
        worker = WorkerProcess(settings, Path(name) / "worker.log")
        end = time.time() + minutes * 60
        source = multiprocessing.Process(target=feed, args=(settings, rate, int(seed), end))
        source.start()
        try:
            time.sleep(5)
            rows = watch(worker, end)
        finally:
            source.terminate()
            code = worker.terminate(20)
        print(f"exit code of the worker: {code}")
        return 0 if verdict(rows) and code == 0 else 3


if __name__ == "__main__":
    sys.exit(main(*(float(each) for each in sys.argv[1:])))
