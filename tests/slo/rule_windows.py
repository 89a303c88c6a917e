"""Which pages fire within which minutes, as Prometheus' rule engine sees a stretch of a month."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from centre_months import Span, Stretch
from programs import run

from streams.slo.needed import Groups

__all__ = ["Page", "pages"]

_GOT: Final = re.compile(r"\{([^{}]*)\} ([0-9.]+E[+-][0-9]+)")
PATIENCE: Final = 7200.0
"""Seconds: a month may be played on a machine that has other things to do."""
_PAGE: Final = 'ALERTS{alertstate="firing",severity="critical"}'


@dataclass(frozen=True)
class Page:
    """An alert of a queue, or of `centre`; minutes since the month began."""

    alert: str
    place: str
    asked_from: int
    minute: int


def pages(stretch: Stretch, rules: Groups, span: Span, folder: Path) -> list[Page]:
    """Return when each page first fires within `span`.

    Raises:
        AssertionError: promtool could not play it.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": rules}), encoding="utf-8")
    (first, last), step = span, f"{stretch.step}m"
    test = {
        "interval": step,
        "input_series": [
            {"series": name, "values": " ".join(values)} for name, values in stretch.series.items()
        ],
        "promql_expr_test": [
            {
                "expr": f"min_over_time(timestamp({_PAGE})[{last - first}m:{step}])",
                "eval_time": f"{last - stretch.first}m",
                "exp_samples": [],
            }
        ],
    }
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": step,
        "group_eval_order": [group["name"] for group in rules],
        "tests": [test],
    }
    (folder / "test.yaml").write_text(yaml.dump(document, Dumper=yaml.CSafeDumper))
    code, said = run("promtool", "test", "rules", "test.yaml", cwd=folder, seconds=PATIENCE)
    assert code == 0 or "got:" in said, said
    return [
        _page(inside, first, stretch.first + round(float(value)) // 60)
        for inside, value in _GOT.findall(said)
    ]


def _page(inside: str, asked_from: int, minute: int) -> Page:
    labels = dict(re.findall(r'(\w+)="([^"]*)"', inside))
    place = labels.get("queue") or labels.get("scope") or "-"
    return Page(labels["alertname"], place, asked_from, minute)
