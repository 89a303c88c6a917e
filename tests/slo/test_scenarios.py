"""Scenarios of a centre: what should be found is found in time, and nothing else pages.

All of them, with longer times, are in `tests/slo/scenarios.py`; RESULTS.md has the table.
"""

from pathlib import Path

import pytest
from programs import require
from scenarios import SCENARIOS, play, verdicts

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CHOSEN = ("outage of 5", "night", "lagging", "down", "closed", "after summer")
QUICK = [each for each in SCENARIOS if any(words in each.name for words in CHOSEN)]


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_a_scenario_is_told_as_it_should(scenario: object, tmp_path: Path) -> None:
    """In Prometheus' rule engine, on what the real exporter shows of the real ledger."""
    require("promtool")
    found, centre = play(scenario, tmp_path)  # type: ignore[arg-type]
    assert verdicts(scenario, found) == []  # type: ignore[arg-type]
    assert centre.offered > 0


def test_a_call_of_a_closed_day_is_counted_all_the_same(tmp_path: Path) -> None:
    """None of them is told, each of them is counted as broken."""
    require("promtool")
    (closed,) = (each for each in SCENARIOS if each.name.startswith("closed day"))
    _, centre = play(closed, tmp_path)
    broken = [
        int(float(values[-1]))
        for name, values in centre.series.items()
        if name.startswith("callcenter_answer_promises_broken_total")
    ]
    # Those of the last minute and a half are not decided at the last scrape.
    assert centre.broken - 60 <= sum(broken) <= centre.broken
