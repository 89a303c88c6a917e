"""A simulated centre as real Prometheus sees it through the real exporter.

Ledgers are fed with the events of a simulation that ends now: first the past, then, while there is
a Prometheus, the present as it comes. Then everything stands still, so that what it says can be
compared to the call with what a brute-force judge says about the same events.

What happens is the same in every run, to the call: the simulation has its own day, which is moved
to now, and comes to its end after a fixed time, however long Prometheus takes to begin.
"""

import json
import time
import urllib.parse
import urllib.request
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from ledger_workers import Owned, Worker
from msgspec.structs import replace
from oracle import Truth, judge
from webhook import ask, until

from streams.events import CallbackRequested, Event, SourceHeartbeat
from streams.instants import HOUR, MINUTE, SECOND
from streams.ledger import Histogram, dump
from streams.metrics import Endpoint, Exposition, published
from streams.simulate import Centre, CentreConfig, Delivery, Outage, QueueConfig, small_centre
from streams.simulate.config import FLAT_DAY, DeskConfig
from streams.slo.local_stack import prometheus, prometheus_config
from streams.slo.objective import Objective, load_slo
from streams.slo.rulesfile import render_rules
from streams.slo.ruletests import RULES_FILE
from streams.slo.timing import Pace, Timing

__all__ = ["Soon", "Watched", "WatchedCentre", "answer", "watched_centre"]

PAST: Final = 80 * MINUTE
"""More than an hour: callbacks fall due and repeated calls tell while somebody watches."""
GRACE: Final = 2 * SECOND
PARTITIONS: Final = 3
DAY_OF_SIMULATION: Final = 1_790_067_600 * SECOND
"""A Tuesday at nine."""
STARTS_WITHIN: Final = 8 * SECOND
"""The time that Prometheus is given to begin; if it takes longer it sees the more at once."""
STEP: Final = 0.5
EARLIER: Final = Outage(queue="service", begins=PAST - 62 * MINUTE, lasts=4 * MINUTE)
"""Its callers' callbacks fall due while somebody watches."""


class Soon(Timing):
    """Everything is evaluated so often that seconds are enough; windows are as they are."""

    @property
    def slow(self) -> Pace:
        return Pace("_slow", 2 * self.interval, 6 * HOUR)


def centre_config(start: int, calls_per_hour: float, outages: tuple[Outage, ...]) -> CentreConfig:
    """Return a centre that is as busy at night as by day: the test may run at any hour."""
    queues = (
        QueueConfig(name="service", source="pbx-north", share=0.5, agents=60),
        QueueConfig(name="sales", source="pbx-north", share=0.25, agents=34),
        QueueConfig(name="billing", source="pbx-south", share=0.25, agents=30),
    )
    scale = calls_per_hour / 1200
    return replace(
        small_centre(start, calls_per_hour),
        queues=tuple(replace(q, agents=round((q.agents or 0) * scale)) for q in queues),
        profile=FLAT_DAY,
        day_variation=0.0,
        outages=outages,
        desk=DeskConfig(agents=round(12 * scale), forgotten=0.15),
    )


def moved(deliveries: Iterable[Delivery], by: int) -> Iterator[Delivery]:
    """Yield each delivery `by` microseconds later, with every instant that it names."""
    for delivery in deliveries:
        event = replace(delivery.event, at=delivery.event.at + by)
        if isinstance(event, CallbackRequested) and event.due_at is not None:
            event = replace(event, due_at=event.due_at + by)
        yield delivery._replace(at=delivery.at + by, event=event)


def observe(histogram: Histogram, seconds: float) -> None:
    """Count one duration."""
    histogram.counts[bisect_left(histogram.bounds, seconds)] += 1
    histogram.total += int(seconds * SECOND)


@dataclass
class Snapshot:
    """When the newest snapshot was written, how long that took and how large it is."""

    at: float
    seconds: float
    size_bytes: int


class LoggedWorker(Worker):
    """A worker that also tells of its log, as one behind Kafka does."""

    partitions_lost = 0

    @property
    def losses(self) -> dict[int, int]:
        return dict.fromkeys(self.partitions, 0)

    @property
    def untrimmed(self) -> dict[int, bool]:
        return dict.fromkeys(self.partitions, False)

    @property
    def snapshots(self) -> dict[int, Snapshot]:
        return self.written

    written: dict[int, Snapshot] = {}  # noqa: RUF012


