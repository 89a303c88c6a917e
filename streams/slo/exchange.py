"""The objective in the formats of other tools: one way, and without what they cannot express.

None of them knows a minimum count, a cap, opening hours, blindness or deadlines. Their alerts are
therefore not asked for; ours stand beside.
"""

from typing import Any, Final

from streams.slo.counters import PROMISES, Counter, Promise
from streams.slo.durations import brief, compact
from streams.slo.objective import Objective
from streams.slo.recordings import default_objective
from streams.slo.rulesfile import HEADER, dump
from streams.slo.timing import PERIOD

__all__ = ["FORMATS", "export_slo"]

SERVICE: Final = "call-centre"
FORMATS: Final = ("openslo", "sloth", "pyrra")


def export_slo(objective: Objective, form: str) -> str:
    """Return the three promises as `form` has it, one of `FORMATS`; several YAML documents.

    Raises:
        KeyError: an unknown format.
    """
    documents = {"openslo": _openslo, "sloth": _sloth, "pyrra": _pyrra}[form](objective)
    return HEADER + "---\n".join(dump(document) for document in documents)


def _words(promise: Promise, objective: Objective) -> str:
    answer, callback = objective.promises.answer, objective.promises.callback
    return {
        "answer": f"Calls are answered by a human within {brief(answer.target)}.",
        "callback": f"Who was not answered is called back within {brief(callback.target)}.",
        "whole": "Customers are answered in time, or else called back in time.",
    }[promise.key]


def _level(counter: Counter) -> str:
    """Each partition once: while it moves two workers may show it."""
    return f"sum(max by (partition, queue) ({counter.metric}))"


def _openslo(objective: Objective) -> list[dict[str, Any]]:
    service = {
        "apiVersion": "openslo/v1",
        "kind": "Service",
        "metadata": {"name": SERVICE},
        "spec": {"description": "A call centre's promises to its customers."},
    }
    return [service, *(_openslo_of(promise, objective) for promise in PROMISES)]


def _openslo_of(promise: Promise, objective: Objective) -> dict[str, Any]:
    def source(counter: Counter) -> dict[str, Any]:
        return {"metricSource": {"type": "Prometheus", "spec": {"query": _level(counter)}}}

    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": f"callsla-{promise.key}"},
        "spec": {
            "description": _words(promise, objective),
            "service": SERVICE,
            "budgetingMethod": "Occurrences",
            "timeWindow": [{"duration": compact(PERIOD), "isRolling": True}],
            "objectives": [{"target": default_objective(promise, objective)}],
            "indicator": {
                "metadata": {"name": f"callsla-{promise.key}-broken"},
                "spec": {
                    "ratioMetric": {
                        "counter": True,
                        "bad": source(promise.broken),
                        "total": source(promise.decided),
                    }
                },
            },
        },
    }


def _sloth(objective: Objective) -> list[dict[str, Any]]:
    return [
        {
            "version": "prometheus/v1",
            "service": SERVICE,
            "slos": [_sloth_of(promise, objective) for promise in PROMISES],
        }
    ]


def _sloth_of(promise: Promise, objective: Objective) -> dict[str, Any]:
    return {
        "name": promise.key,
        "objective": _percent(promise, objective),
        "description": _words(promise, objective),
        "sli": {
            "events": {
                "error_query": _sloth_query(promise.broken),
                "total_query": _sloth_query(promise.decided),
            }
        },
        "alerting": {"page_alert": {"disable": True}, "ticket_alert": {"disable": True}},
    }


def _sloth_query(counter: Counter) -> str:
    return f"sum(max by (partition, queue) (rate({counter.metric}[{{{{.window}}}}])))"


def _percent(promise: Promise, objective: Objective) -> float:
    return round(100 * default_objective(promise, objective), 6)


def _pyrra(objective: Objective) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "pyrra.dev/v1alpha1",
            "kind": "ServiceLevelObjective",
            "metadata": {"name": f"callsla-{promise.key}"},
            "spec": {
                "target": f"{_percent(promise, objective):g}",
                "window": compact(PERIOD),
                "description": _words(promise, objective),
                "indicator": {
                    "ratio": {
                        "errors": {"metric": promise.broken.metric},
                        "total": {"metric": promise.decided.metric},
                    }
                },
                "alerting": {"disabled": True},
            },
        }
        for promise in PROMISES
    ]
