"""A broker that does not know its topics for a moment, as one does that has just come up."""

import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from aiokafka.cluster import ClusterMetadata
from workers import RunningWorker, running_worker, until

from streams.kafka import app
from streams.kafka.embedded import EmbeddedBroker
from streams.settings import Settings

SETTINGS = Settings(metrics_port=0, partitions=2)


def _ready(worker: RunningWorker) -> bool:
    url: str = worker.worker.metrics_url
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, ValueError):
        return False


def test_a_worker_that_was_assigned_nothing_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leads the group: until it asks again, nobody has any partition."""
    assert app.METADATA_SECONDS <= 15
    monkeypatch.setattr(app, "METADATA_SECONDS", 1)
    known, update = [False], ClusterMetadata.update_metadata

    def forgetful(cluster: ClusterMetadata, metadata: Any) -> None:
        if not known[0]:
            metadata.topics = [t for t in metadata.topics if t[1] != SETTINGS.events_topic]
        update(cluster, metadata)

    monkeypatch.setattr(ClusterMetadata, "update_metadata", forgetful)
    with (
        EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 2)) as broker,
        running_worker(SETTINGS, broker.bootstrap) as worker,
    ):
        until(lambda: bool(worker.worker.metrics_url), "listening")
        time.sleep(4)
        known[0] = True
        until(lambda: _ready(worker) and len(worker.worker.assignment.owned) == 2, "assigned")
