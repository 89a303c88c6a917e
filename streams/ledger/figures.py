"""The figures of a stretch of time: outcomes, promises, usefulness and service levels."""

from collections.abc import Iterable
from typing import Any, Final

from streams.ledger.calls import ANSWERED, Call
from streams.ledger.changes import NONE
from streams.ledger.customers import Customer
from streams.ledger.ledger import Ledger
from streams.ledger.totals import OUTCOMES, VERDICTS, QueueTotals

__all__ = ["FORMULAS", "add_figures", "figures_by_queue", "service_levels"]

FORMULAS: Final[dict[str, str]] = {
    "F1": "answered in target / answered",
    "F2": "answered in target / offered",
    "F3": "answered in target / (answered + abandoned late)",
    "F4": "(answered + abandoned in target) / offered",
    "F5": "answered in target / (offered - abandoned within 5 s)",
    "F6": "left the queue in target / offered",
    "F7": "(answered - answered late) / (answered + abandoned)",
}
"""The seven definitions of service level in use (call-centre literature and vendors' manuals).

Of the calls offered only those that are over count: an open one is in no numerator yet.
"""

_UNDECIDED: Final = (None, NONE)


def figures_by_queue(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return the counted and still open verdicts of every queue label, corrections applied.

    A call that no tick has judged yet is open under `__none__` if its queue is new.
    """
    labels = dict.fromkeys(ledger.totals.queues)
    labels.update(dict.fromkeys(_label(ledger, call) for call in _started(ledger)))
    figures = {label: _counted(ledger.totals.queues.get(label)) for label in labels}
    for call in _started(ledger):
        _add_open(figures[_label(ledger, call)], call)
    for held in ledger.book.callers.by_key.values():
        for promise in held.promises if isinstance(held, Customer) else ():
            figures[promise.label]["callback"]["open"] += promise.state in _UNDECIDED
    for part in figures.values():
        part["offered"] = sum(part["outcomes"].values())
    return figures


def add_figures(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the sum of several figures of this module."""
    total = _counted(None)
    for part in parts:
        total["offered"] += part["offered"]
        for name in ("outcomes", "answer", "callback", "promise", "usefulness"):
            for state, number in part[name].items():
                total[name][state] += number
    return total


def service_levels(
    outcomes: dict[str, int], short_abandoned: int, requested_in_target: int
) -> dict[str, float | None]:
    """Return `FORMULAS` from the outcomes of calls that are over; None for no calls.

    `short_abandoned` are the calls abandoned within 5 s, `requested_in_target` the ones in
    which the customer asked for a callback within the target.
    """
    in_target, late = outcomes["answered_in_target"], outcomes["answered_late"]
    answered = in_target + late
    gave_up, gave_up_late = outcomes["abandoned_in_target"], outcomes["abandoned_late"]
    offered = sum(number for state, number in outcomes.items() if state != "open")
    return {
        "F1": _ratio(in_target, answered),
        "F2": _ratio(in_target, offered),
        "F3": _ratio(in_target, answered + gave_up_late),
        "F4": _ratio(in_target + gave_up, offered),
        "F5": _ratio(in_target, offered - short_abandoned),
        "F6": _ratio(in_target + gave_up + requested_in_target, offered),
        "F7": _ratio(in_target, answered + gave_up + gave_up_late),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _started(ledger: Ledger) -> Iterable[Call]:
    return (call for call in ledger.book.calls.values() if call.arrival)


def _label(ledger: Ledger, call: Call) -> str:
    return call.label or ledger.totals.shown(call.queue)


def _counted(totals: QueueTotals | None) -> dict[str, Any]:
    def states(verdict: str) -> dict[str, int]:
        if totals is None:
            return dict.fromkeys(VERDICTS[verdict], 0)
        return {state: totals.truth(verdict, state) for state in VERDICTS[verdict]}

    callback = {**states("opened"), **states("callback"), **states("late"), "open": 0}
    order = ("opened", "kept", "kept_by_recall", "broken", "late")
    return {
        "offered": 0,
        "outcomes": {**{name: states("outcome")[name] for name in OUTCOMES}, "open": 0},
        "answer": {**states("answer"), "open": 0},
        "callback": {**{name: callback[name] for name in order}, **callback},
        "promise": {**states("promise"), "open": 0},
        "usefulness": {**states("usefulness"), "open": 0},
    }


def _add_open(figures: dict[str, Any], call: Call) -> None:
    figures["outcomes"]["open"] += call.outcome in _UNDECIDED
    figures["answer"]["open"] += call.answer in _UNDECIDED
    figures["promise"]["open"] += call.promise in _UNDECIDED
    if call.outcome in ANSWERED:
        figures["usefulness"]["open"] += call.usefulness in _UNDECIDED
