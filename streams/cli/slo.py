"""`callsla slo`: the objective, and what follows from it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from streams.cli.errors import CheckFailed, WrongUse
from streams.cli.root import Group

if TYPE_CHECKING:
    from streams.slo.alertmanager import Receivers

__all__ = ["slo"]

F = TypeVar("F", bound=Callable[..., Any])


def _file(function: F) -> F:
    return click.argument("file", required=False, type=click.Path(), metavar="[FILE]")(function)


def _receivers(function: F) -> F:
    """Where alerts go; the files named are those of the machine where Alertmanager runs."""
    for option in reversed(_RECEIVERS):
        function = option(function)
    return function


_RECEIVERS: Final = (
    click.option("--webhook", "url", metavar="URL", help="Where Alertmanager sends alerts."),
    click.option("--slack-url-file", metavar="FILE", help="Holds the web hook of Slack."),
    click.option("--slack-channel", metavar="NAME"),
    click.option(
        "--teams-url-file", metavar="FILE", help="Holds the address of a Teams workflow's web hook."
    ),
    click.option(
        "--pagerduty-key-file", metavar="FILE", help="Holds the routing key of PagerDuty."
    ),
    click.option("--mail-to", metavar="ADDRESS"),
    click.option("--mail-from", metavar="ADDRESS"),
    click.option("--smarthost", metavar="HOST:PORT", help="The server that takes the mail."),
    click.option("--mail-user", metavar="NAME"),
    click.option("--mail-password-file", metavar="FILE"),
)


@click.group(cls=Group)
def slo() -> None:
    """Check an objective (slo.yaml) and make rules, alerts and routes of it.

    Without FILE it is the default objective: 10 seconds, one hour.
    """


@slo.command()
@_file
def validate(*, file: str | None) -> None:
    """Check the objective."""
    from streams.slo import validate_slo

    click.echo(validate_slo(file), nl=False)


@slo.command()
@_file
def explain(*, file: str | None) -> None:
    """Say in words what is promised and when an alert fires."""
    from streams.slo import explain_slo

    click.echo(explain_slo(file), nl=False)


@slo.command()
@_file
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the files there; without it they go to stdout, one after the other.",
)
@click.option("--check", is_flag=True, help="Only say which files in FOLDER are out of date.")
@_receivers
def generate(
    *, file: str | None, folder: Path | None, check: bool, **receivers: str | None
) -> None:
    """Generate recording and alert rules, their tests, and Alertmanager's configuration.

    The files named are those of the machine where Alertmanager runs; they are not read here.
    """
    from streams.slo import generate_slo

    files = generate_slo(file, _given(receivers))
    if folder is None:
        for name, text in files.items():
            click.echo(f"# --- {name}\n{text}")
        return
    if check:
        _check(files, folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(folder / name)


@slo.command()
@_file
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    required=True,
    help="Where the files are.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if a file there is out of date.")
def dashboards(*, file: str | None, folder: Path, check: bool) -> None:
    """Make Grafana's dashboards (JSON, one file each)."""
    from streams.slo.dashboard_files import stale_dashboards, write_dashboards

    if not check:
        for path in write_dashboards(file, folder):
            click.echo(path)
        return
    stale = stale_dashboards(file, folder)
    for path in stale:
        click.echo(path)
    if stale:
        message = f"out of date; write them again with: callsla slo dashboards --to {folder}"
        raise CheckFailed(message)
    click.echo(f"{folder}: up to date", err=True)


@slo.command()
@click.argument("file", type=click.Path())
@click.option("--without-dashboards", is_flag=True, help="Where Grafana's types are not there.")
@_receivers
def values(*, file: str, without_dashboards: bool, **receivers: str | None) -> None:
    """Write the Helm chart's values for an objective: its text, rules, dashboards and routes.

    Give what is written to helm with -f. The chart refuses rules that were not made of its `slo`.
    """
    from streams.slo.chart_values import chart_values

    text = chart_values(file, _given(receivers), with_dashboards=not without_dashboards)
    click.echo(text, nl=False)


def _given(receivers: dict[str, str | None]) -> "Receivers | None":
    from streams.slo.alertmanager import Receivers

    given = {name: value for name, value in receivers.items() if value is not None}
    return Receivers(**given) if given else None


def _check(files: dict[str, str], folder: Path) -> None:
    from streams.slo import stale_files

    stale = stale_files(files, folder)
    for name in stale:
        click.echo(f"{folder / name} is out of date: callsla slo generate --to {folder}")
    if stale:
        message = "generated files are out of date"
        raise CheckFailed(message)


@slo.command()
@_file
@click.option("--format", "form", type=click.Choice(["openslo", "sloth", "pyrra"]), required=True)
def export(*, file: str | None, form: str) -> None:
    """Write the promises in the format of another tool."""
    from streams.slo import export_slo, load_slo

    click.echo(export_slo(load_slo(file), form), nl=False)


@slo.command()
@_file
def test(*, file: str | None) -> None:
    """Let promtool and amtool judge what is generated."""
    from streams.slo import check_rules

    if file is not None and not Path(file).is_file():
        message = f"there is no file {file}"
        raise WrongUse(message)
    outcome = check_rules(file)
    click.echo(outcome.text, nl=False)
    if not outcome.passed:
        message = "the generated rules do not pass"
        raise CheckFailed(message)
