"""The shipped files are what the default objective generates, and Prometheus' tools accept them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import REPOSITORY, SHIPPED, require, run

from streams.metrics import BY_NAME
from streams.slo import generate_slo, load_slo, slo_schema_text
from streams.slo.counters import PROMISES
from streams.slo.durations import parse_duration
from streams.slo.health import health_alerts
from streams.slo.promtool import try_alerts
from streams.slo.rulesfile import rule_groups
from streams.slo.testkit import CASES, MEANINGLESS
from streams.slo.timing import STANDARD

AGAIN = "out of date: run `callsla slo generate` into deploy/helm/callsla/files"
RULES = SHIPPED / "callsla-rules.yaml"
GENERATED = generate_slo(None)
METRIC = re.compile(r"(?<![:\w])callcenter_\w+(?![:\w])")
SELECTOR = re.compile(r"(?<![:\w])(callcenter_\w+)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"(?:max|min|sum|group|count) by \(([^)]*)\) \((callcenter_\w+)")
SUFFIX = re.compile(r"_(bucket|sum|count)$")


@cache
def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _alerts() -> list[dict[str, Any]]:
    return [rule for rule in _rules() if "alert" in rule]


def _texts() -> list[str]:
    """All PromQL of the rules, that of the annotations included."""
    return [
        text for rule in _rules() for text in (rule["expr"], *rule.get("annotations", {}).values())
    ]


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_shipped_file_is_what_is_generated(name: str) -> None:
    """Nobody edits them by hand, and no change of the generator is forgotten."""
    assert (SHIPPED / name).read_text(encoding="utf-8") == GENERATED[name], AGAIN


def test_the_schema_is_what_is_generated() -> None:
    """And it is JSON."""
    shipped = (REPOSITORY / "schemas" / "slo.schema.json").read_text(encoding="utf-8")
    assert shipped == slo_schema_text(), "out of date: run `callsla schema write`"
    assert json.loads(shipped)["properties"]["version"] == {"const": 1, "default": 1}


def test_an_editor_finds_the_schema() -> None:
    """The first line of the example names it, as editors with a YAML language server read it."""
    path = SHIPPED / "slo.yaml"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    place = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / place).resolve() == REPOSITORY / "schemas" / "slo.schema.json"


def test_the_schema_knows_every_key_of_the_shipped_slo() -> None:
    """The commented example and the schema name the same keys with the same defaults."""
    schema = json.loads(slo_schema_text())
    shown = yaml.safe_load((SHIPPED / "slo.yaml").read_text(encoding="utf-8"))
    shown["promises"]["whole"] = {"objective": None}
    assert _lengths(_defaults(schema)) == _lengths(shown)


def _defaults(schema: dict[str, Any]) -> Any:
    if "default" in schema:
        return schema["default"]
    return {name: _defaults(part) for name, part in schema["properties"].items()}


def _lengths(value: Any) -> Any:
    """24h and 1d are one."""
    if isinstance(value, dict):
        return {name: _lengths(part) for name, part in value.items()}
    is_duration = isinstance(value, str) and value[:1].isdigit()
    return parse_duration(value) if is_duration else value


@pytest.mark.integration
def test_promtool_accepts_the_rules() -> None:
    """With every lint, and lints are errors."""
    require("promtool")
    code, said = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert code == 0, said


@pytest.mark.integration
@pytest.mark.parametrize("name", ["callsla-rules.test.yaml", "callsla-period.test.yaml"])
def test_the_rules_pass_their_tests(name: str, tmp_path: Path) -> None:
    """Those shipped beside them, each alert with the rules that it and its words read."""
    require("promtool")
    tests = (SHIPPED / name).read_text(encoding="utf-8")
    outcome = try_alerts(RULES.read_text(encoding="utf-8"), tests, tmp_path)
    assert outcome.passed, outcome.text
    tried = {test["alert_rule_test"][0]["alertname"] for test in yaml.safe_load(tests)["tests"]}
    assert outcome.text.count("SUCCESS") == len(tried)
    assert yaml.safe_load(tests)["rule_files"] == [RULES.name]


@cache
def _shipped_tests() -> list[dict[str, Any]]:
    names = ("callsla-rules.test.yaml", "callsla-period.test.yaml")
    texts = [(SHIPPED / name).read_text(encoding="utf-8") for name in names]
    return [test for text in texts for test in yaml.safe_load(text)["tests"]]


def _cases(test: dict[str, Any]) -> tuple[str, list[str]]:
    """The alert and the cases that a test's name names."""
    found = re.match(r"(\w+), ([a-z, ]+): ", test["name"])
    assert found, test["name"]
    return found[1], found[2].split(", ")


