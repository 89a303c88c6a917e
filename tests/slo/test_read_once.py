"""What is exported is read once in an evaluation: a scrape may become visible at any moment."""

import re
from collections import Counter
from typing import Any

import pytest

from streams.slo.counters import CORRECTIONS, stepped
from streams.slo.objective import load_slo
from streams.slo.rulesfile import rule_groups
from streams.slo.timing import STANDARD

PACES = pytest.mark.parametrize("pace", [STANDARD.fast, STANDARD.slow], ids=["fast", "slow"])


def _counting(level: str) -> list[dict[str, Any]]:
    """The rules of the group that records `level`."""
    groups = [group["rules"] for group in rule_groups(load_slo())]
    found = [rules for rules in groups if any(rule.get("record") == level for rule in rules)]
    assert len(found) == 1
    return [rule for rule in found[0] if "record" in rule]


@PACES
def test_a_counter_is_read_once_in_an_evaluation(pace: Any) -> None:
    """Read a second time to be remembered, it may be another: what lies between was in no window.

    With scrapes of up to 0.9 s every second, 2 of 111 calls were lost that way.
    """
    for counter in (CORRECTIONS, *stepped(pace)):
        metric = re.compile(rf"(?<![:\w]){re.escape(counter.metric)}(?!\w)")
        rules = _counting(counter.level(pace))
        read = Counter(rule["record"] for rule in rules if metric.search(rule["expr"]))
        if not counter.source:
            assert read == {counter.level(pace): 1}


@PACES
def test_partitions_are_read_before_their_counters(pace: Any) -> None:
    """One that appears in between would count all of its past as new if it were known at once."""
    names = [rule["record"] for rule in _counting(CORRECTIONS.level(pace))]
    assert names[0] == f"partition:callcenter_events:level{pace.suffix}"
    for counter in (CORRECTIONS, *stepped(pace)):
        places = [names.index(name(pace)) for name in (counter.level, counter.step, counter.memory)]
        assert places == sorted(places)
