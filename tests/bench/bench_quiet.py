"""What a quiet worker costs: at 2,000 events a second, and at none, on 4, 12 and 48 partitions.

The events come in many small sends from a producer without linger, which is the worst case for a
consumer. The bars hold for 4 partitions and for 12, the default; 48 show what each one more costs:
its ticks, its batches and its part of every fetch.

Arguments: seconds of each measurement (12), events a second (2000).
"""

import sys
import time

from measuring import Report, busy_seconds, reporting, table
from stand import Stand, latency_of, scraped, stand
from steady_feed import feeding

PARTITIONS = (4, 12, 48)
WITH_BARS = (4, 12)
WARM = 6.0
MOST_BUSY, MOST_IDLE, MOST_P99 = 0.06, 0.02, 0.150


def share_of_core(place: Stand, seconds: float) -> float:
    """Return the part of one core that the worker uses."""
    process = place.worker.process.pid
    before, begun = busy_seconds(process), time.perf_counter()
    time.sleep(seconds)
    return (busy_seconds(process) - before) / (time.perf_counter() - begun)


def measure(partitions: int, seconds: float, rate: float) -> tuple[float, float, float, float]:
    """Return the part of a core idle and busy, and p50 and p99 from produce to applied."""
    with stand(partitions=partitions) as place:
        time.sleep(WARM)
        idle = share_of_core(place, seconds)
        with feeding(place.settings.broker, place.settings.events_topic, rate):
            time.sleep(WARM)
            before = latency_of(scraped(place.worker))
            busy = share_of_core(place, seconds)
            took = latency_of(scraped(place.worker)).less(before)
        return idle, busy, took.quantile(0.5), took.quantile(0.99)


def main(seconds: float = 12, rate: float = 2000) -> None:
    """Measure and report."""
    with reporting("Quiet streams", "python tests/bench/bench_quiet.py") as report:
        bars, rows = [], []
        for partitions in PARTITIONS:
            idle, busy, p50, p99 = measure(partitions, seconds, rate)
            shown = f"{idle:.1%}", f"{busy:.1%}", f"{p50 * 1e3:.0f} ms", f"{p99 * 1e3:.0f} ms"
            rows.append((str(partitions), *shown))
            print(*rows[-1], sep="\t", flush=True)
            if partitions in WITH_BARS:
                bars += _against_bars(report, partitions, rate, idle, busy, p99)
        head = ("partitions", "0 events/s", f"{rate:,.0f} events/s", "p50", "p99")
        report.say("Part of one core, and the time from produce to applied.")
        report.say(table(head, rows))
        report.bars(bars)


def _against_bars(
    report: Report, partitions: int, rate: float, idle: float, busy: float, p99: float
) -> list[list[str]]:
    on = f"on {partitions} partitions"
    return [
        report.bar(f"{rate:,.0f} events/s {on}", busy, MOST_BUSY, "%", 100),
        report.bar(f"0 events/s {on}", idle, MOST_IDLE, "%", 100),
        report.bar(f"p99 produce to applied {on}", p99, MOST_P99, "ms", 1e3),
    ]


if __name__ == "__main__":
    main(*(float(each) for each in sys.argv[1:]))
