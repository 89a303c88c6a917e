"""Messages, inhibitions and mute times of the generated Alertmanager configuration."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from programs import SHIPPED, require, run

from streams.instants import SECOND
from streams.slo import ObjectiveError, load_slo, parse_slo, render_all
from streams.slo.alertmanager import Receivers, render_alertmanager, render_templates
from streams.slo.alerts import every_alert
from streams.slo.timing import STANDARD

EVERYWHERE = Receivers(
    slack_url_file="slack_url",
    pagerduty_key_file="pager_key",
    mail_to="lead@callcentre.example",
    mail_from="callsla@callcentre.example",
    smarthost="mail.example:587",
    mail_user="callsla",
    mail_password_file="mail_password",  # noqa: S106
)
CENTRE = """
calendar:
  time_zone: Europe/Berlin
  hours: {mon-fri: "08:00-18:00", sat: ["09:00-12:00", "13:00-16:00"]}
  holidays: [2026-12-24, "12-25"]
queues: {night: {calendar: {hours: {mon-sun: "22:00-02:00"}}}}
"""
ALERTS = {alert.name: alert for alert in every_alert(load_slo(), STANDARD)}


@pytest.mark.integration
def test_amtool_accepts_every_receiver_and_the_mute_times(tmp_path: Path) -> None:
    """Mail, Slack, PagerDuty and web hook at once, in a centre with hours."""
    require("amtool")
    for name, text in render_all(parse_slo(CENTRE), EVERYWHERE).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("slack_url", "pager_key", "mail_password"):
        (tmp_path / name).write_text("https://secret.example/x", encoding="utf-8")
    code, said = run("amtool", "check-config", "alertmanager.yaml", cwd=tmp_path)
    assert code == 0, said


def test_no_secret_stands_in_the_configuration() -> None:
    """Only the names of files."""
    config = yaml.safe_load(render_alertmanager(EVERYWHERE))
    critical = config["receivers"][0]
    assert critical["pagerduty_configs"][0]["routing_key_file"] == "pager_key"
    assert critical["email_configs"][0]["auth_password_file"].endswith("word")
    assert "pagerduty_configs" not in config["receivers"][1]
    assert set(config["receivers"][2]) == {"name", "webhook_configs"}
    with pytest.raises(ObjectiveError, match="smarthost"):
        Receivers(mail_to="a@example")


def test_teams_gets_the_words_of_a_message() -> None:
    """Criticals and warnings; its address stands in a file. The receiver is one of 0.28."""
    config = yaml.safe_load(render_alertmanager(Receivers(teams_url_file="teams_url")))
    cards = {each["name"]: each.get("msteamsv2_configs", []) for each in config["receivers"]}
    assert {name: len(card) for name, card in cards.items()} == {
        "critical": 1,
        "warning": 1,
        "info": 0,
        "watchdog": 0,
    }
    (card,) = cards["critical"]
    assert card["webhook_url_file"] == "teams_url"
    assert card["send_resolved"]
    assert set(re.findall(r"callsla\.\w+", card["title"] + card["text"])) == {
        "callsla.title",
        "callsla.text",
        "callsla.silence",
    }


def _minutes(times: list[dict[str, str]]) -> set[int]:
    found: set[int] = set()
    for each in times:
        start, end = (int(each[k][:2]) * 60 + int(each[k][3:]) for k in ("start_time", "end_time"))
        found |= set(range(start, end))
    return found


def test_mute_times_are_the_minutes_at_which_no_queue_is_open() -> None:
    """Compared with the calendar itself, minute by minute over a week without holidays."""
    objective = parse_slo(CENTRE)
    intervals = yaml.safe_load(render_alertmanager(objective=objective))["time_intervals"][0]
    by_day = {each["weekdays"][0]: each for each in intervals["time_intervals"][:7]}
    zone = ZoneInfo("Europe/Berlin")
    hours = [objective.hours_of(None), objective.hours_of("night")]
    start = datetime(2026, 11, 23, tzinfo=zone)
    for number in range(7):
        day = start + timedelta(days=number)
        at = round(day.timestamp()) * SECOND
        closed = {
            minute
            for minute in range(24 * 60)
            if not any(each and each.is_open(at + minute * 60 * SECOND) for each in hours)
        }
        told = by_day[day.strftime("%A").lower()]
        assert told["location"] == "Europe/Berlin"
        assert _minutes(told["times"]) == closed
    assert intervals["time_intervals"][7:] == [
        {"years": ["2026"], "months": ["12"], "days_of_month": ["24"], "location": "Europe/Berlin"},
        {"months": ["12"], "days_of_month": ["25"], "location": "Europe/Berlin"},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "calendar: {hours: {mon: '08:00-18:00'}}\nqueues: {a: {calendar: {hours: {}}}}",
        "calendar: {hours: {mon: '08:00-18:00'}}\n"
        "queues: {a: {calendar: {time_zone: Europe/Berlin}}}",
    ],
    ids=["always open", "one queue always open", "two time zones"],
)
def test_a_centre_that_is_never_wholly_closed_is_never_muted(text: str) -> None:
    """Then only the rules know the hours."""
    config = yaml.safe_load(render_alertmanager(objective=parse_slo(text)))
    assert "time_intervals" not in config
    assert "mute_time_intervals" not in json.dumps(config)


def test_pages_are_never_muted_by_the_clock() -> None:
    """The rules of promises know the hours of each queue; blindness waits for no opening."""
    config = yaml.safe_load(render_alertmanager(objective=parse_slo(CENTRE)))
    muted = {route["receiver"]: "mute_time_intervals" in route for route in _routes(config)}
    assert muted == {"watchdog": False, "critical": False, "warning": True, "info": True}


def _routes(config: dict[str, Any]) -> list[dict[str, Any]]:
    return list(config["route"]["routes"])


@pytest.mark.parametrize(
    ("loud", "quiet"),
    [
        (("BlindBehind", ""), ("AnswerPromiseFastBurn", "queue")),
        (("BlindBehind", ""), ("BudgetExhausted", "centre")),
        (("BlindNoWorker", ""), ("WorkerDown", "")),
        (("BlindNoWorker", ""), ("BlindNoCalls", "")),
        (("AnswerPromiseFastBurn", "centre"), ("AnswerPromiseFastBurn", "queue")),
        (("BudgetExhausted", "centre"), ("BudgetExhausted", "queue")),
        (("AnswerPromiseFastBurn", "queue"), ("AnswerPromiseSlowBurn", "queue")),
        (("CallbackPromiseFastBurn", "queue"), ("PromiseFastBurn", "queue")),
        (("AnswerPromiseSlowBurn", "queue"), ("AnswerServiceLevelBelowTarget", "queue")),
        (("CallbackBacklogCannotBeCleared", "queue"), ("CallbacksDueFasterThanMade", "queue")),
    ],
)
def test_the_graver_alert_keeps_the_lesser_quiet(
    loud: tuple[str, str], quiet: tuple[str, str]
) -> None:
    """Blind over promise, fast over slow, centre over queue; never the other way round."""
    assert _inhibited(_labels(*loud), _labels(*quiet))
    assert not _inhibited(_labels(*quiet), _labels(*loud))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("AnswerPromiseFastBurn", "queue"), ("CallbackPromiseFastBurn", "queue")),
        (("AnswerPromiseFastBurn", "queue"), ("CallerWaitsTooLong", "queue")),
        (("AnswerPromiseFastBurn", "centre"), ("CallbackPromiseFastBurn", "queue")),
        (("WorkerDown", ""), ("AnswerPromiseFastBurn", "queue")),
    ],
)
def test_what_is_another_matter_is_told_too(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Neither keeps the other quiet."""
    assert not _inhibited(_labels(*one), _labels(*other))
    assert not _inhibited(_labels(*other), _labels(*one))


