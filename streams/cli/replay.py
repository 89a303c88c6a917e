"""`callsla replay`."""

from typing import TYPE_CHECKING

import click

from streams.cli.errors import warn
from streams.cli.inputs import UNTIL, check_paths, input_options, progress, read_input, rules_of
from streams.cli.root import Command

if TYPE_CHECKING:
    from streams.ledger import Rules
    from streams.ledger.kinds import Told
    from streams.replay import Judged

__all__ = ["replay"]

EPILOG = """\b
Examples:
  callsla replay --from asterisk-queue-log /var/log/asterisk/queue_log
  callsla replay --from call-records calls-2026-0*.csv.gz --slo slo.yaml
  callsla simulate --calls 10000 | callsla replay --from events - --json"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--until",
    type=UNTIL,
    default="end",
    metavar="end|TIME",
    help="Settle what was due by TIME; end (default): by the last event.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@input_options
def replay(
    *,
    files: tuple[str, ...],
    format_name: str,
    until: int | None,
    slo: str | None,
    region: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Judge past records: were the calls answered in time, were customers called back?

    FILE may be plain or gzip, several files are read as one, - is standard input. Records may be in
    any order.
    """
    from streams.replay import judge_told, read_told, report

    check_paths(files)
    rules = rules_of(slo)
    with progress("reading") as told:
        given = read_input(
            format_name, files, region=region, timezone=timezone, told=told, read=read_told
        )
    with progress("judging") as told:
        judged = judge_told(given.told, rules, until, progress=told)
    _say_what_was_left_out(judged)
    _say_who_answered(given.told, rules)
    figures = report(given, judged)
    if as_json:
        import orjson

        click.echo(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
        return
    from streams.cli.table import print_report

    print_report(figures, rules)


def _say_who_answered(events: "list[Told]", rules: "Rules") -> None:
    """Answers by nobody knows whom are not human: say so, or all of them look abandoned."""
    from streams.ledger.kinds import ANSWERED, BY, KIND

    if rules.default.unknown_is_human:
        return
    unknown = sum(said[KIND] == ANSWERED and said[BY] == "unknown" for said in events)
    if unknown:
        warn(
            f"{unknown:,} answers do not say by whom and count as not human;"
            " give answered_by, or set unknown_is_human in slo.yaml"
        )


def _say_what_was_left_out(judged: "Judged") -> None:
    if judged.left_out:
        warn(f"{judged.left_out:,} events are later than --until and were left out")
    refused = sum(judged.refused.values())
    if refused:
        warn(f"{refused:,} events were refused by the ledger: {judged.refused}")
