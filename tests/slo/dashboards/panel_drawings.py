"""Each kind of panel as SVG, from the answers to its queries."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from svg import FAINT, INK, colour, line, path, rect, text, ticks, written

__all__ = ["DRAWINGS", "Box", "Drawn"]

PALETTE: Final = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999933", "#5B4B8A",
    "#117733", "#882255", "#44AA99", "#AA4499",
)  # fmt: skip
GRID: Final = "#e4e7ea"
NO_DATA: Final = "#8E8E8E"
LEGENDS: Final = 12
SHOWN_FROM: Final = 1e-9
"""As Grafana has it: a cell with less is not drawn."""

Series = list[tuple[float, float]]


@dataclass(frozen=True)
class Box:
    """A place in pixels."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Drawn:
    """A panel and the answers to its queries, by letter; `span` is the time shown, in seconds."""

    panel: dict[str, Any]
    answers: dict[str, dict[str, Any]]
    span: tuple[float, float]

    @property
    def field(self) -> dict[str, Any]:
        defaults: dict[str, Any] = self.panel["fieldConfig"]["defaults"]
        return defaults

    @property
    def steps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.field["thresholds"]["steps"]
        return found

    def curves(self) -> Iterator[tuple[str, str, Series]]:
        """Yield letter, name and points of each series."""
        for target in self.panel["targets"]:
            for one in self.answers[target["refId"]]["curve"]:
                points = [(float(at), float(value)) for at, value in one["values"]]
                name = _named(target["legendFormat"], one["metric"])
                yield target["refId"], name, [p for p in points if math.isfinite(p[1])]


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()


def _now(drawn: Drawn, ref: str) -> float | None:
    found = drawn.answers[ref]["now"]
    value = float(found[0]["value"][1]) if found else math.nan
    return value if math.isfinite(value) else None


def stat(drawn: Drawn, box: Box) -> str:
    """One number, and how it came about."""
    value = _now(drawn, "A")
    if value is None:
        return text(
            box.x + box.w / 2, box.y + 40, "no data", size=20, fill=NO_DATA, anchor="middle"
        )
    fill = colour(value, drawn.steps)
    words = written(value, drawn.field["unit"], drawn.field.get("decimals"))
    number = text(
        box.x + box.w / 2, box.y + 40, words, size=28, fill=fill, anchor="middle", bold=600
    )
    if drawn.panel["options"]["graphMode"] == "none":
        return number
    below = Box(box.x, box.y + 52, box.w, box.h - 54)
    return _spark(drawn, below, fill) + number


def _spark(drawn: Drawn, box: Box, fill: str) -> str:
    curves = [points for _, _, points in drawn.curves() if len(points) > 1]
    if not curves or box.h < 8:
        return ""
    values = [value for _, value in curves[0]]
    place = _places(drawn, box, min(values), max(values))
    points = [place(*point) for point in curves[0]]
    foot = f"L{points[-1][0]:.0f} {box.y + box.h:.0f}L{points[0][0]:.0f} {box.y + box.h:.0f}Z"
    way = "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
    return f'<path d="M{way}{foot}" fill="{fill}" opacity=".16"/>' + path(points, fill)


def bargauge(drawn: Drawn, box: Box) -> str:
    """A few numbers as bars."""
    targets = drawn.panel["targets"]
    height = box.h / len(targets)
    parts = []
    for place, target in enumerate(targets):
        y = box.y + place * height
        value = _now(drawn, target["refId"])
        shown = "no data" if value is None else written(value, drawn.field["unit"])
        fill = NO_DATA if value is None else colour(value, drawn.steps)
        share = 0.0 if value is None else min(max(value, 0.0), 1.0)
        thick = min(16.0, height / 2)
        parts += [
            text(box.x, y + 11, target["legendFormat"], fill=FAINT),
            text(box.x + box.w, y + 11, shown, size=13, fill=fill, anchor="end", bold=600),
            rect(box.x, y + 15, box.w, thick, GRID),
            rect(box.x, y + 15, box.w * share, thick, fill),
        ]
    return "".join(parts)


