"""The oracle itself, on stories whose figures were worked out by hand."""

import ast
from pathlib import Path
from typing import Any

import oracle
import pytest
from feeds import BASE, event, rules_from, s
from oracle import DEFAULTS, Truth, judge

from streams.events import Event
from streams.ledger import Rules


def _judge(*events: Event, until: float | None = None, **settings: Any) -> Truth:
    return judge(list(events), settings, None if until is None else BASE + s(until))


def _some(numbers: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number}


def _human(at: float, call: str, **fields: Any) -> Event:
    return event("call.answered", at, call, answered_by="human", **fields)


def test_defaults_are_those_of_the_ledger() -> None:
    """Without settings both sides judge by the same numbers."""
    assert rules_from({}) == Rules()
    assert DEFAULTS["max_call"] == Rules().max_call


MORNING: list[Event] = [
    event("call.offered", 0, "in time", queue="sales"),
    _human(4, "in time"),
    event("call.ended", 104, "in time", ended_by="customer"),
    event("call.offered", 0, "late", queue="sales"),
    _human(30, "late"),
    event("call.ended", 200, "late", resolved=False),
    event("call.offered", 10, "quick", queue="sales", anonymous=True),
    event("call.abandoned", 13, "quick"),
    event("call.offered", 20, "slow", queue="sales", customer="ann"),
    event("call.abandoned", 45, "slow"),
    event("callback.connected", 645, customer="ann", reached="human"),
    event("call.rejected", 50, "refused", queue="help"),
    event("call.offered", 50, "refused"),
    event("call.offered", 7195, "waiting", queue="help"),
]
"""Two answered (4 s, 30 s), two given up (3 s, 25 s), one refused, one still waiting.

Ann gave up after 25 s and was called back; the refused caller was not.
"""


def test_a_morning_of_six_calls() -> None:
    """Every call has one outcome, one answer promise and one whole promise."""
    total = _judge(*MORNING, until=7200).figures()
    assert total["offered"] == 6
    assert _some(total["outcomes"]) == {
        "answered_in_target": 1,
        "answered_late": 1,
        "abandoned_in_target": 1,
        "abandoned_late": 1,
        "rejected": 1,
        "open": 1,
    }
    assert _some(total["answer"]) == {"kept": 1, "broken": 3, "excluded": 1, "open": 1}
    assert _some(total["callback"]) == {"opened": 3, "kept": 1, "uncallable": 1, "broken": 1}
    assert _some(total["promise"]) == {"kept": 2, "broken": 2, "outside": 1, "open": 1}
    assert _some(total["usefulness"]) == {"useless": 1, "unknown": 1}


def test_the_seven_formulas_of_one_morning() -> None:
    """The same six calls are 20 % or 50 %, as one likes."""
    total = _judge(*MORNING, until=7200).figures()
    assert total["wait_seconds"]["answered"] == {
        "count": 2,
        "mean": 17.0,
        "p50": 4.0,
        "p90": 30.0,
        "p99": 30.0,
        "max": 30.0,
    }
    assert total["service_level"] == {
        "F1": pytest.approx(1 / 2),
        "F2": pytest.approx(1 / 5),
        "F3": pytest.approx(1 / 3),
        "F4": pytest.approx(2 / 5),
        "F5": pytest.approx(1 / 4),
        "F6": pytest.approx(2 / 5),
        "F7": pytest.approx(1 / 4),
    }


def test_figures_of_a_queue_are_those_of_its_calls() -> None:
    """Two queues, one call each; a callback belongs to the queue of its first failure."""
    truth = _judge(
        event("call.queued", 0, "a", queue="sales", customer="ann"),
        event("call.abandoned", 20, "a"),
        event("call.queued", 100, "b", queue="help", customer="ann"),
        event("call.diverted", 130, "b"),
        until=4000,
    )
    assert truth.queues == ["help", "sales"]
    assert truth.figures("sales")["callback"]["opened"] == 1
    assert truth.figures("help")["callback"]["opened"] == 0
    assert _some(truth.figures("sales")["promise"]) == {"broken": 1}
    assert _some(truth.figures("help")["promise"]) == {"broken": 1}
    assert truth.figures("help")["outcomes"]["diverted"] == 1


def test_no_calls_have_no_service_level() -> None:
    """Nothing divided by nothing is not 100 %."""
    figures = _judge().figures()
    assert set(figures["service_level"].values()) == {None}
    assert figures["wait_seconds"]["answered"]["mean"] == 0.0


def test_nearest_rank_of_ten_waits() -> None:
    """Of 1 to 10 s the median is 5 s, the 90th percentile 9 s, the 99th 10 s."""
    events = []
    for wait in range(1, 11):
        events += [event("call.offered", 0, f"c{wait}"), _human(wait, f"c{wait}")]
    waits = _judge(*events).figures()["wait_seconds"]["answered"]
    assert (waits["mean"], waits["p50"], waits["p90"], waits["p99"]) == (5.5, 5.0, 9.0, 10.0)


def test_input_counts() -> None:
    """One duplicate, one answer after an abandonment, three orphans."""
    twice = event("call.abandoned", 5, "a")
    truth = _judge(
        event("call.offered", 0, "a"),
        twice,
        _human(6, "a"),
        twice,
        event("call.ended", 9, "never offered"),
        event("callback.requested", 9, "never offered", customer="ann"),
        event("callback.attempted", 9, "never offered"),
        event("callback.attempted", 9, "never offered", customer="ann"),
        event("callback.requested", 9, customer="ann"),
    )
    assert (truth.duplicates, truth.contradictory, truth.orphans) == (1, 1, 3)
    assert truth.figures()["callback"]["opened"] == 2


def test_one_customer_through_a_day() -> None:
    """Three failures in the first hour are one promise, a fourth after it another.

    The first is broken and made good late; the second is kept because she rang again.
    """
    truth = _judge(
        event("call.offered", 0, "a", customer="ann"),
        event("call.abandoned", 60, "a"),
        event("call.offered", 600, "b", customer="ann"),
        event("call.abandoned", 660, "b"),
        event("call.offered", 3600, "c", customer="ann"),
        event("call.abandoned", 3660, "c"),
        event("call.offered", 3700, "d", customer="ann"),
        event("call.abandoned", 3760, "d"),
        event("call.offered", 4000, "e", customer="ann"),
        _human(4002, "e"),
        event("call.ended", 4300, "e"),
    )
    first, second = truth.promises
    assert (first.opened_at, first.due_at) == (BASE + s(60), BASE + s(3660))
    assert (first.state, first.settled_at, first.late_at) == (
        "broken",
        BASE + s(3660),
        BASE + s(4002),
    )
    assert (second.opened_at, second.state) == (BASE + s(3760), "kept_by_recall")
    assert [truth.call(call).promise for call in "abcde"] == ["broken"] * 3 + ["kept"] * 2
    assert truth.call("e").usefulness == "open"


def test_answer_of_an_open_call_is_broken_at_the_deadline() -> None:
    """Before start + target it is open; at start + target it is broken though the call goes on."""
    offer = event("call.offered", 0, "a")
    assert _judge(offer, until=9.999999).call("a").answer == "open"
    waiting = _judge(offer, until=10).call("a")
    assert (waiting.outcome, waiting.answer, waiting.answer_at) == ("open", "broken", BASE + s(10))


def test_the_oracle_shares_no_code_with_the_ledger() -> None:
    """It knows the event types and nothing else of the package."""
    imported = set()
    for path in Path(oracle.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
    assert {name for name in imported if str(name).startswith("streams")} == {"streams.events"}
