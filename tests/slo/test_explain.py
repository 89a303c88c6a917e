"""`callsla slo explain` tells what the rules do; promtool's tests of the rules hold it to that."""

from pathlib import Path

import pytest
from programs import require

from streams.slo import (
    STANDARD,
    ObjectiveError,
    check_rules,
    explain_slo,
    load_slo,
    parse_slo,
    validate_slo,
)
from streams.slo.alerts import every_alert
from streams.slo.explain import explain, least_broken
from streams.slo.ruletests import threshold


def test_the_default_objective_in_words() -> None:
    """Targets, thresholds, the cap and why, examples in calls, and the time to detection."""
    said = explain_slo(None)
    for words in (
        "90 % of calls are answered by a human within 10 s: of 1000, 100 may not be.",
        "95 % of the others are called back within 1 h: of 1000, 50 may not be.",
        "fires when more than 50 % of the calls in the last 5 minutes, and in the last minute too",
        "14.4 times what is allowed would be 144 %, which could never happen; "
        "it is capped at 50 %.",
        "10 of 10, 11 of 20, 31 of 61, 101 of 200, 501 of 1000",
        "at steady traffic: after about 2 minutes 42 seconds.",
        "2 of 10, 3 of 20, 7 of 61, 21 of 200, 101 of 1000 calls not answered in time",
        "AnswerPromiseSlowBurn (warning): more than 15 % in the last 6 hours and in the last 30",
        "a bleed of 20 % is told after about 4 hours 30 minutes.",
        "CallerWaitsTooLong (critical): one caller has been waiting for 10 min.",
        "The budget of 30 days (answer): 300 of 3,000, 3,000 of 30,000 calls may be broken.",
        "The budget of 30 days (callback): 150 of 3,000, 1,500 of 30,000 callbacks may be broken.",
        "gone within 3 d at the rate of the last day; at least 20 broken.",
    ):
        assert words in said


def test_a_high_objective_is_not_capped() -> None:
    """At 99 % the usual factor can be reached, so nothing is said of a cap."""
    said = explain(parse_slo("promises: {answer: {objective: 0.99}}"))
    assert "more than 14.4 % of the calls in the last 5 minutes" in said
    assert "144 %" not in said


def test_queues_of_their_own_are_explained() -> None:
    """With their target and with the threshold that follows from their objective."""
    said = explain(parse_slo("queues: {vip: {answer: {target: 5s, objective: 0.99}}}"))
    assert "In queue vip:" in said
    assert "99 % of calls are answered by a human within 5 s" in said
    assert "AnswerPromiseFastBurn in queue vip (critical): objective 99 %" in said


def test_a_grace_beyond_the_target_is_pointed_out() -> None:
    """It is possible, but the breach is then seen late."""
    said = explain(parse_slo("promises: {answer: {target: 1s}}"))
    assert "longer than the answer target" in said


@pytest.mark.parametrize("cap", ["1.0", "1.5", "0.1", "0.05"])
def test_a_threshold_that_cannot_be_reached_or_always_is_is_refused(
    tmp_path: Path, cap: str
) -> None:
    """All of the calls cannot be exceeded; what the promise allows must not raise an alarm."""
    path = tmp_path / "slo.yaml"
    path.write_text(f"alerts: {{answer: {{cap: {cap}}}}}")
    with pytest.raises(ObjectiveError, match=r"alerts\.answer\.cap"):
        explain_slo(path)


@pytest.mark.parametrize("objective", [0.5001, 0.8, 0.85, 0.9, 0.95, 0.99, 0.999])
def test_every_threshold_can_be_reached(objective: float) -> None:
    """At any objective that is accepted, some number of 1000 calls fires the alert."""
    burn = parse_slo(f"promises: {{answer: {{objective: {objective}}}}}").alerts.answer
    limit = threshold(burn, objective)
    assert 1 - objective < limit < 1
    assert least_broken(limit, 1000, burn.min_broken) is not None


def test_few_calls_never_fire() -> None:
    """Where fewer calls than the minimum come, nothing can fire, and that is said."""
    assert least_broken(0.5, 9, 10) is None
    said = explain(parse_slo("alerts: {answer: {min_broken: 30}}"))
    assert "never with 10 or 20" in said


def test_validate_says_what_the_file_holds(tmp_path: Path) -> None:
    """One line."""
    path = tmp_path / "slo.yaml"
    path.write_text("queues: {a: {}, b: {}}")
    assert validate_slo(path) == f"{path}: valid, version 1, 2 queues of their own\n"
    assert validate_slo(None) == "the default objective: valid, version 1\n"


@pytest.mark.integration
@pytest.mark.parametrize(
    "text",
    [
        "promises: {answer: {objective: 0.99, target: 20s}, whole: {objective: 0.97},"
        " callback: {objective: 0.8, target: 90m}}",
        "promises: {answer: {objective: 0.8}}\n"
        "queues: {'v*': {answer: {target: 5s}, callback: {objective: 0.99}}}\n"
        "alerts: {answer: {window: 10m, short: 2m, cap: 0.75, min_broken: 3}}",
    ],
)
def test_the_rules_of_other_objectives_pass_their_tests(tmp_path: Path, text: str) -> None:
    """Thresholds, words and minimum counts follow the objective, as promtool sees it."""
    require("promtool", "amtool")
    path = tmp_path / "slo.yaml"
    path.write_text(text)
    outcome = check_rules(path)
    assert outcome.passed, outcome.text
    alerts = {alert.name for alert in every_alert(load_slo(path), STANDARD)}
    assert outcome.text.count("test.yaml\n  SUCCESS") == len(alerts)
