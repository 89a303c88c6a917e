"""`callsla schema`: the JSON Schemas and the AsyncAPI document, from the types."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from streams.cli.errors import CheckFailed, WrongUse
from streams.cli.root import Group

__all__ = ["schema"]

F = TypeVar("F", bound=Callable[..., Any])


def _directory(function: F) -> F:
    return click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("schemas"),
        show_default=True,
        help="The folder of the schemas.",
    )(function)


@click.group(cls=Group)
def schema() -> None:
    """Write or check the JSON Schemas of the events."""


@schema.command()
@_directory
def write(*, directory: Path) -> None:
    """Write the schemas of the types; what changed goes to stdout."""
    from streams.schemas import write_schemas

    changed = write_schemas(directory)
    for path in changed:
        click.echo(path)
    if not changed:
        click.echo(f"{directory}: up to date", err=True)


@schema.command()
@_directory
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="OLD",
    help="Also look for what the schemas in the folder OLD allow and these forbid.",
)
def check(*, directory: Path, against: Path | None) -> None:
    """Compare the schemas with the types."""
    from streams.schemas import check_compatibility, check_schemas

    try:
        findings = check_schemas(directory)
        if against is not None:
            findings += check_compatibility(against, directory)
    except ValueError as error:
        raise WrongUse(str(error)) from error
    for finding in findings:
        click.echo(finding)
    if findings:
        message = f"{len(findings)} differences in {directory}"
        raise CheckFailed(message)
    click.echo(f"{directory}: the schemas say what the types say", err=True)
