"""How a worker with the metrics of a large centre fares among a thousand hostile clients.

Argument: seconds of each crowd (10). What is told: the longest scrapes, and how late the event loop
was. A batch is held up by no more than that.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))
sys.path.insert(0, str(Path(__file__).parent))

from bench_scrape import busy_worker, scrape
from crowd import crowd, waited_for_cpu

from streams.metrics import serve

CROWDS = {"nobody": 0, "silent": 1000, "half": 1000, "dripping": 1000, "deaf": 1000, "scraping": 50}


async def lateness(until: float) -> list[tuple[float, float]]:
    """How late the loop was each time, in milliseconds, and its part without a processor."""
    lates = []
    while time.monotonic() < until:
        waited, before = waited_for_cpu(), time.perf_counter()
        await asyncio.sleep(0.002)
        late = (time.perf_counter() - before - 0.002) * 1e3
        lates.append((late, waited_for_cpu() - waited))
    return sorted(lates)


async def scrapes(url: str, until: float) -> list[float]:
    """Milliseconds of one scrape after another, each by a process of its own."""
    times = []
    while time.monotonic() < until:
        took, _ = await scrape(url, "gzip")
        times.append(took)
        await asyncio.sleep(0.5)
    return sorted(times)


@contextmanager
def there(port: int, kind: str) -> Iterator[None]:
    with crowd(port, kind, CROWDS[kind]) if CROWDS[kind] else nullcontext():
        yield


async def among(kind: str, url: str, port: int, seconds: float) -> None:
    entered = there(port, kind)
    arriving = asyncio.create_task(asyncio.to_thread(entered.__enter__))
    until = time.monotonic() + seconds
    lates, times = await asyncio.gather(lateness(until), scrapes(url, until))
    await arriving
    await asyncio.to_thread(entered.__exit__, None, None, None)
    late, waited = lates[-1]
    print(
        f"{CROWDS[kind]:5} {kind:9} scrape: median {times[len(times) // 2]:4.0f} ms, longest "
        f"{times[-1]:4.0f}; loop late: 99 % under "
        f"{lates[len(lates) * 99 // 100][0]:4.1f} ms, at most {late:5.1f}, "
        f"of which {waited:5.1f} without a processor"
    )


async def main(seconds: float) -> None:
    serving = await serve(busy_worker(200, 12, 10), port=0)
    gc.freeze()
    try:
        await asyncio.sleep(1)
        for kind in CROWDS:
            await among(kind, serving.url, serving.port, seconds)
    finally:
        await serving.close()


if __name__ == "__main__":
    asyncio.run(main(float((sys.argv[1:] or ["10"])[0])))
