"""The service levels that rules record are those of the ledger, formula by formula."""

from pathlib import Path

import pytest
from rule_bench import Bench

from streams.instants import DAY, HOUR
from streams.ledger import service_levels
from streams.slo.counters import CALLS
from streams.slo.counters import OUTCOMES as HALVES
from streams.slo.formulas import FORMULAS, formula
from streams.slo.names import increase
from streams.slo.timing import PERIOD

pytestmark = pytest.mark.integration

OUTCOMES = {
    "answered_in_target": 731,
    "answered_late": 53,
    "abandoned_in_target": 17,
    "abandoned_late": 29,
    "diverted": 11,
    "callback_requested": 7,
    "rejected": 5,
    "lost": 2,
}
"""Primes: no two formulas have the same value by accident."""


def test_every_formula_is_recorded_with_the_value_the_ledger_gives_it(tmp_path: Path) -> None:
    """F5 with the target as its bound, F6 without the callbacks asked for in time.

    A quiet hour weighs nothing, and a queue without calls has no level.
    """
    bench = Bench(tmp_path, interval="5m")
    bench.owned("0x60")
    for outcome, count in OUTCOMES.items():
        values = f"0x4 {count}x50"
        bench.feed("callcenter_calls_total", values, queue="sales", outcome=outcome)
        bench.feed("callcenter_calls_total", "0x60", queue="empty", outcome=outcome)
    levels = service_levels(
        OUTCOMES, short_abandoned=OUTCOMES["abandoned_in_target"], requested_in_target=0
    )
    assert {name.upper() for name in FORMULAS} == set(levels)
    for name in FORMULAS:
        level = levels[name.upper()]
        assert level is not None
        bench.expect(formula("queue", name, DAY), "4h", level)
        bench.expect(formula("centre", name, DAY), "4h", level)
    bench.check()


def test_every_outcome_is_followed_in_one_half() -> None:
    """None twice and none in neither: the formulas are made of both together."""
    followed = [state for family in HALVES for c in family.counters for state in c.states]
    assert sorted(followed) == sorted(OUTCOMES)


@pytest.mark.parametrize("length", [HOUR, DAY, PERIOD])
def test_a_correction_moves_a_call_from_one_half_to_the_other(tmp_path: Path, length: int) -> None:
    """Three who had hung up had asked for a callback: two are left there and five here."""
    bench = Bench(tmp_path, interval="5m")
    bench.owned("0x60")
    for outcome, count in (("abandoned_late", 5), ("callback_requested", 2), ("lost", 0)):
        values = f"0x44 {count}x50"
        bench.feed("callcenter_calls_total", values, queue="sales", outcome=outcome)
    moved = {"verdict": "outcome", "from": "abandoned_late", "to": "callback_requested"}
    bench.feed("callcenter_corrections_total", "_x46 3x50", queue="sales", **moved)
    name = increase("queue", CALLS.name, length)
    for outcome, count in (("abandoned_late", 2), ("callback_requested", 5), ("lost", 0)):
        bench.expect(f'max without (outcome) ({name}{{outcome="{outcome}"}})', "4h", count)
    bench.expect(f"sum({increase('centre', CALLS.name, length)})", "4h", 7)
    bench.check()
