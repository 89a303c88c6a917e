"""A worker to which nothing happens, on Apache Kafka: it hardly asks, and misses nothing."""

import time
from collections.abc import Callable

import pytest
from edge_facts import now, produced
from workers import RunningWorker, running_worker, until

from streams.events import CallOffered
from streams.kafka.pace import BUSY, CALM, QUIET, FetchWait
from streams.kafka.worker import Worker
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]


def wait_of(worker: Worker) -> tuple[int, int]:
    """What the next fetch is going to wait for."""
    fetcher = worker._app.reader.thread._ensure_consumer()._fetcher
    return fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms


def until_waits(running: RunningWorker, wait: FetchWait) -> None:
    until(lambda: bool(running.read(wait_of) == wait), str(wait))


def fetches(running: RunningWorker, seconds: float) -> int:
    """How many fetches were answered in the next `seconds`."""
    seen, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        seen.add(running.worker.assignment.watch.last_success)
        time.sleep(0.005)
    return len(seen) - 1


def broken(running: RunningWorker) -> int:
    """How many answer promises are broken, as shown."""
    queues = [queue for totals in running.totals() for queue in totals.queues.values()]
    return sum(queue.counts["answer", "broken"] for queue in queues)


def test_a_worker_without_events_asks_seldom_and_hears_of_the_first_at_once(
    fresh_settings: Make,
) -> None:
    """Then it asks as often as events come, and as often while a caller's target is near."""
    settings = fresh_settings()
    with running_worker(settings, settings.broker) as running:
        running.wait_for(0)
        until_waits(running, CALM)
        assert 3 <= fetches(running, 4.0) <= 11
        produced(settings, [CallOffered(id="o", at=now(), call_id="c")])
        until_waits(running, BUSY)
        until_waits(running, CALM)
        until_waits(running, QUIET)
        until(lambda: broken(running) == 1, "a breach")
