"""`callsla worker` and `callsla topics`."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from streams.cli.errors import warn
from streams.cli.root import Command, Group

if TYPE_CHECKING:
    from streams.kafka.worker import Worker
    from streams.settings import Settings

__all__ = ["topics", "worker"]

WAIT_SECONDS: Final = 2.0

F = TypeVar("F", bound=Callable[..., Any])


def _config(function: F) -> F:
    return click.option(
        "--config",
        type=click.Path(),
        metavar="FILE",
        help="Settings in YAML; each can also be CALLSLA_<NAME> in the environment.",
    )(function)


@click.command(cls=Command)
@_config
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Go on although the log cannot be followed to its end; what is lost is counted.",
)
def worker(*, config: str | None, accept_loss: bool) -> None:
    """Run one worker until SIGTERM or Ctrl-C.

    Without any setting it runs on an embedded broker, which nothing else writes to: name a real one
    with CALLSLA_BROKER=host:9092.
    """
    from msgspec.structs import replace

    from streams.kafka.worker import run_worker
    from streams.settings import load
    from streams.slo import Kept, load_slo

    settings = load(config)
    if accept_loss:
        settings = replace(settings, accept_loss=True)
    objective = load_slo(settings.slo_file)
    run_worker(settings, objective.rules(), _say_where, Kept(objective))


def _say_where(running: "Worker") -> None:
    state = running.state
    click.echo(f"broker   {state.bootstrap}", err=True)
    click.echo(f"topic    {state.settings.events_topic}", err=True)
    click.echo(f"metrics  {running.metrics_url}", err=True)


@click.group(cls=Group)
def topics() -> None:
    """Create or check the topics on the broker."""


@topics.command()
@_config
@click.option("--wait", is_flag=True, help="Wait for a broker that does not answer.")
def create(*, config: str | None, wait: bool) -> None:
    """Create the topics that are missing; existing ones stay as they are."""
    created = _create(_settings(config), wait)
    for name in created:
        click.echo(name)
    if not created:
        click.echo("all topics exist", err=True)


def _create(settings: "Settings", wait: bool) -> list[str]:
    from streams.kafka.errors import UnreachableError
    from streams.kafka.topics import create_topics

    while True:
        try:
            return create_topics(settings)
        except UnreachableError as error:
            if not wait:
                raise
            warn(f"{error} (waiting for it)")
            time.sleep(WAIT_SECONDS)


@topics.command()
@_config
def check(*, config: str | None) -> None:
    """Compare the topics with what they should be."""
    from streams.kafka.topics import check_topics

    for advice in check_topics(_settings(config)):
        warn(advice)
    click.echo("all topics are as they should be", err=True)


def _settings(config: str | None) -> "Settings":
    from streams.settings import load

    return load(config)