def test_another_queue_is_not_kept_quiet() -> None:
    """A fast burn of one queue says nothing of the slow burn of another."""
    fast, slow = (_labels(f"AnswerPromise{speed}Burn", "queue") for speed in ("Fast", "Slow"))
    assert not _inhibited(fast, {**slow, "queue": "vip"})


def _labels(name: str, scope: str) -> dict[str, str]:
    labels = {"alertname": name, "severity": ALERTS[name].severity, **ALERTS[name].labels}
    if scope:
        labels["scope"] = scope
    if scope == "queue":
        labels["queue"] = "sales"
    return labels


def _inhibited(source: dict[str, str], target: dict[str, str]) -> bool:
    """What Alertmanager does, as its documentation has it."""
    rules = yaml.safe_load((SHIPPED / "alertmanager.yaml").read_text())["inhibit_rules"]
    return any(
        _matches(rule["source_matchers"], source)
        and _matches(rule["target_matchers"], target)
        and all(source.get(each, "") == target.get(each, "") for each in rule.get("equal", []))
        for rule in rules
    )


def _matches(matchers: list[str], labels: dict[str, str]) -> bool:
    for matcher in matchers:
        found = re.fullmatch(r'(\w+)(=~|=)"(.*)"', matcher)
        assert found
        value = labels.get(found[1], "")
        if not (re.fullmatch(found[3], value) if found[2] == "=~" else value == found[3]):
            return False
    return True