class WatchedCentre:
    """The centre: `live` runs it for a while, `truth` is what the judge says of what it sent."""

    def __init__(self, objective: Objective, deliveries: Iterator[Delivery]) -> None:
        self.worker = LoggedWorker(rules=objective.rules())
        self.worker.raw_dead_letters = {"vendor.raw": {"malformed": 0}}
        self.events: list[Event] = []
        self.exposition = Exposition()
        self.partitions = [self.worker.assign(number) for number in range(PARTITIONS)]
        self.now = 0
        self.refused = 0
        self._deliveries = deliveries
        self._next = next(deliveries)

    def feed(self, now: int) -> None:
        """Take what has been delivered by `now`."""
        while self._next.at <= now:
            self._take(self._next)
            self._next = next(self._deliveries)

    def tick(self, now: int) -> None:
        """Judge everything up to `now` and let the exporter tell it."""
        began = time.perf_counter()
        for partition in self.partitions:
            partition.tick(now)
        self.now = now
        worker = self.worker
        observe(worker.tick_seconds, time.perf_counter() - began)
        worker.ticks += 1
        worker.last_tick_at = worker.last_fetch_at = time.time()
        for _ in range(PARTITIONS + 1):
            self.exposition.publish(worker)

    def live(self, end: int) -> None:
        """Go on in real time; at the end everything that was sent until then is judged."""
        while (now := time.time_ns() // 1000) < end:
            self.feed(now)
            if self.worker.ticks % 20 == 19:
                self.refuse()
            self.tick(now - GRACE)
            time.sleep(STEP)
        self._stop(end)

    def _stop(self, now: int) -> None:
        """Judge all there is and let the exporter tell it as of `now`.

        Its copies of live state are as old as their cost makes them, which depends on the machine;
        one that begins anew has made none yet, and takes each partition's at once.
        """
        self.feed(now)
        self.exposition._publisher = published.Publisher()
        with patch.object(published, "time", SimpleNamespace(time=lambda: now / SECOND)):
            self.tick(now)

    def remember(self) -> None:
        """Write a snapshot of each partition."""
        for partition in self.partitions:
            began = time.time()
            size = len(dump(partition.ledger))
            self.worker.written[partition.number] = Snapshot(began, time.time() - began, size)
            self.worker.recovery_seconds[partition.number] = time.time() - began

    def refuse(self) -> None:
        """Have a record that cannot be understood."""
        self.partitions[self.refused % PARTITIONS].dead_letters["malformed"] += 1
        self.worker.raw_dead_letters["vendor.raw"]["malformed"] += 1
        self.refused += 1

    def heartbeats(self) -> list[int]:
        """Return when the newest heartbeat of each partition was sent, by what was sent."""
        beats = [event.at for event in self.events if isinstance(event, SourceHeartbeat)]
        return [beats[-1]] * PARTITIONS

    def truth(self) -> Truth:
        """Return every verdict on all events so far, as of the last tick."""
        return judge(deepcopy(self.events), {}, self.now)

    def _take(self, delivery: Delivery) -> None:
        event = delivery.event
        self.events.append(event)
        if delivery.key is not None:
            self._apply(self.partitions[zlib.crc32(delivery.key.encode()) % PARTITIONS], delivery)
            return
        for partition in self.partitions:
            self._apply(partition, delivery)
            if isinstance(event, SourceHeartbeat):
                partition.last_heartbeat_at = event.at

    def _apply(self, partition: Owned, delivery: Delivery) -> None:
        partition.ledger.apply(delivery.event)
        partition.lag = 0
        if self.now:
            observe(partition.latency, max(0.0, time.time() - delivery.at / SECOND))


@dataclass
class Watched:
    """What Prometheus saw: `before` it came, and all there was `after`."""

    url: str
    centre: WatchedCentre
    before: Truth
    after: Truth
    at: float
    """the moment of the questions, seconds since 1970"""


def answer(watched: Watched, expression: str) -> list[dict[str, Any]]:
    """Return the result of an instant query at the moment of the questions."""
    query = urllib.parse.urlencode({"query": expression, "time": f"{watched.at:.3f}"})
    result: list[dict[str, Any]] = _get(f"{watched.url}/api/v1/query?{query}")["data"]["result"]
    return result


def _get(url: str) -> Any:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=20) as response:
        return json.load(response)


@contextmanager
def watched_centre(
    folder: Path,
    live_seconds: float,
    *,
    calls_per_hour: float = 6_000,
    outage_after: float = 2,
    interval: int = SECOND,
) -> Iterator[Watched]:
    """Run a centre under Prometheus' eyes; it has just come to a stop when the block begins."""
    objective = load_slo()
    timing = Soon(interval=interval)
    start = time.time_ns() // 1000
    outage = Outage(
        queue="service",
        begins=PAST + int((outage_after + 8) * SECOND),
        lasts=max(int(live_seconds * SECOND) // 4, 30 * SECOND),
    )
    config = centre_config(DAY_OF_SIMULATION - PAST, calls_per_hour, (EARLIER, outage))
    deliveries = moved(Centre(config, seed=7).deliveries(), start - DAY_OF_SIMULATION)
    centre = WatchedCentre(objective, deliveries)
    centre.feed(start)
    centre.tick(start)
    before = centre.truth()
    centre.remember()
    centre.tick(start)
    endpoint = Endpoint(centre.exposition, "127.0.0.1", 0)
    (folder / RULES_FILE).write_text(render_rules(objective, timing), encoding="utf-8")
    scrape = prometheus_config([f"127.0.0.1:{endpoint.port}"], None, timing)
    try:
        with prometheus(folder, scrape) as program:
            url = program.url
            until(lambda: _counts_steps(url), "Prometheus has seen where the counters stand")
            centre.live(start + STARTS_WITHIN + int(live_seconds * SECOND))
            _settle(url, interval)
            yield Watched(url, centre, before, centre.truth(), round(time.time(), 3))
    finally:
        endpoint.stop()


def _settle(url: str, interval: int) -> None:
    """Wait until every rule has seen the last numbers, and what other rules have made of them."""
    time.sleep(2 * interval / SECOND)
    for _ in range(3):
        until(partial(_evaluated_since, url, time.time()), "all rules are evaluated again")


def _evaluated_since(url: str, moment: float) -> bool:
    """Whether every group of rules has begun and ended an evaluation after `moment`."""
    groups = _get(f"{url}/api/v1/rules")["data"]["groups"]
    begun = [datetime.fromisoformat(group["lastEvaluation"]).timestamp() for group in groups]
    return min(begun) > moment


def _counts_steps(url: str) -> bool:
    """Whether the counters of both paces are remembered."""
    names = [f"queue:callcenter_promises:step{suffix}" for suffix in ("", "_slow")]
    return all(ask(url, name) for name in names)
