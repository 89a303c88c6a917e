"""The readable form of a replay: every figure with its formula, so nobody can pick unseen."""

from typing import Any, Final

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.ledger import FORMULAS, Rules
from streams.slo.durations import brief

__all__ = ["print_report"]

MAX_WIDTH: Final = 112
PIPED_WIDTH: Final = 100
BAR_WIDTH: Final = 24
NARROW_BAR_WIDTH: Final = 10
SHOWN_QUEUES: Final = 25
WIDE: Final = 100

COLOURS: Final = {
    "answered_in_target": "green",
    "answered_late": "yellow",
    "abandoned_in_target": "bright_black",
    "open": "bright_black",
}
BAD: Final = "red"


def print_report(report: dict[str, Any], rules: Rules) -> None:
    """Print the readable form of `report` on stdout, as wide as the terminal up to 112."""
    console = Console(highlight=False)
    width = min(console.width, MAX_WIDTH) if console.is_terminal else PIPED_WIDTH
    console = Console(highlight=False, width=width)
    total, bar_width = report["total"], BAR_WIDTH if width >= WIDE else NARROW_BAR_WIDTH
    parts: list[RenderableType] = [
        _head(report),
        _outcomes(total, bar_width),
        _promises(total, rules),
        _waits(total),
        _service_levels(total, bar_width),
    ]
    if len(report["queues"]) > 1:
        parts.append(_queues(report["queues"], width))
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(part)


def _head(report: dict[str, Any]) -> Text:
    given = report["input"]
    text = Text()
    text.append(f"{report['total']['offered']:,} calls offered", "bold")
    text.append(f" · {given['events']:,} events from {given['records']:,} records")
    text.append(f" · until {report['until'] or 'never: there is no event'}")
    odd = {
        "duplicate": given["duplicates"],
        "contradictory": given["contradictory"],
        "orphan": given["orphans"],
        "unusable": sum(given["dead_letters"].values()),
    }
    told = ", ".join(f"{number:,} {name}" for name, number in odd.items() if number)
    if told:
        text.append(f"\n{told}", "yellow")
    return text


def _outcomes(total: dict[str, Any], bar_width: int) -> Table:
    table = _table("What became of the calls", "calls", "of offered")
    offered = total["offered"]
    for outcome, number in total["outcomes"].items():
        style = COLOURS.get(outcome, BAD)
        bar = Bar(offered or 1, 0, number, width=bar_width, color=style)
        name = Text(outcome.replace("_", " "), "" if number else "dim")
        table.add_row(name, f"{number:,}", _percent(number, offered), bar)
    return table


def _promises(total: dict[str, Any], rules: Rules) -> Group:
    target, callback = rules.default.answer_target, rules.default.callback_target
    table = _table("The promise", "kept", "broken", "outside", "open", "kept of decided")
    back = total["callback"]
    kept_back = back["kept"] + back["kept_by_recall"]
    outside = back["unreachable"] + back["uncallable"] + back["cancelled"]
    answer, whole = total["answer"], total["promise"]
    rows = (
        (f"answered by a human within {brief(target)}", answer["kept"], answer["broken"],
         answer["excluded"], answer["open"]),
        (f"else called back within {brief(callback)}", kept_back, back["broken"], outside,
         back["open"]),
        ("the whole promise", whole["kept"], whole["broken"], whole["outside"], whole["open"]),
    )  # fmt: skip
    for name, kept, broken, aside, still_open in rows:
        table.add_row(
            name, f"{kept:,}", Text(f"{broken:,}", BAD if broken else "dim"), f"{aside:,}",
            f"{still_open:,}", _percent(kept, kept + broken),
        )  # fmt: skip
    return Group(table, Text(_in_words(total), "dim"))


def _in_words(total: dict[str, Any]) -> str:
    back, use = total["callback"], total["usefulness"]
    return (
        f"  {back['opened']:,} callbacks owed: {back['kept']:,} made in time,"
        f" {back['kept_by_recall']:,} kept because the customer rang again,"
        f" {back['broken']:,} broken ({back['late']:,} made late)\n"
        f"  outside: {back['unreachable']:,} unreachable, {back['uncallable']:,} uncallable,"
        f" {back['cancelled']:,} cancelled by the customer\n"
        f"  human answers: {use['useful']:,} useful, {use['useless']:,} useless,"
        f" {use['unknown']:,} unknown, {use['open']:,} not yet decided"
    )


def _waits(total: dict[str, Any]) -> Text:
    waits = total["wait_seconds"]["answered"]
    text = Text("Wait of the answered ", "bold")
    if not waits["count"]:
        return text.append("nobody was answered", "dim")
    text.append(f"mean {waits['mean']:.1f} s", "not bold")
    for name in ("p50", "p90", "p99", "max"):
        text.append(f" · {name} {waits[name]:g} s", "not bold")
    return text


def _service_levels(total: dict[str, Any], bar_width: int) -> Table:
    table = _table("Service level: seven formulas, the same calls (those over)", "value")
    for name, formula in FORMULAS.items():
        level = total["service_level"][name]
        bar = Bar(1, 0, level or 0, width=bar_width, color="cyan")
        shown = "-" if level is None else f"{100 * level:.1f} %"
        table.add_row(Text.assemble((name, "bold"), f"  {formula}"), shown, bar)
    return table


def _queues(queues: dict[str, Any], width: int) -> Table:
    more = ("kept", "broken", "owed", "called back") if width >= WIDE else ()
    table = _table("By queue", "offered", *more, *FORMULAS, bar=False)
    ranked = sorted(queues, key=lambda name: (-queues[name]["offered"], name))
    for name in ranked[:SHOWN_QUEUES]:
        figures = queues[name]
        levels = figures["service_level"].values()
        shown = ("-" if level is None else f"{100 * level:.1f}" for level in levels)
        counts = _counts(figures) if more else ()
        table.add_row(Text(name, overflow="ellipsis"), f"{figures['offered']:,}", *counts, *shown)
    left = len(ranked) - SHOWN_QUEUES
    if left > 0:
        table.caption = f"and {left:,} more queues: --json has them all"
    return table


def _counts(figures: dict[str, Any]) -> tuple[str, ...]:
    answer, back = figures["answer"], figures["callback"]
    kept = back["kept"] + back["kept_by_recall"]
    return f"{answer['kept']:,}", f"{answer['broken']:,}", f"{back['opened']:,}", f"{kept:,}"


def _table(title: str, *columns: str, bar: bool = True) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(Text(title, "bold not dim"), no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    if bar and len(columns) < 4:
        table.add_column("", no_wrap=True)
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
