"""What a worker leaves behind: nothing."""

from pathlib import Path

import pytest
from workers import running_worker, until

from streams.kafka.embedded import EmbeddedBroker
from streams.settings import Settings


def test_a_worker_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state is on Kafka: it runs on a read-only file system."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(metrics_port=0, partitions=1)
    with (
        EmbeddedBroker(dict.fromkeys(settings.topics, 1)) as broker,
        running_worker(settings, broker.bootstrap) as worker,
    ):
        until(lambda: worker.read(lambda it: it.started.is_set()), "the worker has started")
    assert list(tmp_path.iterdir()) == []
