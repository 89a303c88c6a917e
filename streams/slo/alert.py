"""An alert rule, and what alerts have in common."""

from dataclasses import dataclass, field
from typing import Final, Literal

from streams.instants import MINUTE, SECOND
from streams.slo.durations import compact
from streams.slo.names import opening
from streams.slo.objective import Objective

__all__ = ["KEEP", "RUNBOOK", "Alert", "Severity", "unless_a_queue_says_so", "while_open"]

RUNBOOK: Final = "deploy/runbooks.md"
KEEP: Final = 2 * MINUTE
"""How long an alert stays after its condition is gone, so that it does not flap."""

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert rule. `waits` and `keeps` in microseconds."""

    name: str
    severity: Severity
    expression: str
    summary: str
    description: str
    waits: int = 0
    keeps: int = 0
    labels: dict[str, str] = field(default_factory=dict)

    def as_rule(self) -> dict[str, object]:
        """Return the rule as Prometheus has it."""
        rule: dict[str, object] = {"alert": self.name, "expr": self.expression}
        if self.waits:
            rule["for"] = compact(self.waits)
        if self.keeps:
            rule["keep_firing_for"] = compact(self.keeps)
        rule["labels"] = {"severity": self.severity, "app": "callsla", **self.labels}
        rule["annotations"] = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{RUNBOOK}#{self.name.lower()}",
        }
        return rule


def unless_a_queue_says_so(level: str, name: str, expression: str, also: str = "") -> str:
    """What one queue's alert already tells is not told once more for all queues.

    `also` narrows the alerts of queues down by further labels.
    """
    if level == "queue":
        return expression
    told = f'ALERTS{{alertname="{name}",scope="queue"{also},alertstate="firing"}}'
    return f"({expression})\nunless on () {told}"


def while_open(objective: Objective, level: str, expression: str, since: int = 0) -> str:
    """Nothing pages about a queue that is closed, or that opened less than `since` ago.

    `since` is the short window of an alert: it then holds no call of the closed hours. What is
    closed is worked out by the worker, which knows time zones and holidays; without a worker its
    last word counts until the time of opening that it named.
    """
    if not objective.has_calendar:
        return expression
    by = "queue" if level == "queue" else ""
    earlier = f" - {since / SECOND:g}" if since else ""
    return f"({expression})\nunless on ({by}) ({opening(level)} > time(){earlier})"
