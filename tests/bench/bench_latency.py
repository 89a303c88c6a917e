"""From produce to what is seen, at 1, 50 and 90 % of what one worker takes in for long.

A call a hundredth of a second goes to a queue of its own and is never answered. Scrapes at random
moments tell how many of these calls are in a total, in the gauge of callers who wait, and among the
breaches: the last one shown was sent (or its deadline was) so long before the answer began. The
time from produce to applied is what the worker measures itself, of every event.

Capacity is what is applied while as much is produced as the worker takes from a backlog: broker and
feed share the cores with it.

Arguments: seconds of each measurement (20), events of the backlog (400000).
"""

import random
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from measuring import Report, quantile, reporting, table
from msgspec.structs import replace
from stand import Latency, Stand, broker, latency_of, scraped, timed_scrape, total, wait_ready
from steady_feed import feeding, offered, produced, producer
from worker_processes import WorkerProcess, worker_process

SHARES: Final = (0.01, 0.5, 0.9)
PARTITIONS: Final = 12
PROBES_A_SECOND: Final = 100
LEAST: Final = 1000.0
"""Events a second that are fed to a machine that has no time for anything."""
TARGET, GRACE = 10.0, 2.0
WARM: Final = TARGET + GRACE + 1
BOUNDS: Final = (0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 2.5)
MOST_APPLIED, MOST_EXPORTED, MOST_LIVE, MOST_BREACH = 0.150, 0.750, 0.250, 0.250
# What has to be remembered levels out within two minutes.
SHORT: Final = """
promises: {callback: {target: 1m, late_horizon: 2m}}
usefulness: {repeat_window: 1m}
time: {lateness: 1m, max_call: 2m, max_age: 10m}
"""
_PROBED: Final = {
    "exported": "callcenter_calls_offered_total",
    "live": "callcenter_calls_waiting",
    "breach": "callcenter_answer_promises_broken_total",
}


class Probes:
    """Calls nobody answers, sent to one partition at known times."""

    def __init__(self, place: Stand, run: str) -> None:
        self.sent: list[float] = []
        self.queue = f"probe-{run}"
        self._topic, self._run = place.settings.events_topic, run
        self._producer = producer(place.settings.broker, 0)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def _send(self) -> None:
        begun = time.time()
        while not self._done.wait(max(0.0, begun + len(self.sent) / PROBES_A_SECOND - time.time())):
            # No name that the feed gives a call of its own.
            now, name = time.time(), f"probe-{self._run}-{len(self.sent)}"
            value = offered(name, f"customer-{name}", self.queue, int(now * 1000))
            self._producer.produce(self._topic, value, partition=0)
            self._producer.poll(0)
            self.sent.append(now)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send for the time of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._done.set()
            self._thread.join()
            self._producer.flush(10)

    def age(self, shown: int, at: float, delay: float = 0.0) -> float | None:
        """How long before `at` the last of `shown` probes was sent, `delay` later; None: none."""
        if not 0 < shown <= len(self.sent):
            return None
        return at - self.sent[shown - 1] - delay


class Seen(NamedTuple):
    """What was measured at one rate, in seconds."""

    rate: float
    applied: Latency
    exported: list[float]
    live: list[float]
    breach: list[float]


def _numbers(text: str, queue: str) -> dict[str, int]:
    return {name: int(total(text, metric, f'queue="{queue}"')) for name, metric in _PROBED.items()}


def watched(place: Stand, rate: float, seconds: float, run: str) -> Seen:
    """Feed at `rate` and look at the probes from time to time."""
    seen = Seen(rate, latency_of(""), [], [], [])
    probes = Probes(place, run)
    feed = feeding(place.settings.broker, place.settings.events_topic, rate, run, linger_ms=5)
    with feed, probes.running():
        time.sleep(WARM)
        first = latency_of(scraped(place.worker))
        end, text = time.monotonic() + seconds, ""
        while time.monotonic() < end:
            asked = time.time()
            text, at = timed_scrape(place.worker)
            # So long that the endpoint lets nobody wait for his turn.
            pause = random.uniform(0.1, 0.4) + 5 * (at - asked)
            _note(seen, probes, _numbers(text, probes.queue), at)
            time.sleep(pause)
        return seen._replace(applied=latency_of(text).less(first))


def _note(seen: Seen, probes: Probes, shown: dict[str, int], at: float) -> None:
    for name, delay in (("exported", 0.0), ("live", 0.0), ("breach", TARGET + GRACE)):
        age = probes.age(shown[name], at, delay)
        if age is not None:
            getattr(seen, name).append(age)


