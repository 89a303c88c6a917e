"""Who hears of what, as Alertmanager's own tool sees it."""

from pathlib import Path

import pytest
import yaml
from programs import SHIPPED, require, run

from streams.slo import QUICK, ObjectiveError, load_slo
from streams.slo.alertmanager import Receivers, render_alertmanager, render_templates
from streams.slo.alerts import every_alert
from streams.slo.timing import STANDARD

CONFIG = SHIPPED / "alertmanager.yaml"
ALERTS = every_alert(load_slo(), STANDARD)


@pytest.mark.integration
@pytest.mark.parametrize(
    "receivers",
    [
        Receivers(),
        Receivers(url="https://hooks.example/x?y=1", watchdog_url="https://dead.example/man"),
        Receivers(slack_url_file="slack_url", slack_channel="#night"),
    ],
    ids=["default", "web hooks", "slack"],
)
def test_amtool_accepts_every_configuration(tmp_path: Path, receivers: Receivers) -> None:
    """For each kind of receiver, in both timings."""
    require("amtool")
    (tmp_path / "callsla.tmpl").write_text(render_templates(), encoding="utf-8")
    (tmp_path / "slack_url").write_text("https://hooks.example/secret", encoding="utf-8")
    for timing in (STANDARD, QUICK):
        text = render_alertmanager(receivers, timing)
        (tmp_path / "alertmanager.yaml").write_text(text, encoding="utf-8")
        code, said = run("amtool", "check-config", "alertmanager.yaml", cwd=tmp_path)
        assert code == 0, said


@pytest.mark.integration
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_every_alert_reaches_the_receiver_of_its_severity(alert: object) -> None:
    """The watchdog its own; no alert falls through to another's receiver."""
    require("amtool")
    rule = alert.as_rule()  # type: ignore[attr-defined]
    labels = {"alertname": rule["alert"], "queue": "sales", **rule["labels"]}
    receiver = "watchdog" if rule["alert"] == "Watchdog" else labels["severity"]
    command = ["amtool", "config", "routes", "test", f"--config.file={CONFIG}"]
    pairs = [f"{label}={value}" for label, value in labels.items()]
    code, said = run(*command, f"--verify.receivers={receiver}", *pairs)
    assert code == 0, said
    code, _ = run(*command, "--verify.receivers=nobody", *pairs)
    assert code == 1


def test_alerts_are_grouped_by_what_and_where() -> None:
    """One message for each alert and queue."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert config["route"]["group_by"] == ["alertname", "queue"]
    waits = {route.get("receiver"): route["group_wait"] for route in config["route"]["routes"]}
    assert waits["critical"] == "5s"


@pytest.mark.parametrize(
    "url", ["", "hooks.example/x", "ftp://hooks.example", "https:///only/a/path"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """In one line that does not repeat it, for it may hold a secret."""
    with pytest.raises(ObjectiveError, match="must be a URL") as caught:
        Receivers(url=url)
    assert not url or url not in str(caught.value)


@pytest.mark.integration
def test_the_templates_say_it_in_words(tmp_path: Path) -> None:
    """Title and text of a message, by Alertmanager's own template engine."""
    require("amtool")
    template = SHIPPED / "callsla.tmpl"
    data = tmp_path / "data.json"
    data.write_text(_message("firing"), encoding="utf-8")
    said = _rendered(template, data)
    assert "CRITICAL Queue sales: callers are not answered in time" in said
    assert "42 of 61 calls in the last 5 minutes waited longer than 10 s" in said
    assert "Since 09:30:00 UTC. What to do: deploy/runbooks.md#answerpromisefastburn" in said
    data.write_text(_message("resolved"), encoding="utf-8")
    said = _rendered(template, data)
    assert "RESOLVED Queue sales: callers are not answered in time" in said
    assert "from 09:30:00 UTC to 09:40:00 UTC" in said


def _rendered(template: Path, data: Path) -> str:
    text = '{{ template "callsla.title" . }}|{{ template "callsla.text" . }}'
    code, said = run(
        "amtool",
        "template",
        "render",
        f"--template.glob={template}",
        f"--template.text={text}",
        f"--template.data={data}",
    )
    assert code == 0, said
    return said


def _message(status: str) -> str:
    annotations = (
        '{"summary": "Queue sales: callers are not answered in time", "description": "42 of 61 '
        "calls in the last 5 minutes waited longer than 10 s for a human or never got one; the "
        'promise allows 10 %.", "runbook_url": "deploy/runbooks.md#answerpromisefastburn"}'
    )
    labels = '{"alertname": "AnswerPromiseFastBurn", "queue": "sales", "severity": "critical"}'
    return f"""{{
      "receiver": "critical", "status": "{status}", "externalURL": "http://localhost",
      "groupLabels": {{"alertname": "AnswerPromiseFastBurn", "queue": "sales"}},
      "commonLabels": {labels}, "commonAnnotations": {annotations},
      "alerts": [{{"status": "{status}", "labels": {labels}, "annotations": {annotations},
        "startsAt": "2026-11-23T09:30:00Z", "endsAt": "2026-11-23T09:40:00Z"}}]
    }}"""
