"""Rules that are wrong on purpose: each fault is caught, and it is said by which check.

The faults are those that generators and hands make: a comparison turned round, a label dropped, a
metric renamed, ratios averaged, a bucket that Prometheus writes otherwise, an inhibition forgotten.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from programs import SHIPPED, require

from streams.instants import HOUR
from streams.metrics import BY_NAME
from streams.slo import load_slo
from streams.slo.counters import PROMISES
from streams.slo.names import budget_left, increase, ratio
from streams.slo.promtool import try_alerts
from streams.slo.timing import LONG_WINDOWS, PERIOD, STANDARD

RULES = (SHIPPED / "callsla-rules.yaml").read_text(encoding="utf-8")
FILES = {
    "counts": ("callsla-rules.test.yaml", re.compile(r"AnswerPromiseFastBurn|CallerWaitsTooLong")),
    "days": ("callsla-period.test.yaml", re.compile(r"BudgetExhausted")),
}


def _passes(rules: str, which: str, folder: Path) -> tuple[bool, str]:
    """Whether `rules` pass those of the shipped tests that concern a few alerts."""
    require("promtool")
    name, alerts = FILES[which]
    shipped = yaml.safe_load((SHIPPED / name).read_text(encoding="utf-8"))
    shipped["tests"] = [test for test in shipped["tests"] if alerts.match(test["name"])]
    assert shipped["tests"]
    outcome = try_alerts(rules, yaml.safe_dump(shipped), folder)
    return outcome.passed, outcome.text


@pytest.mark.integration
@pytest.mark.parametrize("which", sorted(FILES))
def test_the_rules_as_they_are_pass(which: str, tmp_path: Path) -> None:
    """Or what follows would prove nothing."""
    passed, said = _passes(RULES, which, tmp_path)
    assert passed, said


@dataclass(frozen=True)
class Fault:
    """What is swapped for what in the expressions whose record or alert has this name."""

    which: str
    name: str
    swaps: dict[str, str]

    def made(self) -> str:
        """Return the rules with the fault in them; nothing to swap is no fault."""
        document = yaml.safe_load(RULES)
        rules = [rule for group in document["groups"] for rule in group["rules"]]
        struck = [rule for rule in rules if self.name in {rule.get("record"), rule.get("alert")}]
        for old, new in self.swaps.items():
            found = [rule for rule in struck if old in rule["expr"]]
            assert found, f"the fault cannot be made: {self.name} is written otherwise now"
            for rule in found:
                rule["expr"] = rule["expr"].replace(old, new)
        return yaml.safe_dump(document)


ANSWER = PROMISES[0]
BURN, WAITS = "AnswerPromiseFastBurn", "CallerWaitsTooLong"
MONTH = increase("queue", ANSWER.broken.name, PERIOD)
STEP = ANSWER.broken.step(STANDARD.fast)
FAULTS: dict[str, Fault] = {
    "more than the cap becomes at least": Fault("counts", BURN, {" > 0.5 * ": " >= 0.5 * "}),
    "at least ten becomes more than ten": Fault("counts", BURN, {" >= 10": " > 10"}),
    "the longest wait turned round": Fault("counts", WAITS, {" > 600": " < 600"}),
    "at the limit counts": Fault("counts", WAITS, {" > 600": " >= 600"}),
    "the label of the queue is dropped": Fault("counts", STEP, {"sum by (queue) (": "sum ("}),
    "a metric is renamed": Fault(
        "counts",
        ANSWER.broken.held,
        {ANSWER.broken.metric: "callcenter_answer_broken_total"},
    ),
    "a restart counts as nothing": Fault(
        "counts",
        STEP,
        {f"{ANSWER.broken.held} and on": f"{ANSWER.broken.held} * 0 and on"},
    ),
    "a restart counts backwards": Fault("counts", STEP, {" >= 0": ""}),
    "spent becomes nearly spent": Fault(
        "days", "BudgetExhausted", {f"{MONTH} > ": f"{MONTH} >= ", " < 0": " <= 0"}
    ),
    "the budget is a mean of ratios": Fault(
        "days",
        budget_left("queue", ANSWER),
        {f"{MONTH} / ": f"avg_over_time({ratio('queue', ANSWER, HOUR)}[30d]) * 0 / "},
    ),
}


@pytest.mark.integration
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_does_not_pass_the_shipped_tests(fault: str, tmp_path: Path) -> None:
    """promtool fails on it: caught by the tests generated beside the rules."""
    wrong = FAULTS[fault]
    passed, said = _passes(wrong.made(), wrong.which, tmp_path)
    assert not passed
    assert "FAILED" in said
    assert "could not parse" not in said


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
