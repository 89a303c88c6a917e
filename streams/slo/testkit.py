"""What tests for `promtool test rules` are written with: series, looks and expected alerts."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from streams.slo.alert import RUNBOOK
from streams.slo.durations import compact
from streams.slo.objective import Objective

__all__ = [
    "CASES",
    "MEANINGLESS",
    "QUEUE",
    "Case",
    "Expected",
    "Series",
    "as_objective_has_it",
    "expected",
    "go_duration",
    "held",
    "owned",
    "queue_alert",
    "scene",
    "total",
]

QUEUE: Final = "sales"

Case = Literal["fires", "just below", "low traffic", "reset", "ends"]
CASES: Final[tuple[Case, ...]] = ("fires", "just below", "low traffic", "reset")
"""What each alert is tried with: above and just below its limit, when hardly anything happens, and
when a worker has begun anew."""

_NO_CALLS: Final = "it asks whether the worker is well; no count of calls is in it"
_ALWAYS: Final = "it has no limit and reads nothing: it always fires"
MEANINGLESS: Final[dict[str, dict[Case, str]]] = {
    "Watchdog": {"just below": _ALWAYS, "reset": _ALWAYS},
    "WorkerDown": {"low traffic": _NO_CALLS},
    "WorkerNotReady": {"low traffic": _NO_CALLS},
    "WorkerStalled": {"low traffic": _NO_CALLS},
    "SnapshotOld": {"low traffic": _NO_CALLS},
    "CountsIncomplete": {"low traffic": _NO_CALLS},
}
"""Cases that an alert has none of, with the reason."""

Series = dict[str, str]
Expected = dict[str, Any]


def total(metric: str, values: str, **labels: str) -> Series:
    """A counter of the queue in partition 0 of worker `a`."""
    return held(metric, values, queue=QUEUE, partition="0", instance="a", **labels)


def held(metric: str, values: str, **labels: str) -> Series:
    """A series with these labels; `values` as promtool has them."""
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {"series": f"{metric}{{{inside}}}", "values": values}


def owned(count: int) -> Series:
    """Worker `a` owns partition 0 for `count` steps: growth is counted from the second on."""
    return held(
        "callcenter_events_total", f"0x{count}", fate="applied", partition="0", instance="a"
    )


def expected(name: str, severity: str, summary: str, words: str, **labels: str) -> Expected:
    """An alert as it is to be."""
    return {
        "exp_labels": {"severity": severity, "app": "callsla", **labels},
        "exp_annotations": {
            "summary": summary,
            "description": words,
            "runbook_url": f"{RUNBOOK}#{name.lower()}",
        },
    }


def queue_alert(
    name: str, severity: str, promise: str, summary: str, words: str, budget: str | None = None
) -> Expected:
    """An alert about a promise to the callers of the queue."""
    labels = {"promise": promise, "scope": "queue", "queue": QUEUE}
    alert = expected(name, severity, f"Queue {QUEUE}: {summary}", words, **labels)
    if budget is not None:
        alert["exp_annotations"]["budget"] = budget
    return alert


def scene(
    step: int,
    case: Case | tuple[Case, ...],
    title: str,
    series: Iterable[Series],
    name: str,
    looks: Iterable[tuple[int, list[Expected]]],
) -> dict[str, Any]:
    """One test: at each look (in steps of `step` microseconds) exactly these alerts fire.

    One that plays a week is several cases at once.
    """
    cases = case if isinstance(case, str) else ", ".join(case)
    return {
        "name": f"{name}, {cases}: {title}",
        "interval": compact(step),
        "input_series": list(series),
        "alert_rule_test": [
            {"eval_time": compact(at * step), "alertname": name, "exp_alerts": alerts}
            for at, alerts in looks
        ],
    }


def go_duration(seconds: int) -> str:
    """Return whole seconds as Prometheus' `humanizeDuration` writes them."""
    if seconds < 60:
        return f"{seconds}s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h {minutes}m {rest}s"
    return f"{hours}h {minutes}m {rest}s" if hours else f"{minutes}m {rest}s"


def as_objective_has_it(objective: Objective, tests: Iterable[dict[str, Any]]) -> list[Any]:
    """Return `tests` with the severity, owner and links that `objective` names."""
    written = list(tests)
    for test in written:
        for look in test["alert_rule_test"]:
            for alert in look["exp_alerts"]:
                _adapt(objective, look["alertname"], alert["exp_labels"], alert["exp_annotations"])
    return written


def _adapt(objective: Objective, name: str, labels: dict[str, str], notes: dict[str, str]) -> None:
    labels["severity"] = objective.severities.get(name, labels["severity"])
    if objective.owner:
        labels["owner"] = objective.owner
    notes["runbook_url"] = f"{objective.links.runbooks}#{name.lower()}"
    if not objective.links.dashboards:
        return
    if labels.get("scope") == "queue":
        board = "callbacks" if labels["promise"] == "callback" else "queue"
        asked = f"callsla-{board}?var-queue={labels['queue']}"
    else:
        asked = f"callsla-{'promise' if 'promise' in labels else 'worker'}?orgId=1"
    notes["dashboard_url"] = f"{objective.links.dashboards}/d/{asked}&from=now-6h&to=now"
