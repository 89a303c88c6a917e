"""`callsla doctor`: does it work, from the broker to the pager?"""

import os
import sys
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

import click

from streams.cli.root import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.doctor import Finding, Status

__all__ = ["doctor"]

MARKS: "Final[dict[Status, tuple[str, str, str]]]" = {
    "ok": ("√", "ok", "green"),
    "warning": ("‼", "warning", "yellow"),
    "wrong": ("\N{MULTIPLICATION SIGN}", "wrong", "red"),
    "unreachable": ("\N{MULTIPLICATION SIGN}", "away", "red"),
    "not_asked": ("·", "not asked", "bright_black"),
}
"""Sign, the same in letters for a terminal without it, and colour."""
WORDS: "Final[dict[Status, str]]" = {
    "ok": "well",
    "warning": "could be better",
    "wrong": "wrong",
    "unreachable": "cannot be reached",
    "not_asked": "not asked",
}


@click.command(cls=Command)
@click.option(
    "--config",
    type=click.Path(),
    metavar="FILE",
    help="Settings of the worker in YAML; each can also be CALLSLA_<NAME> in the environment.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--metrics", metavar="URL", help="A worker, http://host:9808.")
@click.option("--prometheus", metavar="URL", help="http://host:9090.")
@click.option("--alertmanager", metavar="URL", help="http://host:9093.")
@click.option("--grafana", metavar="URL", help="http://host:3000.")
def doctor(*, config: str | None, as_json: bool, **urls: str | None) -> None:
    """Look at every link from the broker to the pager; change nothing.

    The addresses can also be CALLSLA_METRICS_URL, CALLSLA_PROMETHEUS_URL, CALLSLA_ALERTMANAGER_URL
    and CALLSLA_GRAFANA_URL. What opens their doors comes from CALLSLA_<PART>_TOKEN_FILE, or
    _USERNAME and _PASSWORD_FILE (or the secret without _FILE); _CA_FILE for TLS.
    CALLSLA_GRAFANA_DATASOURCE names the uid of a data source for a token that may not list them.

    \b
    Exit codes: 0 all well (warnings allowed), 2 the configuration is wrong,
    4 something cannot be reached, 3 something else is wrong.
    """
    from streams.doctor import examine, exit_code

    findings = examine(config, urls)
    seen = list(findings) if as_json else list(_shown(findings))
    if as_json:
        _print_json(seen)
    else:
        click.echo(_summary(seen), color=_colour())
    raise click.exceptions.Exit(exit_code(seen))


def _print_json(findings: "list[Finding]") -> None:
    import json
    import time

    from streams._version import __version__
    from streams.doctor import report
    from streams.instants import rfc3339

    asked_at = rfc3339(time.time_ns() // 1_000_000_000 * 1_000_000)
    click.echo(json.dumps(report(__version__, asked_at, findings)))


def _shown(findings: "Iterator[Finding]") -> "Iterator[Finding]":
    """Print each finding as soon as it is there, under the title of its group.

    Groups that are left out for one and the same reason share it.
    """
    from streams.doctor import GROUPS

    between = ""
    for key, run in groupby(findings, _together):
        left_out = list(run) if key.startswith("not asked") else []
        titles = [GROUPS[each.group] for each in left_out] or [GROUPS[key]]
        click.echo(f"{between}{', '.join(titles)}")
        between = "\n"
        for each in left_out[:1] or run:
            click.echo(_line(each), color=_colour())
            yield each
        yield from left_out[1:]


def _together(finding: "Finding") -> str:
    """Return what the findings under one title have in common."""
    whole_group = finding.check.endswith(".all") and finding.remedy is None
    return f"not asked: {finding.reason}" if whole_group else finding.group


def _line(finding: "Finding") -> str:
    colour = MARKS[finding.status][2]
    aside = "not asked: " if finding.status == "not_asked" else ""
    lines = [f"  {click.style(_mark(finding.status), fg=colour)} {aside}{finding.reason}"]
    if finding.remedy is not None:
        lines.append(f"    {_arrow()} {finding.remedy}")
    return "\n".join(lines)


def _summary(findings: "list[Finding]") -> str:
    counts = Counter(each.status for each in findings)
    told = ", ".join(f"{counts[status]} {name}" for status, name in WORDS.items() if counts[status])
    return f"\n{told}"


def _mark(status: "Status") -> str:
    sign, letters, _ = MARKS[status]
    return sign if _prints(sign) else f"[{letters}]"


def _arrow() -> str:
    return "→" if _prints("→") else "->"


def _prints(sign: str) -> bool:
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _colour() -> bool:
    """Colours are for a terminal, and for nobody who does not want them (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
