"""What a worker remembers, and what the garbage collector costs it.

Bytes for each open call, open callback and answered call that is remembered, by tracemalloc and as
resident memory; bytes for each queue of a partition; then one worker on a real broker that reads a
million callers who gave up within the last hour and owes each a callback: memory, and the pauses of
its collector while it reads, and while 500 events a second go on coming.

Arguments: calls of each kind in one ledger (200000; the windows of its 50 queues are counted with
them, and weigh 20 bytes a call then), open callbacks of the worker (1000000).
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from held_calls import KINDS
from measuring import Report, reporting, resident_bytes, table
from stand import Stand, broker, latency_of, scraped, total, wait_ready
from steady_feed import feeding, offered, producer
from worker_processes import worker_process

HERE: Final = Path(__file__).parent
MOST_BYTES_OPEN, MOST_PAUSE, MOST_P99 = 400, 0.020, 0.150
RATE: Final = 500
STEADY: Final = 15.0
WORDS: Final = {"open": "open call", "owed": "open callback", "done": "answered call, remembered"}


def child(*arguments: str) -> dict[str, Any]:
    """Return what a measurement in a process of its own prints."""
    command = [sys.executable, str(HERE / arguments[0]), *arguments[1:]]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=-1).stdout)
    return found


def of_each_kind(report: Report, number: int) -> list[list[str]]:
    """Measure each kind of call; returns the row of the bar."""
    rows, bars = [], []
    for kind in KINDS:
        one = child("held_calls.py", kind, str(number))
        traced = child("held_calls.py", kind, str(number // 4), "traced")["traced"]
        rows.append(
            (WORDS[kind], f"{traced:,.0f}", f"{one['resident']:,.0f}",
             f"{one['collection'] * 1e9 / number:,.0f} ns",
             f"{one['snapshot'] * 1e6 / number:.1f} µs")
        )  # fmt: skip
        print(*rows[-1], sep="\t", flush=True)
        if kind == "open":
            bars.append(report.bar("bytes per open call", one["resident"], MOST_BYTES_OPEN, "B", 1))
    head = ("each", "traced bytes", "resident bytes", "full collection", "snapshot")
    report.say(f"In a ledger of {number:,} calls with customers of 38 and ids of 11 characters:")
    report.say(table(head, rows))
    return bars


def of_a_queue() -> float:
    """Return the resident bytes of one more queue that is busy for an hour."""
    return float(child("held_queues.py")["resident"])


def give_up(place: Stand, number: int) -> None:
    """Write a million callers who gave up within the last 50 minutes."""
    sending = producer(place.settings.broker, 50)
    begun = time.time() - 3000 - 30
    for call in range(number):
        at, who = int((begun + call * 3000 / number) * 1000), f"2026a:{call:032x}"
        for kind, later in (("call.offered", 0), ("call.abandoned", 15_000)):
            value = offered(f"gone-{call}", who, f"queue-{call % 50:02}", at + later, kind)
            while True:
                try:
                    sending.produce(place.settings.events_topic, value, who)
                    break
                except BufferError:
                    sending.poll(0.1)
        if call % 1000 == 0:
            sending.poll(0)
    assert sending.flush(60) == 0


def pauses(place: Stand, file: Path) -> dict[str, list[float]]:
    """Return the collector's pauses in milliseconds so far, by generation."""
    file.unlink(missing_ok=True)
    place.worker.process.send_signal(signal.SIGUSR1)
    while not file.exists():
        time.sleep(0.05)
    found: dict[str, list[float]] = json.loads(file.read_text())
    return found


def longest(found: dict[str, list[float]]) -> float:
    """Return the longest pause in seconds."""
    return max((each for some in found.values() for each in some), default=0.0) / 1e3


def counted(found: dict[str, list[float]]) -> str:
    """Return the number, the sum and the longest of the pauses of each generation."""
    return "; ".join(
        f"generation {name}: {len(some):,} of {sum(some):,.0f} ms, longest {max(some):,.1f} ms"
        for name, some in found.items()
        if some
    )


def million(report: Report, number: int) -> list[list[str]]:
    """Have one worker owe so many callbacks; returns the rows of the bars."""
    with broker() as (settings, folder):
        file = folder / "pauses.json"
        os.environ["CALLSLA_BENCH_PAUSES"] = str(file)
        with worker_process(settings, folder, HERE / "watched_worker.py") as worker:
            place = Stand(settings, worker, folder)
            wait_ready(worker)
            empty = resident_bytes(worker.process.pid)
            give_up(place, number)
            begun = time.monotonic()
            while total(scraped(worker), "callcenter_callbacks_open") < number:
                if time.monotonic() - begun > 240:
                    raise TimeoutError("the callbacks are not all open")
                time.sleep(1)
            reading = pauses(place, file)
            memory = resident_bytes(worker.process.pid)
            report.say(
                f"{number:,} open callbacks in one worker: {memory / 2**20:,.0f} MiB, "
                f"{(memory - empty) / number:,.0f} bytes each. Collector while reading: "
                f"{counted(reading)}."
            )
            return _steady(report, place, file, longest(reading))


def _steady(report: Report, place: Stand, file: Path, while_reading: float) -> list[list[str]]:
    before = pauses(place, file)
    with feeding(place.settings.broker, place.settings.events_topic, RATE):
        time.sleep(3)
        first = latency_of(scraped(place.worker))
        time.sleep(STEADY)
        took = latency_of(scraped(place.worker)).less(first)
    after = {name: some[len(before[name]) :] for name, some in pauses(place, file).items()}
    report.say(
        f"With {RATE} events/s more: produce to applied p50 {took.quantile(0.5) * 1e3:.0f} ms, "
        f"p99 {took.quantile(0.99) * 1e3:.0f} ms; collector: {counted(after) or 'no pause'}."
    )
    return [
        report.bar("longest pause while reading", while_reading, MOST_PAUSE),
        report.bar(f"longest pause at {RATE} events/s", longest(after), MOST_PAUSE),
        report.bar("p99 produce to applied then", took.quantile(0.99), MOST_P99),
    ]


def main(calls: int = 200_000, callbacks: int = 1_000_000) -> None:
    """Measure and report."""
    with reporting("Memory and the collector", "python tests/bench/bench_memory.py") as report:
        bars = of_each_kind(report, calls)
        report.say(f"One more queue of one partition, busy for an hour: {of_a_queue():,.0f} bytes.")
        bars += million(report, callbacks)
        report.bars(bars)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
