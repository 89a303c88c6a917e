"""Rules that are wrong on purpose: each fault is caught, and it is said by which check.

The faults are those that generators and hands make: a comparison turned round, a label dropped, a
metric renamed, ratios averaged, a bucket that Prometheus writes otherwise, an inhibition forgotten.
"""

import re
from pathlib import Path

import pytest
import yaml
from programs import SHIPPED, require, run

from streams.metrics import BY_NAME
from streams.slo import load_slo
from streams.slo.counters import PROMISES
from streams.slo.names import ratio
from streams.slo.timing import LONG_WINDOWS, PERIOD

RULES = (SHIPPED / "callsla-rules.yaml").read_text(encoding="utf-8")
FILES = {
    "counts": ("callsla-rules.test.yaml", re.compile(r"AnswerPromiseFastBurn|CallerWaitsTooLong")),
    "days": ("callsla-period.test.yaml", re.compile(r"BudgetExhausted")),
}


def _passes(rules: str, which: str, folder: Path) -> tuple[bool, str]:
    """Whether `rules` pass those of the shipped tests that concern a few alerts: all take long."""
    require("promtool")
    name, alerts = FILES[which]
    shipped = yaml.safe_load((SHIPPED / name).read_text(encoding="utf-8"))
    shipped["tests"] = [test for test in shipped["tests"] if alerts.match(test["name"])]
    assert shipped["tests"]
    (folder / "callsla-rules.yaml").write_text(rules, encoding="utf-8")
    (folder / "test.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    code, said = run("promtool", "test", "rules", "test.yaml", cwd=folder)
    return code == 0, said


@pytest.mark.integration
@pytest.mark.parametrize("which", sorted(FILES))
def test_the_rules_as_they_are_pass(which: str, tmp_path: Path) -> None:
    """Or what follows would prove nothing."""
    passed, said = _passes(RULES, which, tmp_path)
    assert passed, said


FAULTS: dict[str, tuple[str, str, str]] = {
    "more than the cap becomes at least": ("counts", r" > 0\.5 \* ", " >= 0.5 * "),
    "at least ten becomes more than ten": ("counts", r"(increase5m) >= 10\b", r"\1 > 10"),
    "the longest wait turned round": ("counts", r"(_timestamp_seconds\)) > 600", r"\1 < 600"),
    "at the limit counts": ("counts", r"(_timestamp_seconds\)) > 600", r"\1 >= 600"),
    "the label of the queue is dropped": (
        "counts",
        r"sum by \(queue\) \(\n  \(max by \(partition, queue\) \(callcenter_answer_promises_broken",
        "sum (\n  (max by (partition, queue) (callcenter_answer_promises_broken",
    ),
    "a metric is renamed": (
        "counts",
        r"callcenter_answer_promises_broken_total",
        "callcenter_answer_broken_total",
    ),
    "a restart counts as nothing": (
        "counts",
        r" or max by \(partition, queue\) \(callcenter_answer_promises\w*\) \* 0\)",
        ")",
    ),
    "spent becomes nearly spent": (
        "days",
        r"(answer_promises_broken:increase30d) > (queue:callcenter_answer.*)\n(.*\n)(.*)< 0",
        r"\1 >= \2\n\3\4<= 0",
    ),
    "the budget is a mean of ratios": (
        "days",
        r"1 - queue:callcenter_answer_promises_broken:increase30d / .*",
        "1 - avg_over_time(queue:callcenter_answer_promises_broken_per_decided:ratio1h[30d]) * 0",
    ),
}


@pytest.mark.integration
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_does_not_pass_the_shipped_tests(fault: str, tmp_path: Path) -> None:
    """promtool fails on it: caught by the tests generated beside the rules."""
    which, pattern, instead = FAULTS[fault]
    wrong, count = re.subn(_as_written(pattern), instead, RULES)
    assert count, "the fault could not be made: the rules are written otherwise now"
    passed, _ = _passes(wrong, which, tmp_path)
    assert not passed


def _as_written(pattern: str) -> str:
    """Expressions of several lines are indented in the file."""
    return pattern.replace(r"\n", r"\n\s*")


METRIC = re.compile(r"(?<![:\w])callcenter_\w+(?![:\w])")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("callcenter_calls_offered_total", "callcenter_calls_offerd_total"),
        ("callcenter_callbacks_overdue", "callcenter_overdue_callbacks"),
    ],
)
def test_a_renamed_metric_is_no_metric_of_the_exporter(right: str, wrong: str) -> None:
    """Caught without any program by `test_every_metric_of_the_rules_is_exported`."""
    changed = RULES.replace(right, wrong)
    assert {wrong} == set(METRIC.findall(changed)) - {*BY_NAME} - set(METRIC.findall(RULES))


def _of_buckets(text: str) -> set[str]:
    return set(re.findall(r'\ble="([^"]*)"', text))


def test_no_rule_reads_a_bucket() -> None:
    """`le="10"` is `le="10.0"` since Prometheus 3 and a rule on it silent: none reads any."""
    assert _of_buckets(RULES) == set()
    assert _of_buckets(RULES + 'callcenter_answer_wait_seconds_bucket{le="10"}') == {"10"}


def _averaged(rules: str) -> list[str]:
    """Means of recorded ratios: the month would be wrong by nine times on a quiet day."""
    return re.findall(r"avg[_a-z]*(?: by \([^)]*\))? ?\([^)]*:ratio\w*", rules)


def test_no_rule_averages_ratios() -> None:
    """Every ratio of a window is a sum over a sum, in the rules as they are written."""
    assert _averaged(RULES) == []
    assert _averaged("avg_over_time(queue:x_per_y:ratio5m[30d])")
    records = {
        rule["record"]: rule["expr"]
        for group in yaml.safe_load(RULES)["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    for promise in PROMISES:
        for length in (*LONG_WINDOWS, PERIOD):
            expression = records[ratio("centre", promise, length)]
            assert f"centre:{promise.broken.name}:increase" in expression
            assert f"centre:{promise.decided.name}:increase" in expression


def _inhibits(config: str, source: str, target: str) -> bool:
    return any(
        source in rule["source_matchers"][0] and target in rule["target_matchers"][0]
        for rule in yaml.safe_load(config)["inhibit_rules"]
    )


@pytest.mark.parametrize(
    ("source", "target"),
    [('blind="true"', "promise"), ("FastBurn", "SlowBurn"), ('scope="centre"', 'scope="queue"')],
)
def test_an_inhibition_that_is_forgotten_is_missed(source: str, target: str) -> None:
    """Also caught by `test_the_graver_alert_keeps_the_lesser_quiet` and, live, end to end."""
    text = (SHIPPED / "alertmanager.yaml").read_text(encoding="utf-8")
    assert _inhibits(text, source, target)
    config = yaml.safe_load(text)
    config["inhibit_rules"] = [
        rule
        for rule in config["inhibit_rules"]
        if not (source in rule["source_matchers"][0] and target in rule["target_matchers"][0])
    ]
    assert not _inhibits(yaml.safe_dump(config), source, target)


def test_the_default_objective_is_what_these_tests_think() -> None:
    """The numbers in the faults above are its thresholds."""
    burn = load_slo().alerts.answer
    assert (burn.cap, burn.min_broken, load_slo().alerts.longest_wait) == (0.5, 10, 600_000_000)
