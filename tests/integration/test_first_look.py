"""A reader of Apache Kafka that hears of a topic for the first time."""

import asyncio
import time
from collections.abc import Callable

import pytest
from edge_facts import now, produced

from streams.events import CallOffered
from streams.kafka.log_on_kafka import KafkaLogs
from streams.settings import Settings

pytestmark = pytest.mark.integration


def test_its_bounds_are_known_without_a_second_look(
    fresh_settings: Callable[..., Settings],
) -> None:
    """Before that each start and each hand-over waited for a pause made for outages."""
    settings = fresh_settings()
    produced(settings, [CallOffered(id="o", at=now(), call_id="c")])

    async def bounds() -> list[tuple[int, int]]:
        logs = KafkaLogs(settings, settings.broker, appending=False)
        logs._options["retry_backoff_ms"] = 30_000
        await logs.start()
        try:
            return [await logs.source(number).bounds() for number in range(4)]
        finally:
            await logs.stop()

    began = time.monotonic()
    assert sorted(asyncio.run(bounds())) == [(0, 0), (0, 0), (0, 0), (0, 1)]
    assert time.monotonic() - began < 15
