"""How long a scrape of a large centre takes, and how long the event loop is held up by it.

Arguments: queues (200), partitions (12), calls of each queue in each partition (10).
"""

import asyncio
import gc
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))

from crowd import waited_for_cpu
from ledger_workers import Worker, answered_call
from measuring import Report, reporting, table

from streams.instants import SECOND
from streams.metrics import Exposition, serve

MOST_SCRAPE, MOST_HELD = 0.100, 0.020


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
import sys, time, urllib.request
url, encoding = sys.argv[1:]
request = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
begun = time.perf_counter()
size = len(urllib.request.urlopen(request, timeout=60).read())
print((time.perf_counter() - begun) * 1e3, size)
"""


async def scrape(url: str, encoding: str) -> tuple[float, int]:
    """Milliseconds and bytes of one scrape by another process."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, f"{url}/metrics", encoding, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await client.communicate()
    took, size = output.split()
    return float(took), int(size)


async def lateness(until: asyncio.Task[tuple[float, int]]) -> tuple[float, float]:
    """The longest the loop was late until a scrape was done, and its part without a processor."""
    worst = (0.0, 0.0)
    while not until.done():
        waited, before = waited_for_cpu(), time.perf_counter()
        await asyncio.sleep(0.001)
        late = (time.perf_counter() - before - 0.001) * 1e3
        worst = max(worst, (late, waited_for_cpu() - waited))
    return worst


async def over_http(worker: Worker, report: Report) -> list[list[str]]:
    """Scrape by another process, plain and compressed; returns the rows of the bars."""
    rows = []
    serving = await serve(worker, port=0)
    try:
        await asyncio.sleep(1)
        for encoding in ("identity", "gzip"):
            times, late, size = [], (0.0, 0.0), 0
            for _ in range(6):
                task = asyncio.create_task(scrape(serving.url, encoding))
                late = max(late, await lateness(task))
                took, size = task.result()
                times.append(took)
            report.say(
                f"Over HTTP, {encoding}: first {times[0]:.0f} ms, then {median(times[1:]):.0f} ms, "
                f"{size / 1e6:.1f} MB; loop late by at most {late[0]:.1f} ms, "
                f"of which {late[1]:.1f} without a processor."
            )
            rows.append(report.bar(f"scrape, {encoding}", median(times[1:]) / 1e3, MOST_SCRAPE))
            held = max(0.0, late[0] - late[1]) / 1e3
            rows.append(report.bar(f"loop held up by a scrape, {encoding}", held, MOST_HELD))
    finally:
        await serving.close()
    return rows


def with_some_changed(exposition: Exposition, worker: Worker) -> float:
    """Milliseconds to render after one queue in eight has had a call in every partition."""
    now = int(time.time() * SECOND)
    for number, owned in worker.partitions.items():
        for queue in range(0, len(owned.exported.totals.queues), 8):
            name = f"queue-{queue:03}"
            owned.take(*answered_call(f"{number}/{queue}/late", name, now - 90 * SECOND, wait=2))
        owned.tick(now)
    exposition.publish(worker)
    return timed(exposition.text, repeat=1)


def main() -> None:
    numbers = [int(argument) for argument in sys.argv[1:]]
    queues, partitions, calls = [*numbers, *(200, 12, 10)[len(numbers) :]]
    worker = busy_worker(queues, partitions, calls)
    gc.freeze()
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
