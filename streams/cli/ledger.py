"""`callsla ledger`: what the log of ticks and snapshots says."""

from typing import TYPE_CHECKING, Any

import click

from streams.cli.errors import Exit
from streams.cli.root import Command, Group

if TYPE_CHECKING:
    from streams.kafka.audit import Audit

__all__ = ["ledger"]


@click.group(cls=Group)
def ledger() -> None:
    """Rebuild the counts from Kafka, offline."""


@ledger.command(cls=Command)
@click.option(
    "--config",
    type=click.Path(),
    metavar="FILE",
    help="Settings in YAML; each can also be CALLSLA_<NAME> in the environment.",
)
@click.option("--partition", "partitions", type=int, multiple=True, help="Only this one.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a partition.")
def audit(*, config: str | None, partitions: tuple[int, ...], as_json: bool) -> None:
    """Follow every tick of the log, compare its hash, and print the totals.

    Exit code 3 if anything differs. A worker may go on meanwhile.
    """
    import asyncio

    from streams.kafka.audit import audit as audit_logs
    from streams.kafka.errors import EdgeError
    from streams.settings import load

    settings = load(config)
    if settings.embedded:
        raise EdgeError("the embedded broker forgets its log: set `broker` to a real one")
    audits = asyncio.run(audit_logs(settings, list(partitions) or None))
    _print_json(audits) if as_json else _print_table(audits)
    if any(each.fault for each in audits):
        raise click.exceptions.Exit(Exit.FOUND)


def _print_json(audits: "list[Audit]") -> None:
    import orjson

    for each in audits:
        click.echo(orjson.dumps(each.report()).decode())


def _print_table(audits: "list[Audit]") -> None:
    from rich.console import Console
    from rich.table import Table

    from streams.ledger import add_figures

    columns = ("partition", "ticks", "source offset", "offered", "kept", "broken", "owed", "result")
    table = Table(*columns)
    for each in audits:
        figures = add_figures(each.figures.values())
        table.add_row(
            *(str(n) for n in (each.partition, each.ticks, each.to_offset)),
            *_numbers(figures),
            each.fault or "every hash is as it was",
        )
    table.add_row(
        "all",
        str(sum(each.ticks for each in audits)),
        "",
        *_numbers(add_figures(part for each in audits for part in each.figures.values())),
        "",
    )
    Console().print(table)


def _numbers(figures: dict[str, Any]) -> list[str]:
    answer, callback = figures["answer"], figures["callback"]
    return [
        str(n) for n in (figures["offered"], answer["kept"], answer["broken"], callback["open"])
    ]
