"""The live view of the demo in a terminal, from 80 x 24 up."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo.alerts import Alert
from streams.demo.board import Board, Breach, QueueRow
from streams.instants import SECOND

__all__ = ["Scene", "render"]

TALL: Final = 34
WIDE: Final = 100
MAX_ALERTS: Final = 3


@dataclass(slots=True)
class Scene:
    """Everything the view shows besides the board. Times in seconds unless it says otherwise."""

    elapsed: float
    now: int
    """microseconds since 1970"""
    hour: int
    """how long an hour of the promise lasts in the demo"""
    outage: str | None
    news: str
    alerts: list[Alert] | None
    """None: Prometheus and Alertmanager are not running"""
    addresses: dict[str, str] = field(default_factory=dict)


def render(board: Board, scene: Scene, width: int, height: int) -> RenderableType:
    """Return the whole screen, `width` by `height` characters at most."""
    tall, wide = height >= TALL, width >= WIDE
    head = _head(scene)
    queues = _section("Queues", _queues(board, scene, wide=wide), tall=tall)
    alerts = _section("Alerts", _alerts(scene), tall=tall)
    foot = _addresses(scene)
    shown = sum(len(_alert(alert)) for alert in _shown(scene)) or 1
    frame = 2 if tall else 1
    used = 2 + 1 + (len(board.queues) + 2 + frame) + (shown + frame) + len(foot.plain.splitlines())
    room = max(2, height - used - frame)
    breaches = _section("Broken promises", _breaches(board, scene, room), tall=tall)
    return Group(head, queues, breaches, alerts, foot)


def _head(scene: Scene) -> Text:
    minutes, seconds = divmod(int(scene.elapsed), 60)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(" callsla demo ", "bold reverse")
    text.append(f" {minutes:02}:{seconds:02} ", "bold")
    text.append("A human answers in 10 s, or calls back in 1 h ")
    text.append(f"(here {scene.hour} s)", "bold yellow")
    text.append("\n")
    if scene.outage is not None:
        text.append(f" OUTAGE  {scene.outage} ", "bold white on red")
    else:
        text.append(f" {scene.news}", "green")
    text.append("\n")
    return text


def _section(title: str, body: RenderableType, *, tall: bool) -> RenderableType:
    if tall:
        return Panel(body, title=title, title_align="left", border_style="bright_black")
    return Group(Text(title, "bold underline"), body)


def _queues(board: Board, scene: Scene, *, wide: bool) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, header_style="bright_black")
    table.add_column("queue", no_wrap=True)
    columns = ["waiting", "> 10 s", "longest", "in 10 s", "broken", "kept"]
    columns += ["callbacks due", "overdue", "made", "missed"] if wide else ["due", "overdue"]
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for row in board.queues.values():
        table.add_row(*_cells(row, scene, wide=wide))
    table.add_row(*_cells(board.total(), scene, wide=wide), style="bold")
    return table


def _cells(row: QueueRow, scene: Scene, *, wide: bool) -> list[Text]:
    longest = "" if row.oldest is None else f"{(scene.now - row.oldest) / SECOND:.0f} s"
    decided = row.kept + row.broken
    kept = Text("-" if not decided else f"{100 * row.kept / decided:.0f} %", _share_style(row))
    cells = [
        Text(row.name, "cyan"),
        Text(str(row.waiting)),
        _alarm(row.beyond),
        Text(longest, "red" if row.beyond else ""),
        Text(str(row.kept), "green"),
        _alarm(row.broken, "yellow"),
        kept,
        Text(str(row.due)),
        _alarm(row.overdue),
    ]
    return [*cells, Text(str(row.made), "green"), _alarm(row.missed, "yellow")] if wide else cells


def _alarm(number: int, style: str = "bold red") -> Text:
    return Text(str(number), style if number else "bright_black")


def _share_style(row: QueueRow) -> str:
    decided = row.kept + row.broken
    if not decided:
        return "bright_black"
    return "green" if row.kept >= 0.9 * decided else "red"


def _breaches(board: Board, scene: Scene, room: int) -> RenderableType:
    lines = [_breach(each, scene.now) for each in board.last_breaches(room)]
    if not lines:
        lines = [Text("none yet: every caller was answered in time", "green")]
    lines += [Text("")] * (room - len(lines))
    return Group(*lines[:room])


def _breach(breach: Breach, now: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(_clock(breach.at / SECOND), "dim")
    text.append(f"{breach.queue:<9}", "cyan")
    if breach.waiting:
        waited = (now - breach.since) / SECOND
        text.append(f" STILL WAITING for {waited:4.1f} s, nobody has answered", "bold red")
    else:
        text.append(f" {breach.text}", "yellow")
    return text


def _clock(moment: float) -> str:
    """Return the local time of day of `moment` (seconds since 1970)."""
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%H:%M:%S ")


def _alerts(scene: Scene) -> RenderableType:
    if scene.alerts is None:
        advice = "Prometheus and Alertmanager are not installed: apt-get install prometheus"
        return Text(f"{advice} prometheus-alertmanager", "bright_black", no_wrap=True)
    if not scene.alerts:
        return Text("none: Prometheus evaluates the rules every second", "green")
    return Group(*(line for alert in _shown(scene) for line in _alert(alert)))


def _shown(scene: Scene) -> list[Alert]:
    return (scene.alerts or [])[:MAX_ALERTS]


def _alert(alert: Alert) -> list[Text]:
    """Two lines while it fires, one when it is over."""
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(_clock(alert.told_at), "dim")
    if not alert.firing:
        return [head.append("resolved ", "green").append(alert.title, "bright_black")]
    head.append("FIRING   ", "bold red").append(alert.title, "bold")
    return [head, Text(f"  {alert.text}", no_wrap=True, overflow="ellipsis")]


def _addresses(scene: Scene) -> Text:
    parts = [f"{name} {address}" for name, address in scene.addresses.items()]
    parts.append("Ctrl-C ends")
    lines = (" · ".join(parts[:2]), " · ".join(parts[2:]))
    return Text("\n".join(lines), "bright_black", no_wrap=True, overflow="ellipsis")
