"""The figures of a stretch: sums of queues and the seven formulas of service level."""

import pytest
from feeds import BASE, event, s

from streams.ledger import (
    FORMULAS,
    Ledger,
    Rules,
    add_figures,
    figures_by_queue,
    service_levels,
)

OUTCOMES = {
    "answered_in_target": 100,
    "answered_late": 20,
    "abandoned_in_target": 7,
    "abandoned_late": 13,
    "diverted": 11,
    "callback_requested": 5,
    "rejected": 3,
    "lost": 1,
    "open": 1000,
}


def test_each_formula_of_service_level() -> None:
    """160 calls are over, 4 were given up within 5 s, 2 asked for a callback in target."""
    levels = service_levels(OUTCOMES, 4, 2)
    assert levels == {
        "F1": pytest.approx(100 / 120),
        "F2": pytest.approx(100 / 160),
        "F3": pytest.approx(100 / 133),
        "F4": pytest.approx(107 / 160),
        "F5": pytest.approx(100 / 156),
        "F6": pytest.approx(109 / 160),
        "F7": pytest.approx(100 / 140),
    }
    assert set(levels) == set(FORMULAS)


def test_nothing_of_nothing_is_no_service_level() -> None:
    """Only open calls: no formula has a value. One call is enough for one."""
    none = dict.fromkeys(OUTCOMES, 0)
    assert set(service_levels({**none, "open": 3}, 0, 0).values()) == {None}
    assert service_levels({**none, "answered_in_target": 1}, 0, 0)["F1"] == 1.0


def _ledger() -> Ledger:
    """One call each of sales answered, given up, waiting; one of help diverted."""
    ledger = Ledger(Rules())
    for one in (
        event("call.offered", 0, "a", queue="sales"),
        event("call.answered", 1, "a", answered_by="human"),
        event("call.offered", 0, "b", queue="sales"),
        event("call.abandoned", 2, "b"),
        event("call.offered", 19, "c", queue="sales"),
        event("call.offered", 5, "d", queue="help"),
        event("call.diverted", 6, "d"),
    ):
        ledger.apply(one)
    ledger.advance(BASE + s(20))
    return ledger


def test_figures_of_a_queue_have_what_is_counted_and_what_is_open() -> None:
    """Every state is named, also those that nobody had."""
    sales = figures_by_queue(_ledger())["sales"]
    assert sales == {
        "offered": 3,
        "outcomes": {
            **dict.fromkeys(OUTCOMES, 0),
            "answered_in_target": 1,
            "abandoned_in_target": 1,
            "open": 1,
        },
        "answer": {"kept": 1, "broken": 0, "excluded": 1, "open": 1},
        "callback": {
            "opened": 1,
            "kept": 0,
            "kept_by_recall": 0,
            "broken": 0,
            "late": 0,
            "unreachable": 0,
            "uncallable": 0,
            "cancelled": 0,
            "open": 1,
        },
        "promise": {"kept": 1, "broken": 0, "outside": 0, "open": 2},
        "usefulness": {"useful": 0, "useless": 0, "unknown": 0, "open": 1},
    }


def test_figures_keep_the_order_of_the_contract() -> None:
    """People read them in the order in which things happen."""
    figures = figures_by_queue(_ledger())["sales"]
    assert list(figures) == ["offered", "outcomes", "answer", "callback", "promise", "usefulness"]
    assert list(figures["outcomes"]) == list(OUTCOMES)
    assert list(figures["callback"])[:5] == ["opened", "kept", "kept_by_recall", "broken", "late"]


def test_added_figures_are_the_sums() -> None:
    """Sales, help, and sales once more."""
    parts = figures_by_queue(_ledger())
    total = add_figures([parts["sales"], parts["help"], parts["sales"]])
    assert total["offered"] == 7
    for name in ("outcomes", "answer", "callback", "promise", "usefulness"):
        assert total[name] == {
            state: 2 * number + parts["help"][name][state]
            for state, number in parts["sales"][name].items()
        }
    assert add_figures([])["offered"] == 0


def test_a_call_of_a_new_queue_is_open_before_it_is_judged() -> None:
    """Before the first tick nothing is counted and no queue has a label, but the calls are there;
    after it they stand under their queues."""
    ledger = Ledger(Rules())
    ledger.apply(event("call.offered", 0, "a"))
    ledger.apply(event("call.offered", 0, "b", queue="sales"))
    ledger.apply(event("call.ended", 0, "orphan", queue="sales"))
    assert _offered(ledger) == {"__none__": 2}
    ledger.advance(BASE + s(1))
    assert _offered(ledger) == {"__none__": 1, "sales": 1}
    figures = figures_by_queue(ledger)
    assert figures["sales"]["outcomes"]["open"] == figures["sales"]["promise"]["open"] == 1


def _offered(ledger: Ledger) -> dict[str, int]:
    return {label: part["offered"] for label, part in figures_by_queue(ledger).items()}