def taken(worker: WorkerProcess) -> float:
    """Return how many events, of any fate, the worker has taken in."""
    return total(scraped(worker), "callcenter_events_total")


def drained(place: Stand, events: int) -> float:
    """Return the events a second that a backlog of so many is read at.

    From the last moment at which nothing was shown: what is shown first is a second's work.
    """
    begun, shown = time.monotonic(), 0.0
    while shown < events * 0.95:
        time.sleep(0.1)
        shown = taken(place.worker)
        if not shown:
            begun = time.monotonic()
    return shown / (time.monotonic() - begun)


def sustained(place: Stand, rate: float, seconds: float = 8) -> float:
    """Return the events a second that are applied while `rate` are produced."""
    with feeding(place.settings.broker, place.settings.events_topic, rate, "cafe", linger_ms=5):
        time.sleep(4)
        begun, first = time.monotonic(), taken(place.worker)
        time.sleep(seconds)
        found = (taken(place.worker) - first) / (time.monotonic() - begun)
    wait_ready(place.worker)
    time.sleep(2)
    return min(found, rate)


def levelled(place: Stand, most: float = 200) -> None:
    """Wait until what the backlog left behind is over: callbacks that fall due all at once."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        text = scraped(place.worker)
        if not total(text, "callcenter_callbacks_open") + total(
            text, "callcenter_callbacks_overdue"
        ):
            return
        time.sleep(2)


@contextmanager
def loaded(events: int) -> Iterator[Stand]:
    """Run a worker on a topic with a backlog."""
    with broker(partitions=PARTITIONS, ready_lag=0) as (plain, folder):
        slo = folder / "slo.yaml"
        slo.write_text(SHORT)
        produced(plain.broker, plain.events_topic, events, "bead", rate=20_000)
        settings = replace(plain, slo_file=str(slo))
        with worker_process(settings, folder) as worker:
            yield Stand(settings, worker, folder)


def _share_within(values: list[float], bound: float) -> str:
    ordered = sorted(values)
    return f"{bisect_left(ordered, bound) / len(ordered):.0%}" if ordered else "-"


def histograms(one: Seen) -> str:
    """Return the share of events, or of scrapes, within each bound."""
    rows = [
        ("produce to applied", *(f"{one.applied.within(bound):.0%}" for bound in BOUNDS)),
        *((f"produce to {name}", *(_share_within(values, bound) for bound in BOUNDS))
          for name, values in (("exported total", one.exported), ("live gauge", one.live))),
        ("deadline + grace to breach", *(_share_within(one.breach, bound) for bound in BOUNDS)),
    ]  # fmt: skip
    return table(("within", *(f"{bound * 1e3:,.0f} ms" for bound in BOUNDS)), rows)


def bars(report: Report, share: float, one: Seen) -> list[list[str]]:
    """Return the p99 of each against its bar."""
    at = f"at {share:.0%}"
    rows = [report.bar(f"produce to applied {at}", one.applied.quantile(0.99), MOST_APPLIED)]
    for name, values, most in (
        ("produce to exported total", one.exported, MOST_EXPORTED),
        ("produce to live gauge", one.live, MOST_LIVE),
        ("deadline + grace to breach", one.breach, MOST_BREACH),
    ):
        rows.append(report.bar(f"{name} {at}", quantile(values, 0.99), most))
    return rows


def main(seconds: float = 20, events: float = 400_000) -> None:
    """Measure and report."""
    with reporting("Latency", "python tests/bench/bench_latency.py") as report:
        with loaded(int(events)) as place:
            backlog = drained(place, int(events))
            wait_ready(place.worker)
            capacity = max(LEAST, sustained(place, backlog))
            report.say(
                f"{backlog:,.0f} events/s from a backlog, {capacity:,.0f} events/s while as many "
                f"are produced on the same cores: 100 %. {PARTITIONS} partitions, 51 queues."
            )
            levelled(place)
            rows = []
            for share in SHARES:
                one = watched(place, capacity * share, seconds, f"f{int(share * 100):03}")
                print(f"{share:.0%}: {one.rate:,.0f} events/s, {len(one.live)} scrapes")
                rows += bars(report, share, one)
                report.say(f"At {share:.0%}, {one.rate:,.0f} events/s:\n\n{histograms(one)}")
                wait_ready(place.worker)
        report.say("The 99th percentiles against their bars:")
        report.bars(rows)


if __name__ == "__main__":
    main(*(float(each) for each in sys.argv[1:]))
