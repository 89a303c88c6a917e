"""The way back over a change of format: refused in one line that says what to do."""

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Final
from zlib import crc32

import kafka_server
import msgspec
import pytest
from confluent_kafka import Producer
from edge_facts import produced
from releases import FORMER, TODAY, HistoryMissingError, release
from topic_tail import read_topic, topic_ends
from worker_processes import as_environment
from workers import running_worker, until

from streams.kafka.ledgerlog.history import History
from streams.kafka.ledgerlog.records import FORMAT, Chunk, End, Epoch, LogRecord, encode
from streams.kafka.topics import create_topics
from streams.ledger import Rules
from streams.ledger.writing import FORMAT as STATE_FORMAT
from streams.settings import Settings
from streams.simulate import Centre, small_centre

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

WORKER: Final = ("-P", "-c", "from streams.cli import main; main()", "worker")
Values = Callable[[Settings], list[bytes]]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker for the tests of this module."""
    missing = kafka_server.missing()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with kafka_server.kafka_server(tmp_path_factory.mktemp("kafka")) as server:
        yield server.bootstrap


@pytest.fixture
def settings(broker: str, request: pytest.FixtureRequest) -> Settings:
    """A log of the test's own that today's worker has written, with a snapshot at its end."""
    tag = f"n{abs(hash(request.node.name)):x}"
    names = ("events", "promises", "dead_letters", "ledger")
    topics = {f"{name}_topic": f"{tag}.{name.replace('_', '-')}" for name in names}
    common = {"broker": broker, "group": tag, "partitions": 1, "metrics_port": 0}
    common |= {"snapshot_seconds": 1}
    found = Settings(**common, **topics)  # type: ignore[arg-type]
    create_topics(found)
    written = produced(found, list(Centre(small_centre(), seed=5).events(50)))
    with running_worker(found, broker) as worker:
        worker.wait_for(written)
        until(lambda: _history(found).snapshot is not None, "a snapshot is written", 30)
    return found


def _history(settings: Settings) -> History:
    log = read_topic(settings.broker, settings.ledger_topic)[0]
    history = History(log[0].offset() or 0)
    for message in log:
        value = message.value()
        assert isinstance(value, bytes)
        history.read(message.offset() or 0, value)
    return history


def _newer_records(_: Settings) -> list[bytes]:
    return [b"CL" + bytes([FORMAT + 1]) + b"what nobody knows yet"]


def _newer_state(settings: Settings) -> list[bytes]:
    """Return the records of a snapshot whose ledger has a field more than today's."""
    history = _history(settings)
    assert history.snapshot is not None
    *state, ledger = msgspec.msgpack.decode(history.snapshot.data)
    _, *fields = msgspec.msgpack.decode(ledger)
    newer = msgspec.msgpack.encode([STATE_FORMAT + 1, *fields, "more"])
    data = msgspec.msgpack.encode([*state, newer])
    epoch = topic_ends(settings.broker, settings.ledger_topic)[0]
    records: list[LogRecord] = [
        Epoch(Rules(), "99.0.0", "newer"), Chunk(epoch, 0, data), End(epoch, 1, crc32(data)),
    ]  # fmt: skip
    return [encode(record) for record in records]


def _refused_by(name: str, settings: Settings) -> str:
    """Return the last line of a worker of the release `name`, which has to end with 1."""
    try:
        python = release(name).python
    except HistoryMissingError as error:
        pytest.fail(str(error))
    environment = {**as_environment(settings), "PYTHONPATH": ":".join(release(name).path)}
    done = subprocess.run(
        [python, *WORKER], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (
            _newer_state,
            f"the state has format {STATE_FORMAT + 1}, this version reads {STATE_FORMAT}",
        ),
        (_newer_records, f"it has format {FORMAT + 1}, this version reads {FORMAT}"),
    ],
    ids=["state", "records"],
)
def test_what_a_newer_version_wrote_is_refused_in_one_line(
    settings: Settings, values: Values, why: str
) -> None:
    """By the former release's worker, and by today's also after that one has tried."""
    producer = Producer({"bootstrap.servers": settings.broker})
    for value in values(settings):
        producer.produce(settings.ledger_topic, value, partition=0)
    producer.flush(10)
    for name in (FORMER, TODAY):
        line = _refused_by(name, settings)
        assert f"{settings.ledger_topic}, partition 0: " in line
        assert why in line
        assert "--accept-loss" in line
        if name == TODAY:
            assert "start the newer callsla again" in line
