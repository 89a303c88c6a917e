"""Settings for a broker with every kind of security, and what its clients and commands say."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from secured_kafka import PASSWORDS, SecuredKafka
from workers import RunningWorker, running_worker

from streams.events import CallOffered
from streams.instants import SECOND
from streams.kafka.errors import EdgeError
from streams.kafka.produce import Row
from streams.settings import Settings

__all__ = [
    "COMMANDS",
    "bearer",
    "broken",
    "command",
    "grant",
    "mutual",
    "offers",
    "scram",
    "told_and_code",
    "told_by",
    "told_by_worker",
    "typed",
]


def grant(secured: SecuredKafka, settings: Settings, user: str = "worker") -> None:
    """Allow what the README says a worker needs, and no more."""
    secured.allow(user, "topic", settings.events_topic, "READ")
    secured.allow(user, "topic", settings.promises_topic, "WRITE")
    secured.allow(user, "topic", settings.dead_letters_topic, "WRITE")
    secured.allow(user, "topic", settings.ledger_topic, "READ", "WRITE", "DELETE")
    secured.allow(user, "group", settings.group, "READ")


def offers(first: int, number: int) -> list[Row]:
    """Return calls that nobody answers, offered a minute ago: each breaks its promise at once."""
    at = time.time_ns() // 1000 - 60 * SECOND
    return [
        (f"k{n}", CallOffered(id=f"{n}", at=at, call_id=f"c{n}"))
        for n in range(first, first + number)
    ]


def broken(worker: RunningWorker) -> int:
    """Return how many broken promises of an answer are shown."""
    queues = [each for totals in worker.totals() for each in totals.queues.values()]
    return sum(each.counts["answer", "broken"] for each in queues)


def scram(secured: SecuredKafka, **changes: object) -> dict[str, object]:
    right = {
        "security_protocol": "SASL_SSL",
        "tls_ca_file": str(secured.authority.ca),
        "sasl_username": "worker",
        "sasl_password": PASSWORDS["worker"],
    }
    return {**right, **changes}


def mutual(secured: SecuredKafka) -> dict[str, object]:
    certificate, key = secured.authority.certificate("worker", "DNS:worker")
    files = {"tls_cert_file": str(certificate), "tls_key_file": str(key)}
    return {"security_protocol": "SSL", "tls_ca_file": str(secured.authority.ca), **files}


def bearer(secured: SecuredKafka, path: Path) -> dict[str, object]:
    path.write_text(secured.issuer.token("worker"))
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "tls_ca_file": str(secured.authority.ca),
        "oauth_token_file": str(path),
    }


def told_by_worker(settings: Settings) -> str:
    """Return why a worker stops."""
    with running_worker(settings, settings.broker) as worker:
        worker.join(30)
        assert isinstance(worker.error, EdgeError), worker.error
        return str(worker.error)


def told_by(client: Callable[[], object]) -> str:
    with pytest.raises(EdgeError) as told:
        client()
    return str(told.value)


def environment(settings: Settings) -> dict[str, str]:
    """Return what the settings are in the environment of a command."""
    shown = {name: getattr(settings, name) for name in settings.__struct_fields__}
    plain = {name: str(value) for name, value in shown.items() if value not in (None, False, {})}
    return {**os.environ, **{f"CALLSLA_{name.upper()}": value for name, value in plain.items()}}


@contextmanager
def command(settings: Settings, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `callsla`, all that it says in the file `log`."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", "from streams.cli import main; main()", *arguments],
            env=environment(settings),
            stdout=stream,
            stderr=stream,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def told_and_code(settings: Settings, log: Path, *arguments: str) -> tuple[list[str], int]:
    with command(settings, log, *arguments) as process:
        code = process.wait(60)
    return log.read_text().splitlines(), code


COMMANDS: Final = {
    "worker": ("worker",),
    "topics": ("topics", "check"),
    "simulate": ("simulate", "--calls", "5", "--seed", "1", "--to"),
}


def typed(name: str, settings: Settings) -> tuple[str, ...]:
    target = f"kafka://{settings.broker}/{settings.events_topic}"
    return (*COMMANDS[name], target) if name == "simulate" else COMMANDS[name]
