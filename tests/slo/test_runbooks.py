"""Every query that a runbook asks for is run: on a centre with an outage each says something."""

import re
from pathlib import Path

import pytest
import yaml
from centre_days import Centre, Day
from programs import REPOSITORY, require, run

from streams.instants import MINUTE, SECOND
from streams.slo import Timing, load_slo
from streams.slo.alerts import every_alert
from streams.slo.rulesfile import GROUPS, render_rules
from streams.slo.timing import STANDARD

RUNBOOKS = (REPOSITORY / "deploy" / "runbooks.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL)
MINUTES = 45

NOTHING = re.compile(
    r"== 0$|offset 1w|prometheus_|process_|raw_dead_letters|recovery|snapshot|untrimmed|losses"
)
"""What a healthy worker of 45 minutes without a log has nothing of; it must run all the same."""


def queries() -> list[str]:
    """The indented lines of every runbook."""
    found = [line[4:] for _, text in SECTIONS for line in text.splitlines() if line[:4] == "    "]
    return sorted({*found})


def test_every_alert_has_a_runbook_with_its_four_parts() -> None:
    """Meaning, impact, diagnosis with a query, mitigation."""
    assert {name for name, _ in SECTIONS} == {
        alert.name for alert in every_alert(load_slo(), STANDARD)
    }
    for name, text in SECTIONS:
        parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        assert parts == ["Meaning", "Impact", "Diagnosis", "Mitigation"], name
        diagnosis = text.split("**Diagnosis.**")[1].split("**Mitigation.**")[0]
        assert re.search(r"^ {4}\S", diagnosis, re.MULTILINE), f"{name} has no query"


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_every_query_of_the_runbooks_runs_and_says_something(tmp_path: Path) -> None:
    """In Prometheus' engine, on what the real exporter shows of 45 minutes with an outage."""
    require("promtool")
    day = Day(MINUTES, {"sales": 5.0}, late=lambda _q, minute: 1.0 if minute > 25 else 0.1)
    series = Centre(load_slo(), day, 1_790_000_000 * SECOND).run()
    (tmp_path / "rules.yaml").write_text(render_rules(load_slo(), Timing(interval=MINUTE)))
    asked = queries()
    assert len(asked) > 40
    said = _run(tmp_path, series, asked)
    assert "parse error" not in said
    for query in asked:
        answered = _quoted(f"count({query})") in said
        assert answered or NOTHING.search(query), f"{query} says nothing"


def _quoted(expression: str) -> str:
    return 'expr: "' + expression.replace('"', '\\"') + '"'


def _run(folder: Path, series: dict[str, list[str]], asked: list[str]) -> str:
    """promtool names every expression that has a value where none was expected."""
    test = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "group_eval_order": list(GROUPS),
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": " ".join(values)} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {"expr": f"count({query})", "eval_time": f"{MINUTES - 1}m", "exp_samples": []}
                    for query in asked
                ],
            }
        ],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    return run("promtool", "test", "rules", "test.yaml", cwd=folder)[1]
