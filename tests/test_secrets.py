"""Secrets come from files or the environment: no argument takes one, and nothing shows one."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from kafka_server import free_ports

from streams.cli.root import cli

SECRET = "correct-horse-battery-staple"  # noqa: S105 (of nobody)
NOBODY = "127.0.0.1:1"


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_no_option_takes_a_secret() -> None:
    """Arguments are seen by everybody on the machine; those that name a file are not meant."""
    found = [
        (name, option)
        for name, command in commands(cli)
        for parameter in command.params
        for option in parameter.opts
        if re.search(r"password|secret|token|credential|api-?key", option)
        and not option.endswith(("-file", "_file"))
    ]
    assert found == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "given",
    [
        {"SASL_MECHANISM": "PLAIN", "SASL_USERNAME": "me", "SASL_PASSWORD": SECRET},
        {"SASL_MECHANISM": "PLAIN", "SASL_USERNAME": "me", "SASL_PASSWORD_FILE": "{file}"},
        {
            "SASL_MECHANISM": "OAUTHBEARER",
            "OAUTH_TOKEN_URL": "http://127.0.0.1:1/token",
            "OAUTH_CLIENT_ID": "me",
            "OAUTH_CLIENT_SECRET": SECRET,
        },
        {"SASL_MECHANISM": "OAUTHBEARER", "OAUTH_TOKEN_FILE": "{file}"},
    ],
    ids=["password", "password file", "client secret", "token file"],
)
def test_a_worker_that_cannot_connect_shows_no_secret(
    given: dict[str, str], tmp_path: Path
) -> None:
    """Not in its log at its most talkative, not on a page, not in its arguments."""
    (tmp_path / "secret").write_text(SECRET)
    (port,) = free_ports(1)
    own = {"BROKER": NOBODY, "SECURITY_PROTOCOL": "SASL_PLAINTEXT", "LOG_LEVEL": "debug"}
    own |= {"METRICS_PORT": str(port), "DEBUG": "1"} | given
    variables = {
        f"CALLSLA_{name}": text.format(file=tmp_path / "secret") for name, text in own.items()
    }
    command = [str(Path(sys.executable).with_name("callsla")), "--debug", "worker"]
    log = tmp_path / "log"
    with log.open("wb") as file:
        worker = subprocess.Popen(command, env=os.environ | variables, stdout=file, stderr=file)
    try:
        shown = pages(worker, port)
        arguments = Path(f"/proc/{worker.pid}/cmdline")
        shown += arguments.read_text() if worker.poll() is None else ""
    finally:
        worker.terminate()
        worker.wait(30)
    told = log.read_text()
    assert told.strip()
    assert SECRET not in told + shown


def pages(worker: "subprocess.Popen[bytes]", port: int) -> str:
    """Every page of its endpoint, once it is there; nothing if it ends before."""
    end = time.monotonic() + 120
    while worker.poll() is None and time.monotonic() < end:
        with suppress(urllib.error.URLError):
            get(port, "/")
            time.sleep(1)
            return "".join(get(port, path) for path in ("/", "/metrics", "/slo", "/-/ready"))
        time.sleep(0.1)
    return ""


def get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        return error.read().decode()
