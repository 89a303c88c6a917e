"""One and two workers on 1, 4, 12 and 48 partitions; what a rebalance and more open calls cost.

Everything shares the cores of the machine: with two of them, a second worker has to take its part
from the broker and the first. Each pair reads the same backlog.

Arguments: events of the backlog (300000).
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench_memory import child
from measuring import Report, busy_seconds, reporting, resident_bytes, table
from msgspec.structs import replace
from stand import broker, scraped, total, wait_ready
from steady_feed import feeding, produced
from worker_processes import WorkerProcess

from streams.kafka.topics import create_topics
from streams.settings import Settings

PARTITIONS: Final = (1, 4, 12, 48)
WORKERS: Final = (1, 2)
EVENTS: Final = "callcenter_events_total"
OPEN_CALLS: Final = (10_000, 100_000, 1_000_000)
REBALANCE_RATE: Final = 2000


class Run(NamedTuple):
    """What some workers did with the backlog."""

    workers: int
    partitions: int
    rate: float
    cpu: float
    memory: int
    ready: float


def of(settings: Settings, partitions: int, run: str) -> Settings:
    """Return settings with topics and a group of their own; the topics are made."""
    own = replace(
        settings,
        partitions=partitions,
        group=f"group-{run}",
        events_topic=f"events-{run}",
        promises_topic=f"promises-{run}",
        dead_letters_topic=f"dead-{run}",
        ledger_topic=f"ledger-{run}",
    )
    create_topics(own)
    return own


@contextmanager
def running(settings: Settings, folder: Path, number: int) -> Iterator[list[WorkerProcess]]:
    """Run so many workers for the time of the block."""
    with ExitStack() as stack:
        workers = []
        for each in range(number):
            log = folder / f"{settings.group}-{each}.log"
            worker = WorkerProcess(replace(settings, instance=f"worker-{each}"), log)
            stack.callback(worker.kill)
            workers.append(worker)
        yield workers


def wait_taken(workers: list[WorkerProcess], events: int, seconds: float = 120) -> None:
    """Wait until the workers have taken in so many events."""
    until = time.monotonic() + seconds
    while taken(workers) < events:
        if time.monotonic() > until:
            raise TimeoutError(f"{taken(workers):,.0f} of {events:,} events")
        time.sleep(0.2)


def taken(workers: list[WorkerProcess]) -> float:
    """Return how many events, of any fate, are in the totals of all workers together."""
    return sum(total(scraped(each), EVENTS) for each in workers)


def drain(settings: Settings, folder: Path, number: int, events: int) -> Run:
    """Have `number` workers read the backlog of one topic."""
    name = f"{number}x{settings.partitions}"
    own = of(settings, settings.partitions, name)
    begun = time.perf_counter()
    with running(own, folder, number) as workers:
        for worker in workers:
            wait_ready(worker)
        time.sleep(1)
        ready = time.perf_counter() - begun - 1
        used = sum(busy_seconds(each.process.pid) for each in workers)
        begun = time.perf_counter()
        produced(own.broker, own.events_topic, events, "beef", rate=20_000)
        wait_taken(workers, events)
        took = time.perf_counter() - begun
        cpu = sum(busy_seconds(each.process.pid) for each in workers) - used
        memory = sum(resident_bytes(each.process.pid) for each in workers)
    return Run(number, own.partitions, events / took, cpu / events * 1e6, memory, ready)


def rebalance(settings: Settings, folder: Path) -> list[tuple[str, str]]:
    """Return how long totals stand still when a worker comes, and when one goes."""
    own = of(settings, 12, "rebalance")
    rows = []
    with running(own, folder, 1) as workers:
        wait_ready(workers[0])
        with feeding(own.broker, own.events_topic, REBALANCE_RATE):
            time.sleep(3)
            second = WorkerProcess(replace(own, instance="late"), folder / "late.log")
            rows.append(("a worker joins", _standstill([workers[0], second], 8)))
            second.process.terminate()
            rows.append(("it leaves (SIGTERM)", _standstill([workers[0]], 8)))
            second.process.wait(20)
            behind = WorkerProcess(replace(own, instance="late"), folder / "late.log")
            time.sleep(6)
            behind.kill()
            rows.append(("one is killed (-9)", _standstill([workers[0]], 14)))
    return rows


def _standstill(workers: list[WorkerProcess], seconds: float) -> str:
    """Return the longest time in which the sum of all totals did not grow, and the loads' time."""
    end, grown_at, last, longest = time.monotonic() + seconds, time.monotonic(), 0.0, 0.0
    while time.monotonic() < end:
        running_ones = [each for each in workers if each.process.poll() is None]
        now, found = time.monotonic(), taken(running_ones)
        if found > last:
            longest, grown_at, last = max(longest, now - grown_at), now, found
        time.sleep(0.05)
    return f"{longest:.2f} s"


def with_open_calls(report: Report) -> None:
    """Measure what more open calls cost in one ledger."""
    rows = []
    for number in OPEN_CALLS:
        one = child("held_calls.py", "open", str(number))
        rows.append(
            (f"{number:,}", f"{one['event'] * 1e6:.2f} µs", f"{one['live'] * 1e3:,.1f} ms",
             f"{one['snapshot'] * 1e3:,.0f} ms", f"{one['resident'] * number / 2**20:,.0f} MiB")
        )  # fmt: skip
        print(*rows[-1], sep="\t", flush=True)
    report.say("One partition with so many callers waiting (CPU times):")
    head = ("open calls", "an event", "live gauges", "snapshot", "resident")
    report.say(table(head, rows))


def main(events: int = 300_000) -> None:
    """Measure and report."""
    with reporting("Scale", "python tests/bench/bench_scale.py") as report:
        with broker() as (settings, folder):
            rows = []
            for partitions in PARTITIONS:
                for number in WORKERS:
                    one = drain(replace(settings, partitions=partitions), folder, number, events)
                    rows.append(
                        (f"{number}", f"{partitions}", f"{one.rate:,.0f}", f"{one.cpu:.1f} µs",
                         f"{one.memory / 2**20:,.0f} MiB", f"{one.ready:.1f} s")
                    )  # fmt: skip
                    print(*rows[-1], sep="\t", flush=True)
            head = ("workers", "partitions", "events/s", "CPU an event", "resident", "ready after")
            report.say(
                f"{events:,} events, written as fast as they go while the workers read; everything "
                "shares the cores."
            )
            report.say(table(head, rows))
            report.say(f"12 partitions, {REBALANCE_RATE:,} events/s, totals of all workers:")
            columns = ("when", "longest standstill")
            report.say(table(columns, rebalance(settings, folder)))
        with_open_calls(report)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
