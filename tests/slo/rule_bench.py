"""Rules under Prometheus' own test tool: counters go in, recorded values and alerts come out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from programs import require, run

from streams.slo.needed import Groups, needed_rules, read_by
from streams.slo.objective import Objective, load_slo
from streams.slo.rulesfile import GROUPS, rule_groups
from streams.slo.timing import STANDARD, Timing

__all__ = ["Bench", "counter"]


def counter(name: str, values: str, **labels: str) -> dict[str, str]:
    """One series in promtool's notation: `0+2x10` is 0, 2, ... 20, `_x3` three gaps."""
    labels = {"partition": "0", "instance": "a", **labels}
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"{name}{{{inside}}}", "values": values}


@dataclass
class Bench:
    """A test of promtool's, built up step by step; `check` runs it."""

    folder: Path
    objective: Objective = field(default_factory=load_slo)
    timing: Timing = STANDARD
    interval: str = "15s"
    series: list[dict[str, str]] = field(default_factory=list)
    expressions: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def feed(self, name: str, values: str, **labels: str) -> None:
        self.series.append(counter(name, values, **labels))

    def owned(self, values: str, partition: str = "0", instance: str = "a") -> None:
        """The worker `instance` owns `partition` while `values` has numbers."""
        self.feed(
            "callcenter_events_total",
            values,
            fate="applied",
            partition=partition,
            instance=instance,
        )

    def expect(self, expression: str, at: str, *values: float) -> None:
        """At that moment the expression has these values, in any labels, in this order."""
        samples = [{"labels": "{}", "value": value} for value in values]
        wrapped = f"sort(max without (queue, usefulness) ({expression}))"
        self.expressions.append({"expr": wrapped, "eval_time": at, "exp_samples": samples})

    def look(self, alert: str, at: str, *expected: dict[str, Any]) -> None:
        self.alerts.append({"alertname": alert, "eval_time": at, "exp_alerts": list(expected)})

    def check(self) -> None:
        """Run promtool; its words are the failure."""
        code, said = self.run()
        assert code == 0, said

    def run(self) -> tuple[int, str]:
        require("promtool")
        rules = {"groups": self._rules()}
        (self.folder / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
        test = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": self.interval,
            "group_eval_order": list(GROUPS),
            "tests": [
                {
                    "interval": self.interval,
                    "input_series": self.series,
                    "promql_expr_test": self.expressions,
                    "alert_rule_test": self.alerts,
                }
            ],
        }
        (self.folder / "test.yaml").write_text(yaml.safe_dump(test), encoding="utf-8")
        return run("promtool", "test", "rules", "test.yaml", cwd=self.folder)

    def _rules(self) -> Groups:
        """What is asked for and what that depends on: promtool evaluates everything it is given."""
        looks = {look["alertname"] for look in self.alerts}
        read = {name for asked in self.expressions for name in read_by(asked["expr"])}
        assert looks | read
        return needed_rules(rule_groups(self.objective, self.timing), looks | read)