def timeseries(drawn: Drawn, box: Box) -> str:
    """Curves with axes and a legend, stacked if the panel says so."""
    curves = [curve for curve in drawn.curves() if curve[2]]
    if not curves:
        return text(box.x + box.w / 2, box.y + box.h / 2, "no data", fill=NO_DATA, anchor="middle")
    stacked = drawn.field["custom"].get("stacking", {}).get("mode") == "normal"
    shown = _stack(curves) if stacked else curves
    rows = 1 + (min(len(curves), LEGENDS) - 1) // _columns(box)
    plot = Box(box.x + 46, box.y + 4, box.w - 50, box.h - 24 - 14 * rows)
    values = [value for _, _, points in shown for _, value in points]
    least, most = _range(drawn, values)
    place = _places(drawn, plot, least, most)
    limits, colours = _limits(drawn), _colours(drawn)
    parts = [_axes(drawn, plot, least, most, drawn.field["unit"])]
    for index, (ref, name, points) in reversed(list(enumerate(shown))):
        fill = "#D55E00" if ref in limits else colours.get(name, PALETTE[index % len(PALETTE)])
        dots = [place(*point) for point in points]
        if stacked:
            foot = plot.y + plot.h
            ground = [(dots[-1][0], foot), (dots[0][0], foot)]
            way = "L".join(f"{x:.0f} {y:.1f}" for x, y in [*dots, *ground])
            parts.append(f'<path d="M{way}Z" fill="{fill}"/>')
        else:
            dash = ' stroke-dasharray="6 5"' if ref in limits else ' stroke-width="1.6"'
            parts.append(path(dots, fill, dash))
    return "".join([*parts, _legend(curves, limits, colours, box, rows)])


def _range(drawn: Drawn, values: list[float]) -> tuple[float, float]:
    """From the least that the panel names, if any; else from the least there is, and a little."""
    least, most = min(values), max(values)
    if "min" in drawn.field:
        least = min(float(drawn.field["min"]), least)
    else:
        least -= (most - least) / 20
    return least, most if most > least else least + 1