def test_every_alert_is_tried_in_every_case() -> None:
    """Above its limit and just below it, when hardly anything happens, and over a restart.

    What it has no case of has a reason.
    """
    tried: dict[str, set[str]] = {alert["alert"]: set() for alert in _alerts()}
    for test in _shipped_tests():
        name, cases = _cases(test)
        assert {look["alertname"] for look in test["alert_rule_test"]} == {name}
        tried[name] |= set(cases)
    lacking = {name: set(CASES) - found for name, found in tried.items() if set(CASES) - found}
    assert lacking == {name: set(reasons) for name, reasons in MEANINGLESS.items()}


def test_what_a_case_says_is_what_it_expects() -> None:
    """One that fires expects an alert, one just below none."""
    for test in _shipped_tests():
        looks = {bool(look["exp_alerts"]) for look in test["alert_rule_test"]}
        match _cases(test)[1]:
            case ["fires"]:
                assert looks == {True}, test["name"]
            case ["just below"]:
                assert looks == {False}, test["name"]
            case [case]:
                assert case in {"low traffic", "reset", "ends"}
            case several:
                assert "fires" in several
                assert looks == {True, False}


def test_each_promise_of_an_alert_is_tried_in_every_case() -> None:
    """An alert that is there for each promise has each case for each of them."""
    promises: dict[str, set[str]] = {}
    for alert in _alerts():
        if "promise" in alert["labels"]:
            promises.setdefault(alert["alert"], set()).add(alert["labels"]["promise"])
    for name in (name for name, found in promises.items() if len(found) > 1):
        for case in CASES:
            tests = [each for each in _shipped_tests() if _cases(each) == (name, [case])]
            assert {each["name"].rsplit(", ", 1)[1] for each in tests} == promises[name]


def test_an_alert_without_low_traffic_reads_no_count_of_calls() -> None:
    """The reason given is true: no metric or recording in it is by queue."""
    expressions = {alert["alert"]: alert["expr"] for alert in _alerts()}
    for name, reasons in MEANINGLESS.items():
        if "low traffic" in reasons:
            names = METRIC.findall(expressions[name])
            assert not any("queue" in BY_NAME[SUFFIX.sub("", each)].labels for each in names)
            assert not re.search(r"\b(?:queue|centre):", expressions[name])
    assert set(MEANINGLESS) - {"Watchdog"} <= {a.name for a in health_alerts(load_slo(), STANDARD)}
    assert expressions["Watchdog"] == "vector(1)"


@pytest.mark.integration
def test_the_shipped_tests_can_fail(tmp_path: Path) -> None:
    """Rules that call nobody, and rules that call too soon, do not pass them."""
    require("promtool")
    tests = yaml.safe_load((SHIPPED / "callsla-rules.test.yaml").read_text(encoding="utf-8"))
    tests["tests"] = [each for each in tests["tests"] if "AnswerPromiseFast" in each["name"]]
    (tmp_path / "callsla-rules.test.yaml").write_text(yaml.safe_dump(tests), encoding="utf-8")
    rules = RULES.read_text(encoding="utf-8")
    for of_all in ("> 0.52 *", "> 0.48 *"):
        assert "> 0.5 *" in rules
        changed = rules.replace("> 0.5 *", of_all)
        (tmp_path / "callsla-rules.yaml").write_text(changed, encoding="utf-8")
        code, said = run("promtool", "test", "rules", "callsla-rules.test.yaml", cwd=tmp_path)
        assert code == 1
        assert "FAILED" in said


