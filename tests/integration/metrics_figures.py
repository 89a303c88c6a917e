"""The figures of a worker as `/metrics` tells them, in the shape in which `replay` tells them."""

import urllib.request
from collections import Counter
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["metrics_figures", "replay_figures"]

Figures = Counter[tuple[str, str, str]]
"""By queue, part and state; zeros are left out."""

_COUNTERS = {
    "callcenter_calls_offered_total": ("offered", None),
    "callcenter_calls_total": ("outcomes", "outcome"),
    "callcenter_answer_promises_total": ("answer", None),
    "callcenter_answer_promises_broken_total": ("answer broken", None),
    "callcenter_callback_promises_opened_total": ("opened", None),
    "callcenter_callback_promises_settled_total": ("callback", "state"),
    "callcenter_promises_total": ("promise", None),
    "callcenter_promises_broken_total": ("promise broken", None),
    "callcenter_answers_total": ("usefulness", "usefulness"),
    "callcenter_corrections_total": ("corrections", "to"),
}


def metrics_figures(url: str) -> Figures:
    """Return what the worker at `url` counts, summed over its partitions."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310
        families = text_string_to_metric_families(answer.read().decode())
    found: Figures = Counter()
    for family in families:
        for sample in family.samples:
            if sample.name in _COUNTERS:
                part, label = _COUNTERS[sample.name]
                state = sample.labels[label] if label else ""
                found[sample.labels["queue"], part, state] += int(sample.value)
    return +found


def replay_figures(report: dict[str, Any]) -> Figures:
    """Return the same of the report of `replay --json`."""
    found: Figures = Counter()
    for queue, figures in report["queues"].items():
        found.update({(queue, *key): number for key, number in _of_queue(figures).items()})
    return +found


def _of_queue(figures: dict[str, Any]) -> dict[tuple[str, str], int]:
    answer, callback, promise = figures["answer"], figures["callback"], figures["promise"]
    found = {
        ("offered", ""): figures["offered"],
        ("answer", ""): answer["kept"] + answer["broken"],
        ("answer broken", ""): answer["broken"],
        ("opened", ""): callback["opened"],
        ("promise", ""): promise["kept"] + promise["broken"],
        ("promise broken", ""): promise["broken"],
    }
    for part in ("outcomes", "usefulness"):
        found.update({(part, state): n for state, n in figures[part].items() if state != "open"})
    settled = {state: n for state, n in callback.items() if state not in ("opened", "open")}
    return found | {("callback", state): n for state, n in settled.items()}
