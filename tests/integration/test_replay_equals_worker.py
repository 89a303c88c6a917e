"""The same records through Kafka and a worker, and through `replay`: the same figures."""

import gzip
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from bank import as_csv, read_table
from click.testing import CliRunner
from metrics_figures import metrics_figures, replay_figures
from real_data import BANK, HELP_DESK, real_data
from worker_processes import worker_process
from workers import running_worker, until

from streams.cli import cli
from streams.events import Event
from streams.instants import SECOND, rfc3339
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.produce import produce
from streams.keys import CallKeys
from streams.settings import Settings
from streams.sources import FORMATS, Options, open_input

Make = Callable[..., Settings]


def _events(form: str, path: Path) -> list[Event]:
    return sorted(FORMATS[form](Options()).read(open_input(str(path))), key=lambda e: e.at)


def _replayed(form: str, path: Path) -> dict[tuple[str, str, str], int]:
    now = rfc3339(time.time_ns() // 1_000 // SECOND * SECOND)
    asked = ["replay", "--from", form, str(path), "--until", now, "--json"]
    result = CliRunner().invoke(cli, asked)
    assert result.exit_code == 0, result.stderr
    return replay_figures(orjson.loads(result.stdout))


def _produced(settings: Settings, bootstrap: str, events: list[Event]) -> int:
    keys = CallKeys()
    return produce(settings, bootstrap, ((keys.key(event), event) for event in events))


def test_the_help_desk_on_the_embedded_broker() -> None:
    """A real queue log: what `/metrics` counts is what `replay` counts, without a correction."""
    path = real_data(HELP_DESK)
    settings = Settings(metrics_port=0, partitions=4)
    with EmbeddedBroker(dict.fromkeys(settings.topics, 4)) as broker:
        written = _produced(settings, broker.bootstrap, _events("asterisk-queue-log", path))
        with running_worker(settings, broker.bootstrap) as worker:
            worker.wait_for(written)
            url = worker.read(lambda it: it.metrics_url)
            expected = _replayed("asterisk-queue-log", path)
            assert sum(n for (_, part, _), n in expected.items() if part == "offered") == 108
            until(lambda: metrics_figures(url) == expected, "the figures agree", 20)


@pytest.mark.integration
def test_the_bank_on_kafka(fresh_settings: Make, tmp_path: Path) -> None:
    """A month of real calls on four partitions: every figure of every queue is the same."""
    path = tmp_path / "bank.csv.gz"
    path.write_bytes(gzip.compress(as_csv(read_table(real_data(BANK)))))
    expected = _replayed("call-records", path)
    assert sum(n for (_, part, _), n in expected.items() if part == "offered") == 30_085
    settings = fresh_settings()
    _produced(settings, settings.broker, _events("call-records", path))
    with worker_process(settings, tmp_path) as worker:
        until(worker.ready, "the worker is ready", 60)
        until(lambda: metrics_figures(worker.url) == expected, "the figures agree", 60)
