"""Recovery of one hour of a large centre on a real broker: kill -9, and SIGTERM to another worker.

Some 360,000 events in 12 partitions, of them 30,000 callers who gave up and wait for their
callback. Prints how long a worker takes from the start of its process to the first scrape that is
exact again: with a snapshot at its side, and from the ticks and records alone.

Arguments: calls (65,500), callers who gave up (30,000).
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from busy_centre import busy_centre
from kafka_server import kafka_server
from msgspec.structs import replace
from worker_processes import WorkerProcess, sums

from streams.events import CallOffered, CallQueued, Event, EventDecoder, SourceEvent
from streams.instants import HOUR, MINUTE, SECOND
from streams.kafka.produce import EventProducer
from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.simulate import Centre

OFFERED = "callcenter_calls_offered_total"
PARTITIONS = 12


def one_hour(calls: int, gave_up: int, end: int) -> list[tuple[str | None, Event]]:
    """The events of the hour before `end` in their order, each with its key."""
    start = end - HOUR
    centre = busy_centre(start, calls, seed=1)
    rows = [*_simulated(centre, end), *_given_up(gave_up, start)]
    return sorted(rows, key=lambda row: row[1].at)


def _simulated(centre: Centre, end: int) -> Iterator[tuple[str | None, Event]]:
    for _, key, event in centre.deliveries():
        if event.at > end:
            return
        if not isinstance(event, SourceEvent):
            yield key, event


def _given_up(number: int, start: int) -> Iterator[tuple[str, Event]]:
    for n in range(number):
        at = start + 5 * MINUTE + n * 50 * MINUTE // number
        who = {"call_id": f"gave-up-{n}", "customer": f"caller-{n}", "source": "bench"}
        queue = f"queue-{n % 50:02}"
        yield who["customer"], _event("call.offered", f"o{n}", at, queue=queue, **who)
        yield who["customer"], _event("call.abandoned", f"a{n}", at + 30 * SECOND, **who)


def _event(kind: str, id_: str, at: int, **fields: str) -> Event:
    return EventDecoder().decode(
        json.dumps({"kind": kind, "id": id_, "at": at // 1000, **fields}).encode()
    )


def produce(settings: Settings, rows: list[tuple[str | None, Event]]) -> None:
    producer = EventProducer(settings, settings.broker)
    for key, event in rows:
        producer.send(key, event, event.at // 1000)
    producer.flush()


def wait_for(worker: WorkerProcess, offered: int, pause: float = 0.5) -> float:
    """Wait until `worker` exports as many calls; returns how long it took.

    A scrape of so many queues and partitions costs the worker time, which `pause` keeps apart.
    """
    began = time.perf_counter()
    while _owns_nothing(worker):
        time.sleep(0.05)
    while sums([worker], OFFERED) < offered:
        time.sleep(pause)
    return time.perf_counter() - began


def _owns_nothing(worker: WorkerProcess) -> bool:
    reason = worker.unready() or ""
    return "assigned" in reason or "starting" in reason


def killed_and_back(worker: WorkerProcess, settings: Settings, log: Path, offered: int) -> float:
    """Kill `worker` and wait until one that takes its place is exact; return how long that took."""
    worker.kill()
    began = time.perf_counter()
    another = WorkerProcess(settings, log)
    try:
        wait_for(another, offered)
        return time.perf_counter() - began
    finally:
        another.kill()


def first_reading(settings: Settings, log: Path, events: int, offered: int) -> WorkerProcess:
    began = time.perf_counter()
    worker = WorkerProcess(settings, log)
    wait_for(worker, offered)
    took = time.perf_counter() - began
    owed = sum(worker.samples("callcenter_callbacks_open").values())
    print(f"first reading, ticks on: {took:.2f} s, {events / took:,.0f} events/s")
    print(f"callbacks open: {owed:,}")
    return worker


def with_snapshots(settings: Settings, log: Path, offered: int) -> WorkerProcess:
    worker = WorkerProcess(replace(settings, snapshot_seconds=12), log)
    wait_for(worker, offered)
    while len(worker.samples("callcenter_snapshot_size_bytes")) < PARTITIONS:
        time.sleep(0.5)
    size = sum(worker.samples("callcenter_snapshot_size_bytes").values())
    print(f"snapshots of all partitions: {size:,} bytes")
    return worker


def handed_over(settings: Settings, log: Path, offered: int) -> None:
    first = WorkerProcess(settings, log)
    wait_for(first, offered)
    second = WorkerProcess(replace(settings, instance="two"), log)
    time.sleep(10)
    began = time.perf_counter()
    first.terminate(20)
    print(f"SIGTERM to end of process: {time.perf_counter() - began:.2f} s")
    wait_for(second, offered, 0.25)
    print(f"SIGTERM to exact at the other worker: {time.perf_counter() - began:.2f} s")
    while not second.ready():
        time.sleep(0.05)
    print(f"SIGTERM to ready, all of it fetched: {time.perf_counter() - began:.2f} s")
    second.kill()


def main(calls: int, gave_up: int) -> None:
    with tempfile.TemporaryDirectory() as name, kafka_server(Path(name)) as server:
        log = Path(name) / "worker.log"
        settings = Settings(
            broker=server.bootstrap, metrics_port=0, partitions=PARTITIONS, instance="one",
            snapshot_seconds=86_400,
        )  # fmt: skip
        create_topics(settings)
        rows = one_hour(calls, gave_up, time.time_ns() // 1000 - MINUTE)
        produce(settings, rows)
        offered = len({e.call_id for _, e in rows if isinstance(e, CallOffered | CallQueued)})
        print(f"{len(rows):,} events, {offered:,} calls")
        worker = first_reading(settings, log, len(rows), offered)
        took = killed_and_back(worker, settings, log, offered)
        print(f"after kill -9, ticks and records alone: {took:.2f} s")
        worker = with_snapshots(settings, log, offered)
        took = killed_and_back(worker, settings, log, offered)
        print(f"after kill -9, with snapshots: {took:.2f} s")
        handed_over(settings, log, offered)


if __name__ == "__main__":
    main(*(int(each) for each in (sys.argv[1:3] or ("65500", "30000"))))
