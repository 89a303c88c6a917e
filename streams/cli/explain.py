"""`callsla explain`."""

from typing import TYPE_CHECKING

import click

from streams.cli.inputs import UNTIL, check_paths, input_options, progress, read_input, rules_of
from streams.cli.root import Command

if TYPE_CHECKING:
    from streams.events import Event
    from streams.explain import Line

__all__ = ["explain"]


@click.command(cls=Command)
@click.argument("call_id")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--until", type=UNTIL, default="end", metavar="end|TIME", help="As for replay.")
@input_options
def explain(
    *,
    call_id: str,
    files: tuple[str, ...],
    format_name: str,
    until: int | None,
    slo: str | None,
    region: str | None,
    timezone: str | None,
) -> None:
    """Say why each verdict on the call CALL_ID was given.

    FILE is the same input as for replay: the verdict may hang on other calls of the customer.
    """
    from streams.explain import explain as explain_call

    check_paths(files)
    rules = rules_of(slo)
    with progress("reading") as told:
        given = read_input(format_name, files, region=region, timezone=timezone, told=told)
    lines = explain_call(given.events, call_id, rules, until)
    if not lines:
        raise click.ClickException(_not_found(call_id, given.events))
    _show(lines)


def _show(lines: "list[Line]") -> None:
    from rich.console import Console
    from rich.text import Text

    from streams.instants import rfc3339

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        name, colon, rest = line.text.partition(":") if line.verdict else ("", "", line.text)
        time = Text(f"{rfc3339(line.at):<27} ", "dim")
        console.print(Text.assemble(time, (name + colon, "bold"), (rest, _style(rest))))


def _style(text: str) -> str:
    if "BROKEN" in text or "USELESS" in text:
        return "red"
    return "green" if "KEPT" in text or "USEFUL," in text else ""


def _not_found(call_id: str, events: "list[Event]") -> str:
    from difflib import get_close_matches

    ids = {getattr(event, "call_id", None) for event in events} - {None}
    near = get_close_matches(call_id, [str(name) for name in list(ids)[:20_000]], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no call {call_id!r} in the input{hint}"
