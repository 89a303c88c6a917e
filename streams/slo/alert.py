"""An alert rule, and what alerts have in common."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from streams.instants import MINUTE, SECOND
from streams.slo.durations import compact
from streams.slo.names import opening
from streams.slo.objective import Objective

__all__ = ["KEEP", "MANY", "RUNBOOK", "Alert", "Severity", "unless_a_queue_says_so", "while_open"]

RUNBOOK: Final = "deploy/runbooks.md"
KEEP: Final = 2 * MINUTE
"""How long an alert stays after its condition is gone, so that it does not flap."""
MANY: Final = 3
"""So many queues with the same alert are told as one centre."""

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
    budget: str = ""
    """what is left of the budget, in words"""

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
            **({"budget": self.budget} if self.budget else {}),
            "runbook_url": f"{RUNBOOK}#{self.name.lower()}",
        }
        return rule

    def under(self, objective: Objective) -> dict[str, Any]:
        """Return the rule with the severity, the owner and the links that `objective` names."""
        rule: dict[str, Any] = self.as_rule()
        labels, notes, links = rule["labels"], rule["annotations"], objective.links
        labels["severity"] = objective.severities.get(self.name, self.severity)
        if objective.owner:
            labels["owner"] = objective.owner
        notes["runbook_url"] = f"{links.runbooks}#{self.name.lower()}"
        if links.dashboards:
            notes["dashboard_url"] = f"{links.dashboards}/d/{self._board()}&from=now-6h&to=now"
        return rule

    def _board(self) -> str:
        """The dashboard that shows most of it; queue names are made fit for an address."""
        if self.labels.get("scope") == "queue":
            name = "callbacks" if self.labels.get("promise") == "callback" else "queue"
            return f"callsla-{name}?var-queue={{{{ $labels.queue | urlquery }}}}"
        return f"callsla-{'promise' if 'promise' in self.labels else 'worker'}?orgId=1"


def unless_a_queue_says_so(level: str, name: str, expression: str, also: str = "") -> str:
    """What one queue's alert already tells is not told once more for all queues.

    If it is `MANY` queues, it is the centre, and Alertmanager then keeps the queues quiet. `also`
    narrows the alerts of queues down by further labels.
    """
    if level == "queue":
        return expression
    told = f'ALERTS{{alertname="{name}",scope="queue"{also},alertstate="firing"}}'
    return f"({expression})\nunless on () (count({told}) < {MANY})"


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
