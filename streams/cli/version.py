"""`callsla version`."""

import json
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Final

import click

from streams import KERNEL
from streams._version import __version__
from streams.cli.root import Command

__all__ = ["version"]

PARTS: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "kafka-python", "msgspec")


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def version(*, as_json: bool) -> None:
    """Print the version of callsla and of the parts it stands on.

    `kernel` says whether the ledger runs compiled or as plain Python, and why.
    """
    versions = {"callsla": __version__, "python": platform.python_version()}
    versions |= {"kernel": str(KERNEL)}
    versions |= {part: _installed(part) for part in PARTS}
    if as_json:
        click.echo(json.dumps(versions))
        return
    for part, number in versions.items():
        click.echo(f"{part} {number}")


def _installed(part: str) -> str:
    try:
        return version_of(part)
    except PackageNotFoundError:
        return "missing"
