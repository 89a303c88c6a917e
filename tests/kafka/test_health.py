"""Health tells the truth: workers that are wedged on purpose, on the embedded broker."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from workers import RunningWorker, running_worker, until

from streams.events import CallOffered
from streams.instants import SECOND
from streams.kafka import state
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.produce import produce
from streams.metrics import exposition
from streams.settings import Settings

SETTINGS = Settings(metrics_port=0, partitions=1, ready_lag=100)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 1)) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of a second and a half, so that a test need not wait a minute."""
    monkeypatch.setattr(state, "STUCK", 3 * SECOND // 2)
    monkeypatch.setattr(exposition, "STALLED_AFTER", 1.5)


def calls(number: int) -> list[tuple[str, CallOffered]]:
    now = time.time_ns() // 1000
    return [(f"c{n}", CallOffered(id=f"{now}-{n}", at=now, call_id=f"c{n}")) for n in range(number)]


def probe(worker: RunningWorker, path: str) -> tuple[int, str]:
    """Ask as a kubelet would."""
    url: str = worker.worker.metrics_url
    if not url:
        return 503, "not listening yet"
    try:
        with urllib.request.urlopen(url + path, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def says(worker: RunningWorker, path: str, words: str) -> bool:
    status, text = probe(worker, path)
    return status == 503 and words in text


def fine(worker: RunningWorker) -> bool:
    return probe(worker, "/-/ready")[0] == probe(worker, "/-/healthy")[0] == 200


@pytest.mark.usefixtures("impatient")
def test_a_worker_with_nothing_to_do_is_healthy_and_ready(broker: EmbeddedBroker) -> None:
    """No events for longer than any patience: that is no fault of the worker."""
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        until(lambda: fine(worker), "ready")
        time.sleep(2.5)
        assert fine(worker)


@pytest.mark.usefixtures("impatient")
def test_an_event_loop_that_hangs_is_told(broker: EmbeddedBroker) -> None:
    """The endpoint has threads of its own: it answers, and says that the worker does not."""
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        until(lambda: fine(worker), "ready")
        worker.loop.call_soon_threadsafe(time.sleep, 4)
        until(lambda: says(worker, "/-/healthy", "has not moved"), "unhealthy", 4)
        assert probe(worker, "/-/ready")[0] == 503
        until(lambda: fine(worker), "healthy again")


@pytest.mark.usefixtures("impatient")
def test_records_that_nobody_applies_are_told(broker: EmbeddedBroker) -> None:
    """Ticks and fetches go on, but the agent is stuck: there is work and no progress."""
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        until(lambda: fine(worker), "ready")
        produce(SETTINGS, broker.bootstrap, calls(10))
        worker.wait_for(10)
        free = wedge(worker)
        produce(SETTINGS, broker.bootstrap, calls(300))
        until(lambda: says(worker, "/-/ready", "behind"), "not ready", 10)
        until(lambda: says(worker, "/-/healthy", "no progress"), "unhealthy", 10)
        worker.loop.call_soon_threadsafe(free.set)
        until(lambda: fine(worker), "healthy again")


def wedge(worker: RunningWorker) -> asyncio.Event:
    """Have the agent wait for ever where it should apply its next batch."""
    free = asyncio.Event()
    edge = worker.worker
    room = edge._room

    async def stuck(records: int) -> None:
        await free.wait()
        await room(records)

    setattr(edge, "_room", stuck)  # noqa: B010
    return free


@pytest.mark.usefixtures("impatient")
def test_ticks_that_never_end_are_told(broker: EmbeddedBroker) -> None:
    """Records are applied but nothing becomes durable: the numbers stand still."""
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        until(lambda: fine(worker), "ready")
        freed = asyncio.Event()

        async def never(*_: Any) -> None:
            await freed.wait()

        keeper = next(iter(worker.worker.assignment.keepers.values()))
        log = keeper._log
        append, log._append = log._append, never  # type: ignore[method-assign, assignment]
        until(lambda: says(worker, "/-/healthy", "no tick"), "unhealthy", 10)
        log._append = append  # type: ignore[method-assign]
        worker.loop.call_soon_threadsafe(freed.set)
        until(lambda: fine(worker), "healthy again")


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_is_away_makes_a_worker_unready_not_unhealthy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A restart would not bring the broker back; the numbers are old all the same."""
    monkeypatch.setattr(state, "SILENT", SECOND)
    broker = EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 1))
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        until(lambda: fine(worker), "ready")
        broker.close()
        until(lambda: says(worker, "/-/ready", "no answer from the broker"), "not ready", 10)
        time.sleep(2)
        assert probe(worker, "/-/healthy")[0] == 200


def test_a_worker_whose_broker_is_away_is_healthy_and_says_why_it_is_not_ready() -> None:
    """Nothing listening would be taken for a worker that is stuck, and restarted."""
    with running_worker(SETTINGS, "127.0.0.1:1") as worker:
        until(lambda: probe(worker, "/-/healthy") == (200, "healthy\n"), "it is healthy", 10)
        assert says(worker, "/-/ready", "no broker has answered yet")
