"""A wrong configuration is told as the first thing, and ends with 2."""

from pathlib import Path

import pytest

from streams.doctor import Finding, examine, exit_code


def found(tmp_path: Path, **environ: str) -> list[Finding]:
    """Return what is found where no broker is named."""
    return list(examine(None, {}, environ))


def test_without_any_setting_nothing_is_asked_and_nothing_ticked_off(tmp_path: Path) -> None:
    """That no broker is named is a warning: a worker would start on the embedded one."""
    findings = found(tmp_path)
    assert exit_code(findings) == 0
    assert [each.status for each in findings] == ["warning", "ok"] + ["not_asked"] * 10


@pytest.mark.parametrize(
    ("name", "value", "check", "words"),
    [
        ("CALLSLA_METRICS_PORT", "x", "settings", "metrics_port"),
        ("CALLSLA_SLO_FILE", "/nowhere", "settings", "cannot read"),
        ("CALLSLA_SLO_FILE", "{wrong}", "objective", "promises.answer.objective"),
        ("CALLSLA_RAW_TOPICS", "t=morse", "settings", "there is no format morse"),
        ("CALLSLA_GRAFANA_URL", "grafana", "places", "it has to be a URL"),
    ],
)
def test_each_kind_of_wrong_configuration_is_named(
    tmp_path: Path, name: str, value: str, check: str, words: str
) -> None:
    """In one line; what depends on it is not asked."""
    wrong = tmp_path / "slo.yaml"
    wrong.write_text("promises: {answer: {objective: 7}}\n")
    findings = found(tmp_path, **{name: value.replace("{wrong}", str(wrong))})
    bad = [each for each in findings if each.status == "wrong"]
    assert [each.check for each in bad] == [f"configuration.{check}"]
    assert words in bad[0].reason, bad[0]
    assert "\n" not in bad[0].reason
    assert exit_code(findings) == 2


def test_a_wrong_address_keeps_nobody_from_being_asked_at_a_right_one() -> None:
    """And is not taken for none at all."""
    environ = {"CALLSLA_GRAFANA_URL": "ftp://h", "CALLSLA_ALERTMANAGER_URL": "http://127.0.0.1:1"}
    told = {each.check: each for each in examine(None, {}, environ)}
    assert told["alertmanager.reach"].status == "unreachable"
    assert told["grafana.all"].reason == "what was said of it is wrong"
    assert told["prometheus.all"].reason == "no address was given"
