"""The reference of all metrics, generated from their names."""

from collections.abc import Iterator
from typing import Any

from streams.metrics.metric import Metric
from streams.metrics.names import METRICS

__all__ = ["as_json", "as_markdown"]


def as_json() -> list[dict[str, Any]]:
    """Return every metric as a plain object."""
    return [
        {
            "name": metric.name,
            "kind": metric.kind,
            "labels": _labels(metric),
            "unit": metric.unit or None,
            "help": metric.help,
            "question": metric.question,
            "series": {"count": metric.each, "per": metric.per},
        }
        for metric in METRICS
    ]


def as_markdown() -> str:
    """Return the reference as a Markdown table, one row a metric."""
    head = "| metric | kind | labels | question it answers | meaning | series |"
    return "\n".join([head, "|---|---|---|---|---|---|", *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in _labels(metric))
        cells = (
            f"`{metric.name}`",
            metric.kind,
            labels,
            metric.question,
            metric.help,
            f"{metric.each} per {metric.per}",
        )
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _labels(metric: Metric) -> list[str]:
    return [*metric.labels, *(["le"] if metric.kind == "histogram" else [])]
