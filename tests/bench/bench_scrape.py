"""How long a scrape of a large centre takes, and how long the event loop is held up by it.

Arguments: queues (200), partitions (12), calls of each queue in each partition (10).
"""

import asyncio
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))

from crowd import waited_for_cpu
from ledger_workers import Worker, answered_call
from measuring import Report, reporting, table

from streams.instants import SECOND
from streams.kafka.worker import calm_collector
from streams.metrics import Exposition, serve

MOST_SCRAPE, MOST_HELD = 0.100, 0.020
PAUSE = 6.0
"""Seconds between scrapes: after them every copy is due again, as it is when Prometheus comes."""
SCRAPES = {
    "identity": ("identity", False),
    "gzip": ("gzip", False),
    "gzip, an eighth changed": ("gzip", True),
}
"""The encoding, and whether some queues change before each; the time of those has no bar yet."""


def busy_worker(queues: int, partitions: int, calls: int) -> Worker:
    """A worker on which every queue had calls in every partition in the last hour."""
    worker = Worker()
    now = int(time.time() * SECOND)
    for number in range(partitions):
        owned = worker.assign(number)
        events = [
            event
            for queue in range(queues)
            for call in range(calls)
            for event in answered_call(
                f"{number}/{queue}/{call}",
                f"queue-{queue:03}",
                now - (600 + call * 3000 // calls) * SECOND,
                wait=call % 30,
            )
        ]
        owned.take(*sorted(events, key=lambda event: event.at))
        owned.tick(now)
    return worker


def timed(work, repeat: int = 5) -> float:  # type: ignore[no-untyped-def]
    """The median time of `work` in milliseconds."""
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return median(times) * 1e3


CLIENT = """
import socket, sys, time, zlib
port, encoding = sys.argv[1:]
request = f"GET /metrics HTTP/1.1\\r\\nHost: worker\\r\\nAccept-Encoding: {encoding}\\r\\n\\r\\n"
answer = memoryview(bytearray(128 * 1024 * 1024))
answer[:] = bytes(len(answer))
size = 0
begun = time.perf_counter()
with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as worker:
    worker.sendall(request.encode())
    while count := worker.recv_into(answer[size : size + 4 * 1024 * 1024]):
        size += count
took = time.perf_counter() - begun
head, body = bytes(answer[:size]).split(b"\\r\\n\\r\\n", 1)
text = zlib.decompress(body, 31) if encoding == "gzip" else body
print(took * 1e3, len(body), text.count(b"\\n"))
"""
"""Reads into a buffer it had before, as Prometheus does; what it makes of it is not timed."""


async def scrape(port: int, encoding: str) -> tuple[float, int, int]:
    """Milliseconds, bytes and lines of one scrape by another process."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, str(port), encoding, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await client.communicate()
    took, size, lines = output.split()
    return float(took), int(size), int(lines)


async def lateness(until: asyncio.Task[tuple[float, int, int]]) -> tuple[float, float]:
    """Milliseconds the loop was late at most until a scrape was done, and held up at most.

    Held up: late, less what the threads of this process waited for a processor.
    """
    latest = held = 0.0
    while not until.done():
        waited, before = waited_for_cpu(), time.perf_counter()
        await asyncio.sleep(0.001)
        late = (time.perf_counter() - before - 0.001) * 1e3
        latest, held = max(latest, late), max(held, late - (waited_for_cpu() - waited))
    return latest, held


async def over_http(worker: Worker, report: Report) -> list[list[str]]:
    """Scrape by another process, plain and compressed; returns the rows of the bars."""
    rows = []
    serving = await serve(worker, port=0)
    try:
        await asyncio.sleep(1)
        for what, (encoding, some_change) in SCRAPES.items():
            times, late, held, size, lines = [], 0.0, 0.0, 0, 0
            for _ in range(6):
                if some_change:
                    change_some(worker)
                await asyncio.sleep(PAUSE)
                task = asyncio.create_task(scrape(serving.port, encoding))
                latest, longest = await lateness(task)
                late, held = max(late, latest), max(held, longest)
                took, size, lines = task.result()
                times.append(took)
            report.say(
                f"Over HTTP, {what}: first {times[0]:.0f} ms, then {median(times[1:]):.0f} ms, "
                f"{lines:,} lines in {size / 1e6:.1f} MB; loop late by at most {late:.1f} ms, "
                f"by {held:.1f} less what was waited for a processor."
            )
            if not some_change:
                rows.append(report.bar(f"scrape, {what}", median(times[1:]) / 1e3, MOST_SCRAPE))
            rows.append(report.bar(f"loop held up by a scrape, {what}", held / 1e3, MOST_HELD))
    finally:
        await serving.close()
    return rows


def change_some(worker: Worker) -> None:
    """Have one queue in eight have a call in every partition."""
    now = int(time.time() * SECOND)
    for number, owned in worker.partitions.items():
        for queue in range(0, len(owned.exported.totals.queues), 8):
            name = f"queue-{queue:03}"
            owned.take(*answered_call(f"{number}/{queue}/{now}", name, now - 90 * SECOND, wait=2))
        owned.tick(now)


def with_some_changed(exposition: Exposition, worker: Worker) -> float:
    """Milliseconds to render after one queue in eight has had a call in every partition."""
    change_some(worker)
    exposition.publish(worker)
    return timed(exposition.text, repeat=1)


def main() -> None:
    numbers = [int(argument) for argument in sys.argv[1:]]
    queues, partitions, calls = [*numbers, *(200, 12, 10)[len(numbers) :]]
    worker = busy_worker(queues, partitions, calls)
    calm_collector()
    with reporting("Scrapes", "python tests/bench/bench_scrape.py") as report:
        report.say(f"{queues} queues on {partitions} partitions, {calls} calls of each an hour.")
        report.say(in_process(worker, partitions))
        report.bars(asyncio.run(over_http(worker, report)))


def in_process(worker: Worker, partitions: int) -> str:
    """Return what each step of a scrape takes."""
    exposition = Exposition()
    ledger = worker.partitions[0].ledger
    steps = {
        "windows of one partition": timed(ledger.windows.read),
        "live gauges of one partition": timed(lambda: ledger.live(0)),
    }
    for _ in range(partitions):
        exposition.publish(worker)
    steps["publish"] = timed(lambda: exposition.publish(worker))
    steps["render the first time"] = timed(exposition.text, repeat=1)
    lines = sum(piece.count(b"\n") for piece in exposition.text())
    steps[f"render {lines:,} lines with nothing changed"] = timed(exposition.text)
    steps["render with an eighth changed"] = with_some_changed(exposition, worker)
    return table(("step", "took"), [(name, f"{took:.1f} ms") for name, took in steps.items()])


if __name__ == "__main__":
    main()
