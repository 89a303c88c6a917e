"""Prometheus reads what is compressed in parts: every line of it, and none that is old."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_workers import Worker, answered_call
from programs import require
from webhook import ask, until

from streams.instants import SECOND
from streams.metrics import Endpoint, Exposition
from streams.slo import QUICK
from streams.slo.local_stack import prometheus, prometheus_config

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

QUEUES = 120
OFFERED = "sum(callcenter_calls_offered_total)"


def call_each(worker: Worker, exposition: Exposition, name: str, every: int) -> None:
    """One call of one queue in `every` in both partitions."""
    now = int(time.time() * SECOND)
    for number, owned in worker.partitions.items():
        for queue in range(0, QUEUES, every):
            call = f"{name}/{number}/{queue}"
            owned.take(*answered_call(call, f"queue-{queue:03}", now - 120 * SECOND, wait=3))
        owned.tick(now)
        exposition.publish(worker)


def test_prometheus_reads_all_that_is_compressed_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many samples as there are lines, first and when a part of them has changed."""
    require("prometheus")
    asked: list[bool] = []
    text = Exposition.text

    def noted(
        self: Exposition, *, openmetrics: bool = False, compress: bool = False
    ) -> list[bytes]:
        asked.append(compress)
        return text(self, openmetrics=openmetrics, compress=compress)

    worker, exposition = Worker(), Exposition()
    for number in (0, 1):
        worker.assign(number)
    call_each(worker, exposition, "first", 1)
    lines = b"".join(exposition.text()).split(b"\n")
    samples = sum(not line.startswith(b"#") for line in lines if line)
    monkeypatch.setattr(Exposition, "text", noted)
    endpoint = Endpoint(exposition, port=0)
    try:
        config = prometheus_config([f"127.0.0.1:{endpoint.port}"], None, QUICK)
        with prometheus(tmp_path, config) as program:
            until(_is(program.url, "scrape_samples_scraped", samples), f"{samples} samples")
            until(_is(program.url, OFFERED, 2 * QUEUES), "the first calls")
            call_each(worker, exposition, "second", 10)
            until(_is(program.url, OFFERED, 2 * QUEUES * 11 / 10), "the calls that came later")
            assert _is(program.url, "min_over_time(up[1m])", 1)()
    finally:
        endpoint.stop()
    assert set(asked) == {True}


def _is(url: str, expression: str, value: float) -> Callable[[], bool]:
    def ask_for_it() -> bool:
        return [float(each["value"][1]) for each in ask(url, expression)] == [value]

    return ask_for_it
