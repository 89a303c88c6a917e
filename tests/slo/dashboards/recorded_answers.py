"""What Prometheus answers to every query of the dashboards, kept for drawing."""

import json
import tempfile
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from grafana_files import queries, sent
from watched_centre import Watched, answer, watched_centre

from streams.instants import SECOND

__all__ = ["record"]

POINTS: Final = 120
SHOWN: Final = 12
"""Seconds that a scrape and an evaluation take together."""
AS_SHOWN: Final = {"window": "1h", "__rate_interval": "1m"}
"""The variables as a dashboard has them when it is opened."""


def record(minutes: float, file: Path) -> None:
    """Watch a centre with an outage for so long and write all answers to `file`."""
    with (
        tempfile.TemporaryDirectory(prefix="callsla-") as folder,
        watched_centre(
            Path(folder),
            minutes * 60,
            calls_per_hour=3_000,
            outage_after=minutes * 60 / 4,
            interval=5 * SECOND,
        ) as watched,
    ):
        answers = {str(query): _answers(watched, query.expr, minutes) for query in queries()}
    kept = {"minutes": minutes, "end": watched.at, "answers": answers}
    file.write_text(json.dumps(kept), encoding="utf-8")


def _answers(watched: Watched, expr: str, minutes: float) -> dict[str, Any]:
    asked = sent(expr, **AS_SHOWN)
    # When everything had just stopped: afterwards nothing moves any more but the clock.
    watched = replace(watched, at=watched.centre.now / SECOND + SHOWN)
    return {"now": answer(watched, asked), "curve": _curve(watched, asked, minutes)}


def _curve(watched: Watched, expr: str, minutes: float) -> list[dict[str, Any]]:
    end = watched.at
    asked = {
        "query": expr,
        "start": f"{end - minutes * 60:.3f}",
        "end": f"{end:.3f}",
        "step": f"{minutes * 60 / POINTS:.3f}",
    }
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"{watched.url}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
    with direct.open(url, timeout=60) as response:
        result: list[dict[str, Any]] = json.load(response)["data"]["result"]
    return result
