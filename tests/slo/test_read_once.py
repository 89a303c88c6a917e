"""What is exported is read once in an evaluation: a scrape may become visible at any moment."""

import re
from collections import Counter
from typing import Any

import pytest

from streams.slo.counters import (
    ARRIVALS,
    BACKLOG,
    COUNTERS,
    OUTCOMES,
    PROMISES,
    USEFULNESS,
    Family,
    family_of,
)
from streams.slo.durations import compact
from streams.slo.needed import read_by
from streams.slo.objective import load_slo
from streams.slo.rulesfile import rule_groups
from streams.slo.timing import STANDARD, Pace

FAMILIES = [
    *((family_of(promise), STANDARD.fast) for promise in PROMISES),
    (ARRIVALS, STANDARD.fast),
    (BACKLOG, STANDARD.fast),
    *((family, STANDARD.slow) for family in OUTCOMES),
    (USEFULNESS, STANDARD.slow),
]
EACH_FAMILY = pytest.mark.parametrize(
    ("family", "pace"), FAMILIES, ids=[family.name for family, _ in FAMILIES]
)


def _counting(record: str) -> list[dict[str, Any]]:
    """The recordings of the one group that has `record` among them."""
    groups = [group["rules"] for group in rule_groups(load_slo())]
    found = [rules for rules in groups if any(rule.get("record") == record for rule in rules)]
    assert len(found) == 1
    return [rule for rule in found[0] if "record" in rule]


def _read_by(name: str, rules: list[dict[str, Any]]) -> Counter[str]:
    whole = re.compile(rf"(?<![:\w]){re.escape(name)}(?![:\w])")
    return Counter(rule["record"] for rule in rules if whole.search(rule["expr"]))


@EACH_FAMILY
def test_a_counter_is_read_once_in_an_evaluation(family: Family, pace: Pace) -> None:
    """Read a second time to be held, it may be another: what lies between was in no window.

    With scrapes of up to 0.9 s every second, 2 of 111 calls were lost that way.
    """
    del pace
    for counter in (family.corrections, *family.counters):
        metrics = set(re.findall(r"\bcallcenter_\w+_total\b", counter.source or counter.metric))
        assert metrics
        for metric in metrics:
            assert _read_by(metric, _counting(counter.held)) == {counter.held: 1}


@EACH_FAMILY
def test_a_partition_is_known_for_as_long_as_its_values_are_held(
    family: Family, pace: Pace
) -> None:
    """Known for longer, without an owner after a gap of Prometheus, it would come back as new."""
    expressions = {rule["record"]: rule["expr"] for rule in _counting(family.known)}

    own = {
        name: expressions[name].rpartition(" or ")[2].replace(name, "x")
        for name in (family.known, family.counters[0].held)
    }
    assert len(set(own.values())) == 1
    carried = expressions[family.known].rpartition(" or ")[2].removesuffix(")")
    assert f"{carried} offset 1ms)" in expressions[family.counters[0].step(pace)]


@EACH_FAMILY
def test_a_value_is_carried_for_as_long_as_growth_looks_back(family: Family, pace: Pace) -> None:
    """`idelta` takes the last two there are: with none at this moment, an old growth once more."""
    expressions = {rule["record"]: rule["expr"] for rule in _counting(family.known)}
    for counter in (family.corrections, *family.counters):
        looked = re.search(r"idelta\((\S+\[\w+\])\)", expressions[counter.step(pace)])
        carried = re.search(r" or last_over_time\((\S+)\)$", expressions[counter.held])
        assert looked
        assert carried
        assert looked[1] == carried[1]


@EACH_FAMILY
def test_partitions_are_read_before_their_counters(family: Family, pace: Pace) -> None:
    """One that appears in between would count all of its past as new if it were known at once."""
    names = [rule["record"] for rule in _counting(family.known)]
    assert names[0] == family.known
    for counter in (family.corrections, *family.counters):
        assert names.index(counter.held) < names.index(counter.step(pace))


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter.name)
def test_a_running_sum_is_read_once_at_the_slow_pace(counter: Any) -> None:
    """It is of another group, which may be evaluated at any moment."""
    name = f"queue:{counter.name}:sum"
    rules = _counting(counter.step(STANDARD.slow))
    assert _read_by(name, rules) == {f"{name}_slow": 1}


def test_what_another_group_counts_is_read_when_it_has_written_it() -> None:
    """At the same moment a window would hold a step less, or an hour twice or not at all."""
    groups = {group["name"]: group["rules"] for group in rule_groups(load_slo())}
    late = f" offset {compact(STANDARD.slow.interval // 10)}"
    counted = {
        rule["record"]
        for name in ("callsla-waited", "callsla-sent-away", "callsla-answers")
        for rule in groups[name]
    }
    reading = {
        name: [rule for rule in groups[name] if set(read_by(rule["expr"])) & counted]
        for name in ("callsla-formulas", "callsla-usefulness")
    }
    assert all(reading.values())
    for rule in (rule for rules in reading.values() for rule in rules):
        for name in set(read_by(rule["expr"])) & counted:
            uses = re.findall(rf"{name}\[\w+\]{late}\)", rule["expr"])
            assert len(uses) == rule["expr"].count(name)
