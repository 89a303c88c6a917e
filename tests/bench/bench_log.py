"""What ticks and snapshots cost a worker: CPU time of a backlog, and how long a batch may wait.

First an hour of a large centre (361,000 events, 12 partitions, 30,000 callers who gave up) is read
once, and live events follow at a steady rate for a minute, with a snapshot of each partition every
12 s (60 as shipped): how long the event loop is kept by each tick and each part of a snapshot.
After that the sources restart once: all of their calls are judged again, in one tick.
Then the hour is read in pairs, as shipped, and with a tick every 5 s and no snapshot: CPU seconds
of the worker.

Arguments: pairs (3), live events a second (2000).
"""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

import msgspec
from bench_recovery import PARTITIONS, one_hour, produce, wait_for
from kafka_server import kafka_server
from msgspec.structs import replace
from soak import FAULTS, feed
from worker_processes import WorkerProcess

from streams.events import CallOffered, CallQueued, Event, SourceRestarted
from streams.instants import MINUTE
from streams.kafka.produce import EventProducer
from streams.kafka.topics import create_topics
from streams.settings import Settings

SNAPSHOT_SECONDS = 12
LIVE_SECONDS = 60
RESTART_SECONDS = 5
TIMED = Path(__file__).with_name("timed_worker.py")


@contextmanager
def running(settings: Settings, group: str, directory: Path) -> Iterator[WorkerProcess]:
    """Run a worker that reads everything from the beginning; its notes are in <group>.json."""
    ledger, promises = f"{group}.ledger", f"{group}.promises"
    own = replace(settings, group=group, ledger_topic=ledger, promises_topic=promises)
    create_topics(own)
    notes = [str(directory / f"{group}.json")]
    worker = WorkerProcess(own, directory / f"{group}.log", TIMED, notes)
    try:
        yield worker
    finally:
        worker.terminate(30)


def backlog_cpu(settings: Settings, group: str, directory: Path, offered: int) -> float:
    """CPU seconds from the start of the process until the hour is exported."""
    with running(settings, group, directory) as worker:
        # A scrape costs CPU time too: both sides pay for the same number of them.
        time.sleep(1)
        wait_for(worker, offered, pause=2)
        return sum(stat_seconds(worker.process.pid))


def stat_seconds(pid: int) -> tuple[float, float]:
    """User and system seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) / 100, int(fields[12]) / 100


def compare(settings: Settings, directory: Path, offered: int, events: int, pairs: int) -> None:
    seldom = replace(settings, tick_seconds=5, snapshot_seconds=86_400)
    ratios = []
    for n in range(pairs):
        cpu = backlog_cpu(settings, f"often-{n}", directory, offered)
        least = backlog_cpu(seldom, f"seldom-{n}", directory, offered)
        ratios.append(cpu / least)
        print(
            f"{cpu:.2f} s CPU with the log as it is, {least:.2f} s with hardly any: "
            f"{cpu / least - 1:+.1%} ({cpu / events * 1e6:.1f} s a million)",
            flush=True,
        )
    print(f"median: {median(ratios) - 1:+.1%} (at most +5 %)")


def hold_ups(
    settings: Settings, directory: Path, rows: list[tuple[str | None, Event]], rate: float
) -> None:
    settings = replace(settings, snapshot_seconds=SNAPSHOT_SECONDS)
    faults = [name for name in FAULTS if name != "restart"]
    with running(settings, "live", directory) as worker:
        wait_for(worker, offered_of(rows), pause=2)
        began = time.time()
        end = began + LIVE_SECONDS
        live = multiprocessing.Process(target=feed, args=(settings, rate, 1, end, faults))
        live.start()
        live.join(LIVE_SECONDS + 30)
        restart(settings, {event.source for _, event in rows})
        time.sleep(RESTART_SECONDS)
    written = (directory / "live.json").read_bytes()
    notes = msgspec.json.decode(written, type=dict[str, list[tuple[float, float]]])
    for name, each in notes.items():
        tell(name, [took for at, took in each if began + 2 < at < end], "at most 20")
    ticks = [took for at, took in notes["tick"] if end < at < end + RESTART_SECONDS]
    tell("tick, all sources restarted", sorted(ticks)[-PARTITIONS:], "some 7,000 calls anew")


def tell(name: str, milliseconds: list[float], asked: str) -> None:
    kept = sorted(milliseconds)
    print(
        f"{name}: {len(kept)} times, median {median(kept):.1f} ms, p99 "
        f"{kept[int(len(kept) * 0.99)]:.1f} ms, longest {kept[-1]:.1f} ms ({asked})"
    )


def restart(settings: Settings, sources: set[str]) -> None:
    """Have every source say that it restarted."""
    producer = EventProducer(settings, settings.broker)
    for source in sorted(sources):
        at = time.time_ns() // 1000
        producer.send(None, SourceRestarted(id=f"restart-{source}", at=at, source=source))
    producer.flush()


def offered_of(rows: list[tuple[str | None, Event]]) -> int:
    return len({e.call_id for _, e in rows if isinstance(e, CallOffered | CallQueued)})


def main(pairs: float = 3, rate: float = 2000) -> None:
    with tempfile.TemporaryDirectory() as name, kafka_server(Path(name)) as server:
        settings = Settings(broker=server.bootstrap, metrics_port=0, partitions=PARTITIONS)
        create_topics(settings)
        rows = one_hour(65_500, 30_000, time.time_ns() // 1000 - MINUTE)
        produce(settings, rows)
        offered = offered_of(rows)
        print(f"{len(rows):,} events, {offered:,} calls")
        hold_ups(settings, Path(name), rows, rate)
        compare(settings, Path(name), offered, len(rows), int(pairs))


if __name__ == "__main__":
    main(*(float(each) for each in sys.argv[1:]))
