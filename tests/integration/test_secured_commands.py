"""The commands and a secured broker: one line and its exit code, no secrets, tokens that expire."""

import io
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import kafka_server
import pytest
from secured_kafka import PASSWORDS, SecuredKafka
from secured_settings import (
    COMMANDS,
    bearer,
    broken,
    command,
    grant,
    offers,
    scram,
    told_and_code,
    typed,
)
from token_endpoint import token_endpoint
from workers import RunningWorker, running_worker, until

from streams.kafka.logs import _LIBRARIES as LIBRARIES
from streams.kafka.logs import _Repetitions as Repetitions
from streams.kafka.logs import configure_logging
from streams.kafka.produce import produce
from streams.kafka.topics import create_topics, group_lag
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_tells_a_refusal_in_one_line(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path, name: str
) -> None:
    """Nothing else on either stream, and exit code 1."""
    wrong = scram(secured, sasl_password="tr0ub4dor")  # noqa: S106
    # A worker tells where its metrics are before it asks the broker.
    settings = secured_settings("SCRAM", **wrong, log_level="warning")
    lines, code = told_and_code(settings, tmp_path / "log", *typed(name, settings))
    assert code == 1
    assert lines == [
        f"callsla: error: {settings.broker} refuses the user 'worker' (SCRAM-SHA-512): "
        "check sasl_username, the password and sasl_mechanism"
    ]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_no_secret_is_told_even_at_debug(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path, mechanism: str
) -> None:
    """Neither the password nor the token, by no client, whether it is right or refused."""
    way = scram(secured, sasl_mechanism=mechanism)
    if mechanism == "OAUTHBEARER":
        way = bearer(secured, tmp_path / "token")
    listener = "BEARER" if mechanism == "OAUTHBEARER" else "SCRAM"
    settings = secured_settings(listener, **way, log_level="debug")
    grant(secured, settings)
    secured.allow("worker", "topic", settings.events_topic, "WRITE")
    secret = settings.sasl_password or (tmp_path / "token").read_text()
    log = tmp_path / "log"
    with command(settings, log, "worker") as process:
        until(lambda: "metrics  http" in log.read_text(), "the worker's start", 60)
        assert told_and_code(settings, tmp_path / "simulate", *typed("simulate", settings))[1] == 0
        until(lambda: sum(group_lag(settings).values()) == 0, "the events' being done", 60)
        process.terminate()
        assert process.wait(30) == 0
    told_and_code(settings, tmp_path / "topics", "--debug", "topics", "check")
    told = "".join((tmp_path / each).read_text() for each in ("log", "simulate", "topics"))
    assert "DEBUG" in told
    for part in (secret, *secret.split(".")[1:]):
        assert part not in told


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_no_message_of_a_client_holds_the_password(
    secured: SecuredKafka, secured_settings: Make, mechanism: str
) -> None:
    """Every one of them is looked at here, also those that are left out as repetitions."""
    settings = secured_settings(
        "SCRAM", **scram(secured, sasl_mechanism=mechanism), log_level="debug"
    )
    grant(secured, settings)
    stream = io.StringIO()
    with _logging(settings, stream), running_worker(settings, settings.broker) as worker:
        worker.wait_for(0)
        group_lag(settings)
    told = stream.getvalue()
    assert "SaslHandShakeRequest" in told
    assert "DEBUG" in told
    assert PASSWORDS["worker"] not in told


@contextmanager
def _logging(settings: Settings, stream: io.StringIO) -> Iterator[None]:
    """Log as a worker does, repetitions included; afterwards as before."""
    loggers = [logging.getLogger(name) for name in (None, *LIBRARIES)]
    before = [(each, each.level, each.handlers[:]) for each in loggers]
    configure_logging(settings, stream)
    (handler,) = logging.getLogger().handlers
    handler.filters = [each for each in handler.filters if not isinstance(each, Repetitions)]
    try:
        yield
    finally:
        for each, level, handlers in before:
            each.setLevel(level)
            each.handlers[:] = handlers


def test_a_worker_outlives_its_tokens(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path
) -> None:
    """The broker ends a session with its token; the next one is got from the endpoint."""
    certificate = secured.authority.certificate("idp", "IP:127.0.0.1")
    with token_endpoint(
        lambda: secured.issuer.token("worker", 6), certificate=certificate
    ) as endpoint:
        endpoint.lives = 6
        secret = tmp_path / "client-secret"
        secret.write_text(endpoint.secret)
        way = bearer(secured, tmp_path / "unused") | {
            "oauth_token_file": None,
            "oauth_token_url": endpoint.url,
            "oauth_client_id": endpoint.client,
            "oauth_client_secret_file": str(secret),
            "oauth_ca_file": str(secured.authority.ca),
        }
        settings = secured_settings("BEARER", **way)
        grant(secured, settings)
        secured.allow("worker", "topic", settings.events_topic, "WRITE")
        with running_worker(settings, settings.broker) as worker:
            worker.wait_for(0)
            for written in (20, 40, 60, 80):
                produce(settings, settings.broker, offers(written, 20))
                until(partial(_shows, worker, written), f"{written} promises")
                time.sleep(5)
            assert worker.error is None
    assert len(endpoint.asked) >= 4


def _shows(worker: RunningWorker, promises: int) -> bool:
    return broken(worker) == promises


@pytest.mark.usefixtures("secured")
def test_a_worker_goes_on_when_the_broker_comes(tmp_path: Path) -> None:
    """It says that it waits, and starts by itself; commands end with 4 meanwhile."""
    with kafka_server.kafka_server(tmp_path) as server:
        names = ("events", "promises", "dead_letters", "ledger")
        topics = {f"{name}_topic": f"late.{name.replace('_', '-')}" for name in names}
        settings = Settings(broker=server.bootstrap, metrics_port=0, partitions=2, **topics)  # type: ignore[arg-type]
        create_topics(settings)
        server.stop()
        away = f"no broker answers at {server.bootstrap}: start it, or set `broker`"
        for name in ("topics", "simulate"):
            lines, code = told_and_code(settings, tmp_path / name, *typed(name, settings))
            assert (lines, code) == ([f"callsla: error: {away}"], 4)
        log = tmp_path / "log"
        with command(settings, log, "worker") as process:
            until(lambda: f"{away} (waiting for it)" in log.read_text(), "the line that says so")
            server.start()
            until(lambda: "metrics  http" in log.read_text(), "the worker's start", 60)
            assert "the broker answers" in log.read_text()
            assert produce(settings, server.bootstrap, offers(0, 20)) == 20
            until(lambda: sum(group_lag(settings).values()) == 0, "the events' being done")
            process.terminate()
            assert process.wait(30) == 0
