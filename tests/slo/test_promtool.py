"""Alerts are tried with the rules that they depend on, and that is all that they depend on."""

from pathlib import Path

import pytest
import yaml
from programs import SHIPPED, require

from streams.slo import load_slo, promtool
from streams.slo.alerts import every_alert
from streams.slo.names import increase
from streams.slo.needed import needed_rules
from streams.slo.promtool import run_tool, try_alerts
from streams.slo.rulesfile import rule_groups
from streams.slo.timing import PERIOD, STANDARD

GROUPS = rule_groups(load_slo())
RULES = (SHIPPED / "callsla-rules.yaml").read_text(encoding="utf-8")
TESTS = (SHIPPED / "callsla-rules.test.yaml").read_text(encoding="utf-8")


def _names(alert: str, *, words: bool = True) -> set[str]:
    groups = needed_rules(GROUPS, {alert}, words=words)
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule.get("record") or rule["alert"] for rule in rules}


def test_rules_read_series_by_name_alone() -> None:
    """So what is not named cannot change an alert, and may be left out when that is tried."""
    assert "__name__" not in RULES
    assert RULES.count("ALERTS") == RULES.count('ALERTS{alertname="')


@pytest.mark.parametrize("alert", sorted({a.name for a in every_alert(load_slo(), STANDARD)}))
def test_what_is_needed_is_whole_and_in_order(alert: str) -> None:
    """Everything that a rule of it names is there, before it where it was before it."""
    needed = needed_rules(GROUPS, {alert})
    names = _names(alert)
    recorded = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    text = " ".join(str(rule) for group in needed for rule in group["rules"])
    assert alert in names
    assert {name for name in recorded if f"{name}[" in text or f"{name}{{" in text} <= names
    whole = {group["name"]: group["rules"] for group in GROUPS}
    for group in needed:
        assert group["rules"] == [rule for rule in whole[group["name"]] if rule in group["rules"]]


def test_words_are_tried_with_what_they_read() -> None:
    """The budget of the month is in the words of a burn that a window of minutes raises."""
    month = increase("queue", "callcenter_answer_promises", PERIOD)
    assert month in _names("AnswerPromiseFastBurn")
    assert month not in _names("AnswerPromiseFastBurn", words=False)
    assert _names("Watchdog") == {"Watchdog"}


@pytest.mark.integration
def test_rules_that_call_nobody_do_not_pass(tmp_path: Path) -> None:
    """One alert of all that fails is a failure, and it is said which."""
    require("promtool")
    changed = RULES.replace("> 600", "> 660")
    assert changed != RULES
    outcome = try_alerts(changed, _only("CallerWaitsTooLong", "WorkerDown"), tmp_path)
    assert not outcome.passed
    assert "FAILED:\n    name: CallerWaitsTooLong, fires" in outcome.text
    assert "WorkerDown.test.yaml\n  SUCCESS" in outcome.text


@pytest.mark.integration
def test_no_tests_are_no_success(tmp_path: Path) -> None:
    """A file without any has not been tried."""
    assert not try_alerts(RULES, _only(), tmp_path).passed


def _only(*alerts: str) -> str:
    document = yaml.safe_load(TESTS)
    document["tests"] = [test for test in document["tests"] if test["name"].startswith(alerts)]
    return yaml.safe_dump(document)


def test_a_tool_without_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has not passed, and one line says why."""
    monkeypatch.setattr(promtool, "TIME_LIMIT", 0.1)
    outcome = run_tool(("sleep", "9"), tmp_path)
    assert not outcome.passed
    assert outcome.text == "sleep 9: not done within 0.1 s: give it more of a processor\n"