@pytest.mark.integration
@pytest.mark.parametrize("name", ["title", "text", "html", "silence", "link", "runbook"])
def test_messages_name_what_an_operations_lead_needs(tmp_path: Path, name: str) -> None:
    """What broke, how many of how many, whom to call, budget left, links; by amtool."""
    require("amtool")
    (tmp_path / "callsla.tmpl").write_text(render_templates(), encoding="utf-8")
    (tmp_path / "data.json").write_text(json.dumps(_message()), encoding="utf-8")
    text = f'{{{{ template "callsla.{name}" . }}}}'
    command = ["amtool", "template", "render", "--template.glob=callsla.tmpl"]
    code, said = run(*command, "--template.data=data.json", f"--template.text={text}", cwd=tmp_path)
    assert code == 0, said
    for words in EXPECTED[name]:
        assert words in said


EXPECTED = {
    "title": ["CRITICAL Queue sales: callers are not answered in time"],
    "text": [
        "42 of 61 calls",
        "12 % of the budget of 30 days is left",
        "Call first: team lead",
        "Since 09:30:00 UTC. What to do: https://wiki.example/callsla#answerpromisefastburn",
        "Look at it: https://grafana.example/d/callsla-queue?var-queue=sales",
    ],
    "html": ['<a href="https://wiki.example/callsla#answerpromisefastburn">What to do</a>', "<b>"],
    "silence": [
        "https://am.example/#/silences/new?filter=%7Balertname%3D%22AnswerPromiseFastBurn%22%2C%20"
        "owner%3D%22team%20lead%22%2C%20queue%3D%22north%20sales%22%2C%20severity%3D%22critical%22%7D"
    ],
    "link": ["https://grafana.example/d/callsla-queue"],
    "runbook": ["https://wiki.example/callsla#answerpromisefastburn"],
}


def _message() -> dict[str, Any]:
    labels = {
        "alertname": "AnswerPromiseFastBurn",
        "queue": "north sales",
        "severity": "critical",
        "owner": "team lead",
    }
    annotations = {
        "summary": "Queue sales: callers are not answered in time",
        "description": "42 of 61 calls in the last 5 minutes waited longer than 10 s.",
        "budget": "12 % of the budget of 30 days is left; at the rate of the last day it is gone.",
        "runbook_url": "https://wiki.example/callsla#answerpromisefastburn",
        "dashboard_url": "https://grafana.example/d/callsla-queue?var-queue=sales",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": "2026-11-23T09:30:00Z",
        "endsAt": "2026-11-23T09:40:00Z",
    }
    return {
        "receiver": "critical",
        "status": "firing",
        "externalURL": "https://am.example",
        "groupLabels": {"alertname": "AnswerPromiseFastBurn"},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "alerts": [alert],
    }
