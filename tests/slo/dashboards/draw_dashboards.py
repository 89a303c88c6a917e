"""Draw every dashboard from what a real Prometheus answers to its queries.

    python tests/slo/dashboards/draw_dashboards.py --minutes 25 --to deploy/grafana/pictures

watches a simulated centre for so long, an outage in the middle, and then draws. The answers can be
kept (`--answers FILE`) and drawn again without watching (`--minutes 0`). Not Grafana: its layout,
units and thresholds by a few functions of our own.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

for _folder in ("integration", "ledger", "metrics"):
    sys.path.append(str(Path(__file__).parents[2] / _folder))

from grafana_files import BOARDS  # noqa: E402
from panel_drawings import DRAWINGS, Box, Drawn  # noqa: E402
from recorded_answers import record  # noqa: E402
from svg import FAINT, rect, text  # noqa: E402

__all__ = ["picture"]

COLUMN: Final = 50
UNIT: Final = 30
HEAD: Final = 56
GAP: Final = 6
LABEL: Final = (
    "Drawn from query results, not a Grafana screenshot. A simulated centre with an outage, the "
    "real exporter and the shipped rules, watched by Prometheus for {minutes:g} minutes."
)


def picture(name: str, kept: dict[str, Any]) -> str:
    """Return the dashboard of that file as SVG."""
    board = BOARDS[name]
    high = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    width, height = 24 * COLUMN, HEAD + high * UNIT + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="Helvetica, Arial, sans-serif" role="img" aria-label="{board["title"]}">',
        rect(0, 0, width, height, "#eef0f2"),
        text(12, 24, board["title"], size=18, bold=600),
        text(12, 44, LABEL.format(minutes=kept["minutes"]), size=12, fill=FAINT),
    ]
    parts += [_panel(name, panel, kept) for panel in board["panels"]]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(name: str, panel: dict[str, Any], kept: dict[str, Any]) -> str:
    at = panel["gridPos"]
    x, y = at["x"] * COLUMN, HEAD + at["y"] * UNIT
    if panel["type"] == "row":
        return text(x + 12, y + 20, panel["title"], size=13, bold=600)
    w, h = at["w"] * COLUMN - GAP, at["h"] * UNIT - GAP
    board = name.removesuffix(".json")
    answers = {
        target["refId"]: kept["answers"][f"{board}: {panel['title']} {target['refId']}"]
        for target in panel["targets"]
    }
    times = [
        float(at) for one in kept["answers"].values() for c in one["curve"] for at, _ in c["values"]
    ]
    drawn = Drawn(panel, answers, (min(times), max(times)))
    frame = rect(x + 3, y, w, h, "#fff", ' rx="3" stroke="#d8dde1"')
    title = text(x + 12, y + 17, panel["title"], size=12, bold=600)
    inside = Box(x + 12, y + 26, w - 20, h - 34)
    return frame + title + DRAWINGS[panel["type"]](drawn, inside)


def main() -> None:
    """Watch, keep, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--answers", type=Path, default=Path("dashboard-answers.json"))
    parser.add_argument("--to", type=Path, required=True)
    given = parser.parse_args()
    if given.minutes:
        record(given.minutes, given.answers)
    kept = json.loads(given.answers.read_text(encoding="utf-8"))
    given.to.mkdir(parents=True, exist_ok=True)
    for name in BOARDS:
        file = given.to / f"{name.removesuffix('.json')}.svg"
        file.write_text(picture(name, kept), encoding="utf-8")
        print(file, file.stat().st_size)


if __name__ == "__main__":
    main()
