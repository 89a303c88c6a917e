"""What `replay` and `explain` have in common: the input, its options, what is said about it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from streams.cli.errors import WrongUse, warn

if TYPE_CHECKING:
    from streams.ledger import Rules
    from streams.replay import Input
    from streams.replay.reading import Progress
    from streams.sources import Source

__all__ = ["UNTIL", "input_options", "progress", "read_input", "rules_of", "say_what_was_refused"]

SHOWN_FAULTS: Final = 3

F = TypeVar("F", bound=Callable[..., Any])


class FormatName(click.ParamType):
    """A name of `streams.sources.FORMATS`, imported only when one is given."""

    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or say which one may have been meant."""
        from streams.sources import FORMATS

        if value not in FORMATS:
            near = get_close_matches(value, FORMATS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(FORMATS)}."
            self.fail(f"there is no format {value!r}; {hint}", param, ctx)
        return value


class Until(click.ParamType):
    """`end` (None) or an RFC 3339 time (microseconds)."""

    name = "end|time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return microseconds since 1970, or None for `end`."""
        from streams.instants import EARLIEST, LATEST, parse_instant

        if value == "end" or isinstance(value, int):
            return None if value == "end" else int(value)
        try:
            instant = parse_instant(value)
        except (ValueError, OverflowError):
            instant = 0
        if not EARLIEST <= instant < LATEST:
            self.fail(
                f"{value!r} is neither `end` nor a time like 2026-03-02T18:00:00Z.", param, ctx
            )
        return instant


UNTIL: Final = Until()


def input_options(function: F) -> F:
    """Add what says how the input is to be read."""
    for option in (
        click.option("--slo", type=click.Path(), metavar="FILE", help="The objective (slo.yaml)."),
        click.option(
            "--region", metavar="XX", help="Country of numbers in national form, such as GB."
        ),
        click.option(
            "--timezone", metavar="ZONE", help="Of local times without a zone: Europe/Berlin."
        ),
        click.option(
            "--from",
            "format_name",
            type=FormatName(),
            metavar="FORMAT",
            required=True,
            help="events, asterisk-queue-log or call-records.",
        ),
    ):
        function = option(function)
    return function


def rules_of(path: str | None) -> "Rules":
    """Return the rules in the objective at `path`, or the default ones."""
    from streams.slo import load_slo

    return load_slo(path).rules()


def read_input(
    format_name: str,
    paths: Iterable[str],
    *,
    region: str | None,
    timezone: str | None,
    told: "Progress | None" = None,
    read: "Callable[[Source, Iterable[bytes], Progress | None], Input] | None" = None,
) -> "Input":
    """Read all `paths` as one input, as `read` does it; say on stderr what could not be used.

    Raises:
        SourceError: a file or a setting cannot be used at all.
    """
    from streams.replay import read as read_events
    from streams.sources import FORMATS, Options, Pseudonyms, open_input

    faults: list[str] = []

    def note(line: int, reason: str, detail: str) -> None:
        if len(faults) < SHOWN_FAULTS:
            faults.append(f"line {line}: {reason}: {detail}")

    options = Options(
        pseudonyms=Pseudonyms.from_environment(region=region), timezone=timezone, on_rejected=note
    )
    given = (read or read_events)(FORMATS[format_name](options), open_input(*paths), told)
    if not given.records:
        warn("the input is empty")
    say_what_was_refused(given.dead_letters, given.records, faults)
    return given


def say_what_was_refused(refused: dict[str, int], records: int, faults: list[str]) -> None:
    """Say how many records could not be used and where the first ones are."""
    number = sum(refused.values())
    if not number:
        return
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in refused.items() if count)
    warn(f"{number:,} of {records:,} records could not be used: {reasons}")
    for fault in faults:
        click.echo(f"  {fault}", err=True)
    if number > len(faults):
        click.echo(f"  and {number - len(faults):,} more", err=True)


@contextmanager
def progress(what: str) -> Iterator["Progress | None"]:
    """Show how many events have been dealt with, if somebody is watching."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,.0f} events"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda more: bar.advance(task, more)


def check_paths(paths: tuple[str, ...]) -> None:
    """Refuse to read standard input twice."""
    if paths.count("-") > 1:
        message = "standard input (-) can be read only once"
        raise WrongUse(message)
