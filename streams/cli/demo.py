"""`callsla demo`."""

import sys

import click

from streams.cli.errors import Exit
from streams.cli.root import Command

__all__ = ["demo"]

PLAIN_SECONDS = 120.0


@click.command(cls=Command)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    metavar="N",
    help="End after N seconds; default: at Ctrl-C, with --plain after 120.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated centre.")
@click.option("--plain", is_flag=True, help="One line a second, for logs and CI.")
@click.option(
    "--alerts/--no-alerts",
    "with_alerts",
    default=True,
    help="Start Prometheus and Alertmanager, if they are installed.",
)
@click.pass_context
def demo(
    context: click.Context, *, seconds: float | None, seed: int, plain: bool, with_alerts: bool
) -> None:
    """Watch a call centre keep and break its promise: the whole chain in one terminal.

    A simulated centre writes to an embedded Kafka broker, a worker keeps the promises and exports
    metrics, and where Prometheus and Alertmanager are installed an alert fires. After 20 seconds
    the agents of one queue leave their desks for a while. One hour of the promise lasts one minute
    here.
    """
    from streams.demo import Options, run_demo

    plain = plain or not sys.stdout.isatty()
    if seconds is None and plain:
        seconds = PLAIN_SECONDS
    options = Options(seconds=seconds, seed=seed, plain=plain, with_alerts=with_alerts)
    if not run_demo(options):
        context.exit(Exit.INTERRUPTED)