def test_every_metric_of_the_rules_is_exported() -> None:
    """A rule over a metric that no worker has would be silent for ever."""
    used = {name for text in _texts() for name in METRIC.findall(text)}
    assert len(used) > 15
    assert {SUFFIX.sub("", name) for name in used} <= set(BY_NAME)


def test_every_label_of_the_rules_is_exported() -> None:
    """In selectors and in groupings."""
    uses = [
        (name, label)
        for text in _texts()
        for name, inside in SELECTOR.findall(text)
        for label in LABEL.findall(inside)
    ]
    uses += [
        (name, label.strip())
        for text in _texts()
        for labels, name in GROUPING.findall(text)
        for label in labels.split(",")
    ]
    assert len(uses) > 30
    assert [use for use in uses if use[1] not in BY_NAME[use[0]].labels] == []


def test_the_states_of_the_rules_are_those_of_the_ledger() -> None:
    """Verdicts and states in the rules about corrections are spelled as the ledger spells them."""
    from streams.ledger import VERDICTS

    selectors = {
        found
        for rule in _rules()
        for found in re.findall(r"corrections:step\{([^}]*)\}", rule["expr"])
    }
    assert selectors
    for selector in selectors:
        fields = dict(re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"', selector))
        verdicts = fields.pop("verdict").split("|")
        known = {"none", *(state for verdict in verdicts for state in VERDICTS[verdict])}
        assert {state for value in fields.values() for state in value.split("|")} <= known


def test_every_rule_reads_only_what_is_recorded_before_it() -> None:
    """Within a group rules are evaluated in order; a name nobody records is a typing error."""
    recorded = {rule["record"] for rule in _rules() if "record" in rule}
    used = {
        name
        for text in _texts()
        for name in re.findall(r"\b(?:queue|centre|partition|partition_queue):[\w:]+", text)
    }
    assert used <= recorded


def test_no_name_is_recorded_twice() -> None:
    """Two rules of one name would overwrite each other."""
    names = [rule["record"] for rule in _rules() if "record" in rule]
    assert len(names) == len(set(names))


def test_every_alert_says_what_how_bad_and_what_to_do() -> None:
    """Severity, words and a runbook section that exists."""
    runbooks = (REPOSITORY / "deploy" / "runbooks.md").read_text(encoding="utf-8")
    anchors = {line[3:].strip().lower() for line in runbooks.splitlines() if line.startswith("## ")}
    for alert in _alerts():
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["description"].endswith((".", "}"))
        path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert path == "deploy/runbooks.md"
        assert anchor in anchors, f"deploy/runbooks.md has no section for {alert['alert']}"
    assert {alert["alert"].lower() for alert in _alerts()} == anchors


def test_the_queries_of_the_runbooks_name_exported_metrics() -> None:
    """What somebody copies at night must exist."""
    runbooks = (REPOSITORY / "deploy" / "runbooks.md").read_text(encoding="utf-8")
    recorded = {rule["record"] for rule in _rules() if "record" in rule}
    assert set(METRIC.findall(runbooks)) <= set(BY_NAME)
    assert set(re.findall(r"\b(?:queue|centre):[\w:]+", runbooks)) <= recorded


def test_alerts_are_evaluated_with_the_counts_they_speak_of() -> None:
    """Promise alerts stand in one group with the counts, behind them."""
    groups = {group["name"]: group["rules"] for group in rule_groups(load_slo())}
    for promise in PROMISES:
        rules = groups[f"callsla-{promise.key}"]
        kinds = ["alert" if "alert" in rule else "record" for rule in rules]
        assert set(kinds) == {"alert", "record"}
        assert kinds == sorted(kinds, reverse=True)