def _columns(box: Box) -> int:
    return max(1, int(box.w // 150))


def _stack(curves: list[tuple[str, str, Series]]) -> list[tuple[str, str, Series]]:
    below: dict[float, float] = {}
    shown = []
    for ref, name, points in curves:
        for at, value in points:
            below[at] = below.get(at, 0.0) + value
        shown.append((ref, name, [(at, below[at]) for at, _ in points]))
    return shown


def _limits(drawn: Drawn) -> set[str]:
    return {
        override["matcher"]["options"]
        for override in drawn.panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byFrameRefID"
    }


def _colours(drawn: Drawn) -> dict[str, str]:
    return {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in drawn.panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName" and override["properties"][0]["id"] == "color"
    }


def _legend(
    curves: list[tuple[str, str, Series]],
    limits: set[str],
    colours: dict[str, str],
    box: Box,
    rows: int,
) -> str:
    columns, top = _columns(box), box.y + box.h - 14 * rows + 8
    parts = []
    for index, (ref, name, _) in enumerate(curves[:LEGENDS]):
        x = box.x + 4 + (index % columns) * (box.w / columns)
        y = top + 14 * (index // columns)
        fill = "#D55E00" if ref in limits else colours.get(name, PALETTE[index % len(PALETTE)])
        parts += [rect(x, y - 6, 10, 4, fill), text(x + 14, y, name, size=10, fill=FAINT)]
    return "".join(parts)


def _places(
    drawn: Drawn, box: Box, least: float, most: float
) -> Callable[[float, float], tuple[float, float]]:
    begin, end = drawn.span
    height = (most - least) or 1.0

    def place(at: float, value: float) -> tuple[float, float]:
        x = box.x + box.w * (at - begin) / (end - begin)
        return x, box.y + box.h * (1 - (value - least) / height)

    return place


def _axes(drawn: Drawn, box: Box, least: float, most: float, unit: str) -> str:
    place = _places(drawn, box, least, most)
    parts = []
    for tick in ticks(least, most):
        _, y = place(drawn.span[0], tick)
        parts.append(line(box.x, y, box.x + box.w, y, GRID))
        words = written(tick, unit, 0)
        parts.append(text(box.x - 4, y + 4, words, size=10, fill=FAINT, anchor="end"))
    return "".join(parts) + _hours(drawn, box)


def _hours(drawn: Drawn, box: Box) -> str:
    begin, end = drawn.span
    minutes = (end - begin) / 60
    parts = []
    for part in range(5):
        x = box.x + box.w * part / 4
        words = f"-{minutes * (1 - part / 4):.3g} min" if part < 4 else "now"
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        parts.append(text(x, box.y + box.h + 13, words, size=10, fill=FAINT, anchor=anchor))
    return "".join(parts)


def heatmap(drawn: Drawn, box: Box) -> str:
    """Buckets from below upwards; what each holds beyond the one below it."""
    rows = sorted(
        (math.inf if one["metric"]["le"] == "+Inf" else float(one["metric"]["le"]), one["values"])
        for one in drawn.answers["A"]["curve"]
    )
    unit = drawn.panel["options"]["yAxis"]["unit"]
    plot = Box(box.x + 52, box.y + 4, box.w - 56, box.h - 26)
    height = plot.h / max(len(rows), 1)
    columns = 60
    own: list[list[float]] = []
    below: dict[float, float] = {}
    for _, values in rows:
        own.append([0.0] * columns)
        upto = {at: float(value) for at, value in values if math.isfinite(float(value))}
        for at, number in upto.items():
            place = min(columns - 1, int(columns * (at - drawn.span[0]) / _length(drawn)))
            if place >= 0:
                own[-1][place] = max(own[-1][place], number - below.get(at, 0.0))
        below = upto
    most = max((value for row in own for value in row), default=0.0) or 1.0
    parts = [rect(plot.x, plot.y, plot.w, plot.h, "#f6f7f8")]
    for index, row in enumerate(own):
        y = plot.y + plot.h - (index + 1) * height
        bound = "more" if rows[index][0] == math.inf else written(rows[index][0], unit)
        parts.append(text(plot.x - 4, y + 4, bound, size=9, fill=FAINT, anchor="end"))
        for column, value in enumerate(row):
            if value > SHOWN_FROM:
                shade = _viridis((value / most) ** 0.5)
                x = plot.x + plot.w * column / columns
                parts.append(rect(x, y, plot.w / columns, height, shade))
    return "".join(parts) + _hours(drawn, plot)


def _length(drawn: Drawn) -> float:
    return drawn.span[1] - drawn.span[0]


def _viridis(share: float) -> str:
    stops = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
    place = min(share, 1.0) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    mixed = [
        round(a + (b - a) * (place - low)) for a, b in zip(stops[low], stops[low + 1], strict=True)
    ]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def timeline(drawn: Drawn, box: Box) -> str:
    """A band for each series while it has a value."""
    curves = list(drawn.curves())
    if not curves:
        return text(box.x + box.w / 2, box.y + box.h / 2, "no data", fill=NO_DATA, anchor="middle")
    name_width = min(260.0, box.w * 0.45)
    plot = Box(box.x + name_width, box.y, box.w - name_width, box.h - 18)
    height = min(24.0, plot.h / len(curves))
    wide = plot.w / 120
    parts = []
    for index, (_, name, points) in enumerate(curves):
        y = plot.y + index * height
        parts.append(text(plot.x - 6, y + height / 2 + 4, name, size=10, anchor="end"))
        for at, value in points:
            x = plot.x + plot.w * (at - drawn.span[0]) / _length(drawn)
            width = min(wide + 0.3, plot.x + plot.w - x)
            if width > 0:
                parts.append(rect(x, y + 2, width, height - 4, colour(value, drawn.steps)))
    return "".join(parts) + _hours(drawn, Box(plot.x, plot.y, plot.w, plot.h))


def table(drawn: Drawn, box: Box) -> str:
    """A row for each value of the label, the largest of the sorted column first."""
    targets = drawn.panel["targets"]
    cells: dict[str, dict[str, float]] = {}
    label = "queue"
    for target in targets:
        for one in drawn.answers[target["refId"]]["now"]:
            label, key = _row(one["metric"])
            cells.setdefault(key, {})[target["legendFormat"]] = float(one["value"][1])
    sort = drawn.panel["options"]["sortBy"][0]["displayName"]
    ordered = sorted(cells, key=lambda key: -cells[key].get(sort, -math.inf))
    names = [target["legendFormat"] for target in targets]
    width = box.w / (len(names) + 1.5)
    parts = [text(box.x, box.y + 12, label, fill=FAINT, bold=600)]
    for index, name in enumerate(names):
        x = box.x + width * (index + 2.5)
        parts.append(text(x - 4, box.y + 12, name, fill=FAINT, anchor="end", bold=600))
    for row, key in enumerate(ordered):
        y = box.y + 34 + 22 * row
        parts += [line(box.x, y - 15, box.x + box.w, y - 15, GRID), text(box.x, y, key)]
        for index, name in enumerate(names):
            x = box.x + width * (index + 2.5) - 4
            parts.append(_cell(drawn, name, cells[key].get(name), x, y))
    return "".join(parts)


def _row(labels: dict[str, str]) -> tuple[str, str]:
    return next((name, value) for name, value in labels.items() if name != "__name__")


def _cell(drawn: Drawn, name: str, value: float | None, x: float, y: float) -> str:
    if value is None or not math.isfinite(value):
        return text(x, y, "-", fill=NO_DATA, anchor="end")
    given = {
        one["id"]: one["value"]
        for override in drawn.panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for one in override["properties"]
    }
    fill = colour(value, given["thresholds"]["steps"]) if given else INK
    return text(x, y, written(value, given.get("unit", "short")), fill=fill, anchor="end")


DRAWINGS: Final[dict[str, Callable[[Drawn, Box], str]]] = {
    "stat": stat,
    "bargauge": bargauge,
    "timeseries": timeseries,
    "heatmap": heatmap,
    "state-timeline": timeline,
    "table": table,
}
"""By the type of the panel."""
