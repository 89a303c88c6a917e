"""A worker that answered one call, what it exposes, and the endpoint that serves it."""

from collections.abc import Iterator

import pytest
from ledger_workers import T0, Worker, answered_call

from streams.instants import HOUR
from streams.metrics import Endpoint, Exposition

__all__ = ["endpoint", "exposition", "worker"]


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    owned = worker.assign(0)
    owned.take(*answered_call("a", "sales", T0, wait=3))
    owned.tick(T0 + HOUR)
    return worker


@pytest.fixture
def exposition(worker: Worker) -> Exposition:
    exposition = Exposition()
    exposition.publish(worker)
    return exposition


@pytest.fixture
def endpoint(exposition: Exposition) -> Iterator[Endpoint]:
    endpoint = Endpoint(exposition, port=0)
    yield endpoint
    endpoint.stop()
