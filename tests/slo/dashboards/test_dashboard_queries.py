"""Every query of the dashboards has an answer, and a single number is the true one.

On real Prometheus with the shipped rules, filled by the real exporter from a simulated centre.
"""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from grafana_files import Query, queries, sent
from programs import require
from true_numbers import NUMBERS
from watched_centre import Watched, answer, watched_centre

from streams.slo.dashboards.formulas import WINDOWS
from streams.slo.objective import load_slo
from streams.slo.rulesfile import rule_groups

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

LIVE_SECONDS: Final = 25
BLIND: Final = "Blind"
"""Nobody is blind here; that the rules know the labels it asks for has its own test."""
SINGLE: Final = [query for query in queries() if query.kind in {"stat", "bargauge"}]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    require("prometheus")
    with watched_centre(tmp_path_factory.mktemp("watched"), LIVE_SECONDS) as centre:
        yield centre


@pytest.mark.parametrize("query", [q for q in queries() if q.panel != BLIND], ids=str)
def test_a_query_has_an_answer(watched: Watched, query: Query) -> None:
    """A panel that is always empty, by a wrong name or label, looks like a quiet day."""
    assert answer(watched, sent(query.expr)), sent(query.expr)


@pytest.mark.parametrize("query", SINGLE, ids=str)
def test_a_single_number_is_the_true_one(watched: Watched, query: Query) -> None:
    """To the call, against a judge that shares nothing with ledger, exporter or rules."""
    found = answer(watched, sent(query.expr))
    assert len(found) == 1, found
    wanted = NUMBERS[query.board, query.panel, query.ref](watched)
    assert float(found[0]["value"][1]) == pytest.approx(wanted, rel=1e-9, abs=1e-5)


@pytest.mark.parametrize(
    ("query", "target"),
    [(q, 3600 if "Delay" in q.panel else 10) for q in queries() if q.kind == "heatmap"],
    ids=str,
)
def test_a_heatmap_marks_the_target_and_changes_no_count(
    watched: Watched, query: Query, target: int
) -> None:
    """A bucket just above that of the target, with next to nothing in it, wherever calls are."""
    found = {
        float(row["metric"]["le"]): float(row["value"][1])
        for row in answer(watched, sent(query.expr, __rate_interval="1h"))
    }
    bounds = sorted(found)
    mark = bounds.index(target + 0.001)
    assert bounds[mark - 1] == target
    assert found[target + 0.001] - found[target] == pytest.approx(1e-6, abs=1e-9)
    asked = query.expr.partition("\nor\n")[0]
    assert len(answer(watched, sent(asked))) == len(found) - 1


@pytest.mark.parametrize("query", [q for q in queries() if q.kind == "table"], ids=str)
def test_a_column_fits_its_table(watched: Watched, query: Query) -> None:
    """Rows of several queries become one only if they have the same labels, and only those."""
    by = "partition" if query.panel == "Partitions" else "queue"
    assert {tuple(row["metric"]) for row in answer(watched, sent(query.expr))} == {(by,)}


@pytest.mark.parametrize("query", [q for q in queries() if "$queue" in q.expr], ids=str)
def test_a_query_heeds_the_queue(watched: Watched, query: Query) -> None:
    """Of a queue that does not exist there is nothing but alerts about all queues together."""
    for nobody in ({"queue": "nobody"}, {"group": "nobody"}):
        if f"${next(iter(nobody))}" not in query.expr:
            continue
        found = answer(watched, sent(query.expr, **nobody))
        of_all = "ALERTS" in query.expr
        assert [one for one in found if not of_all or "queue" in one["metric"]] == []


def test_the_numbers_are_worth_comparing(watched: Watched) -> None:
    """Where all promises are kept, many a wrong formula gives the right answer, too."""
    shares = [n for n in NUMBERS if n[1] in {"Answered in time", "Called back in time"}]
    assert shares
    assert all(0.1 < NUMBERS[name](watched) < 0.99 for name in shares)
    assert NUMBERS["callsla-promise.json", "Waiting too long", "A"](watched) > 0
    assert NUMBERS["callsla-promise.json", "Callbacks overdue", "A"](watched) > 0


def test_every_single_number_is_checked() -> None:
    """None is left out, and none is checked that is not there."""
    assert {(query.board, query.panel, query.ref) for query in SINGLE} == set(NUMBERS)


def test_every_recorded_name_is_recorded() -> None:
    """And every label that is asked of alerts is one they have."""
    rules = [rule for group in rule_groups(load_slo()) for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    asked = [sent(query.expr, window=window) for query in queries() for window in WINDOWS]
    used = {name for expr in asked for name in re.findall(r"\b(?:queue|centre):[\w:]+", expr)}
    assert used
    assert used <= recorded
    labels = {label for rule in rules if "alert" in rule for label in rule["labels"]}
    assert {"app", "promise", "blind"} <= labels
