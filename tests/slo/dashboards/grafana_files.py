"""Dashboards as Grafana reads them, and their queries as it would send them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from streams.slo.dashboards import render_dashboards
from streams.slo.objective import load_slo

__all__ = ["BOARDS", "Query", "panels", "queries", "sent"]

BOARDS: Final[dict[str, dict[str, Any]]] = {
    name: json.loads(text) for name, text in render_dashboards(load_slo()).items()
}

VALUES: Final = {
    "queue": ".*",
    "group": ".*",
    "window": "1d",
    "__rate_interval": "30s",
    "__range": "1h",
}


@dataclass(frozen=True)
class Query:
    """One query of one panel, or of an annotation (`kind` "annotation")."""

    board: str
    panel: str
    kind: str
    ref: str
    expr: str
    legend: str
    is_instant: bool = False
    """asked for the moment alone"""
    least_step: str = ""
    """how far points of a curve are apart at least, as `5m`"""

    def __str__(self) -> str:
        return f"{self.board.removesuffix('.json')}: {self.panel} {self.ref}"


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries() -> list[Query]:
    """Return every query of every dashboard."""
    return [query for name in BOARDS for query in (*_of_panels(name), *_of_annotations(name))]


def _of_panels(name: str) -> Iterator[Query]:
    for panel in panels(BOARDS[name]):
        for target in panel["targets"]:
            yield Query(
                name,
                panel["title"],
                panel["type"],
                target["refId"],
                target["expr"],
                target["legendFormat"],
                target.get("instant", False),
                panel.get("interval", ""),
            )


def _of_annotations(name: str) -> Iterator[Query]:
    for annotation in BOARDS[name]["annotations"]["list"]:
        yield Query(name, annotation["name"], "annotation", "Anno", annotation["expr"], "")


def sent(expr: str, **values: str) -> str:
    """Return the query with every variable filled in, all queues if nothing else is said."""
    known = {**VALUES, **values}
    text = re.sub(r"\$\{?(__)?([a-z_]+)\}?", lambda m: known[(m[1] or "") + m[2]], expr)
    assert "$" not in re.sub(r'"\$\d[^"$]*"', "", text), text
    return text
