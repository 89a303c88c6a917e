"""How a worker with the metrics of a large centre fares among a thousand hostile clients.

Argument: seconds of each crowd (10). What is told: how long scrapes of an honest client took, and
how late the event loop was: a batch is held up by no more than that.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))
sys.path.insert(0, str(Path(__file__).parent))

from bench_scrape import MOST_HELD, busy_worker
from crowd import crowd, waited_for_cpu
from measuring import Report, quantile, reporting, table

from streams.kafka.worker import calm_collector
from streams.metrics import serve

CROWDS = {"nobody": 0, "silent": 1000, "half": 1000, "dripping": 1000, "deaf": 1000, "scraping": 50}
MOST_SCRAPE = 10.0
"""Seconds that Prometheus waits for a scrape by default."""
PAUSE = 0.002

HONEST = """
import sys, time, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Accept-Encoding": "gzip"})
while True:
    begun = time.perf_counter()
    urllib.request.urlopen(request, timeout=60).read()
    print(time.perf_counter() - begun, flush=True)
    time.sleep(0.5)
"""


@contextmanager
def honest_client(url: str, times: list[float]) -> Iterator[None]:
    """Have a process scrape again and again; in the end `times` are the seconds of each scrape."""
    command = [sys.executable, "-c", HONEST, f"{url}/metrics"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        try:
            yield
        finally:
            client.terminate()
            times += [float(line) for line in client.communicate()[0].split()]


@contextmanager
def among(kind: str, url: str, port: int, times: list[float]) -> Iterator[None]:
    with (
        honest_client(url, times),
        crowd(port, kind, CROWDS[kind]) if CROWDS[kind] else nullcontext(),
    ):
        yield


async def lateness(until: float) -> list[tuple[float, float]]:
    """Seconds the loop was late, each time, and how long its threads had no processor meanwhile."""
    lates = []
    while time.monotonic() < until:
        waited, before = waited_for_cpu(), time.perf_counter()
        await asyncio.sleep(PAUSE)
        late = time.perf_counter() - before - PAUSE
        lates.append((late, (waited_for_cpu() - waited) / 1e3))
    return lates


async def measure(kind: str, url: str, port: int, seconds: float, report: Report) -> list[str]:
    """Measure with a crowd there, from before it comes; returns its row, and keeps the bars."""
    times: list[float] = []
    there = among(kind, url, port, times)
    arriving = asyncio.create_task(asyncio.to_thread(there.__enter__))
    lates = await lateness(time.monotonic() + seconds)
    await arriving
    await asyncio.to_thread(there.__exit__, None, None, None)
    late, waited = max(lates)
    held = max(each - without for each, without in lates)
    report.bar(f"loop held up, {kind}", held, MOST_HELD)
    report.bar(f"longest scrape, {kind}", max(times), MOST_SCRAPE, "s", 1)
    figures = (
        quantile([each for each, _ in lates], 0.99),
        late,
        waited,
        held,
        quantile(times, 0.5),
    )
    shown = [f"{figure * 1e3:.1f}" for figure in (*figures, max(times))]
    return [f"{CROWDS[kind]} {kind}", *shown]


async def measured(seconds: float, report: Report) -> list[list[str]]:
    """Return the rows of all crowds, one after the other at one worker."""
    worker = busy_worker(200, 12, 10)
    calm_collector()
    serving = await serve(worker, port=0)
    try:
        await asyncio.sleep(1)
        return [await measure(kind, serving.url, serving.port, seconds, report) for kind in CROWDS]
    finally:
        await serving.close()


HEAD = (
    "clients", "loop late, p99", "at most", "then without a processor", "held up at most",
    "scrape, median", "longest",
)  # fmt: skip


def main(seconds: float) -> None:
    with reporting("Hostile clients", "python tests/bench/bench_hostile.py") as report:
        report.say(
            "200 queues on 12 partitions, a thousand clients (50 that scrape without a pause), and "
            "an honest one; milliseconds. Held up: late, less what the worker's threads waited for "
            f"a processor; to be {MOST_HELD * 1e3:.0f} at most. A scrape may take ten seconds."
        )
        rows = asyncio.run(measured(seconds, report))
        report.say(table(HEAD, rows))


if __name__ == "__main__":
    main(float((sys.argv[1:] or ["10"])[0]))
