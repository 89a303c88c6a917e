"""As of when a fetch tells where a partition ends, on Apache Kafka: never later than it knew."""

import time
from collections.abc import Callable
from threading import Event, Thread

import pytest
from confluent_kafka import Producer
from edge_facts import now
from faust.types import TP
from workers import running_worker, until

from streams.events import CallOffered, encode
from streams.kafka.batch import Fresh
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]


class _Told(dict[TP, Fresh]):
    """What fetches told, all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[tuple[Fresh, int]] = []
        """of partition 0, and when it was told"""

    def update(self, told: dict[TP, Fresh]) -> None:  # type: ignore[override]
        for tp, fresh in told.items():
            if tp.partition == 0:
                self.history.append((fresh, now()))
        super().update(told)


def _produce(settings: Settings, acknowledged: list[tuple[int, int]], done: Event) -> None:
    """Write an event now and then; note when it was acknowledged, and the offset after it."""
    producer = Producer({"bootstrap.servers": settings.broker, "acks": "all", "linger.ms": 0})

    def note(_: object, message: object) -> None:
        acknowledged.append((now(), message.offset() + 1))  # type: ignore[attr-defined]

    for number in range(10_000):
        if done.wait((0.0, 0.003, 0.02, 0.07, 0.3)[number % 5]):
            break
        value = encode(CallOffered(id=f"o{number}", at=now(), call_id=f"c{number}"))
        headers: dict[str, str | bytes | None] = (
            {"ballast": b"x" * 20_000} if number % 7 == 0 else {}
        )
        producer.produce(
            settings.events_topic, value, partition=0, headers=headers, on_delivery=note
        )
        producer.poll(0)
        producer.flush(5)


def test_what_was_acknowledged_before_is_below_the_end_that_was_told(fresh_settings: Make) -> None:
    """Whatever was written in between, now much and now nothing: a fetch that says how things
    stood at a moment knows of every record that was acknowledged before it; and what it says is
    less than a fetch old."""
    settings = fresh_settings()
    acknowledged: list[tuple[int, int]] = []
    done, told = Event(), _Told()
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(0)
        worker.worker._app.reader.fresh = told
        thread = Thread(target=_produce, args=(settings, acknowledged, done))
        thread.start()
        until(lambda: len(told.history) > 10, "fetches")
        time.sleep(8)
        done.set()
        thread.join()
    assert len(acknowledged) > 50
    ages = sorted(at - fresh.at for fresh, at in told.history)
    for fresh, _ in told.history:
        before = max((end for at, end in acknowledged if at <= fresh.at), default=0)
        assert fresh.highwater >= before
    assert ages[len(ages) // 2] < 50_000
