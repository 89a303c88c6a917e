"""`callsla doctor` on a whole chain: all ticks where it is healthy, each cross provoked once.

Kafka, the worker, Prometheus and Alertmanager are the real ones; Grafana cannot be installed here
and is stood in for by `grafana_as_documented`.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import yaml
from doctor_chain import Chain, chain, monitoring_of, said, stands
from grafana_as_documented import TOKEN, Grafana, grafana
from kafka_server import KafkaServer, free_ports
from programs import REPOSITORY, require
from secured_settings import command, environment
from webhook import until

from streams.doctor import GROUPS, Finding
from streams.doctor.alertmanager import alert_labels, ask_alertmanager
from streams.doctor.examine import ask_beside
from streams.doctor.grafana import DASHBOARDS
from streams.doctor.places import PARTS, Place, place_of
from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.slo import Objective, load_slo
from streams.slo.alertmanager import Receivers, render_alertmanager, render_templates
from streams.slo.commands import render_all
from streams.slo.local_stack import alertmanager

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

RULES = render_all(load_slo())["callsla-rules.yaml"]


@pytest.fixture(scope="module")
def healthy(kafka: KafkaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A chain that works, from the broker to the pager."""
    require("prometheus", "prometheus-alertmanager", "promtool", "amtool")
    topics = {f"{name}_topic": f"doctor.{name}" for name in ("events", "promises", "ledger")}
    settings = Settings(
        broker=kafka.bootstrap, group="doctor", partitions=4,
        dead_letters_topic="doctor.dead-letters", **topics,  # type: ignore[arg-type]
    )  # fmt: skip
    create_topics(settings)
    with chain(settings, tmp_path_factory.mktemp("chain")) as running:
        yield running


@pytest.fixture
def board(healthy: Chain) -> Iterator[Grafana]:
    """Grafana with everything provisioned."""
    with grafana(healthy.prometheus) as held:
        held.sources = [{"uid": "main", "type": "prometheus", "isDefault": True, "name": "P"}]
        held.dashboards = list(DASHBOARDS)
        yield held


def asked(objective: Objective | None = None, **flags: str | None) -> list[Finding]:
    """Return what is found beside Kafka, at these places."""
    found = places(flags, {"CALLSLA_GRAFANA_TOKEN": TOKEN})
    return list(ask_beside(objective or load_slo(), found))


def places(flags: Mapping[str, str | None], environ: dict[str, str]) -> dict[str, Place]:
    """Return every part that is somewhere."""
    found = {part: place_of(part, flags, environ) for part in PARTS}
    return {part: place for part, place in found.items() if place is not None}


def test_a_healthy_chain_has_a_tick_everywhere(healthy: Chain, board: Grafana) -> None:
    """As a user types it: every group is asked, nothing is left out, exit code 0.

    On a machine that is starved a worker may lag indeed, and is then asked again.
    """
    flags = {**healthy.flags, "grafana": board.url}
    arguments = [f"--{part}={url}" for part, url in flags.items()]
    for _ in range(3):
        done = doctor(healthy.settings, *arguments, "--json", CALLSLA_GRAFANA_TOKEN=TOKEN)
        told = json.loads(done.stdout)
        if done.returncode == 0:
            break
    assert [each for each in told["checks"] if each["status"] != "ok"] == []
    assert {each["group"] for each in told["checks"]} == set(GROUPS)
    assert (told["result"], told["exit_code"], done.returncode) == ("well", 0, 0)
    assert done.stderr == ""


def test_it_is_shown_in_words_and_without_colours(healthy: Chain) -> None:
    """To a pipe: signs, no escape codes; where signs cannot be written, letters."""
    done = doctor(healthy.settings, f"--metrics={healthy.worker}", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "Configuration"
    assert lines[1].startswith("  √ the settings of the environment are valid")
    assert "  · not asked: no address was given" in lines
    assert lines[-1].endswith("3 not asked")
    done = doctor(Settings(), PYTHONIOENCODING="ascii")
    assert done.stdout.splitlines()[1].startswith("  [warning] no broker is named")


def doctor(settings: Settings, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a user does."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("callsla")), "doctor", *arguments],
        env={**environment(settings), **more},
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("part", ["metrics", "prometheus", "alertmanager", "grafana"])
def test_a_part_that_is_away_is_unreachable(part: str) -> None:
    """And nothing further is asked of it."""
    findings = asked(None, **{part: f"http://127.0.0.1:{free_ports(1)[0]}"})
    stands(findings, f"{part}.reach", "unreachable", "does not answer (connection refused)")
    assert [each.check for each in findings if each.group == part] == [f"{part}.reach"]


@pytest.mark.parametrize("part", ["metrics", "prometheus", "alertmanager", "grafana"])
def test_another_program_is_not_taken_for_the_right_one(healthy: Chain, part: str) -> None:
    """Each address is mixed up with another's."""
    other = healthy.prometheus if part == "metrics" else healthy.worker
    findings = [each for each in asked(None, **{part: other}) if each.group == part]
    check = "metrics.lint" if part == "metrics" else f"{part}.reach"
    assert "wrong" in [each.status for each in findings if each.check == check], findings


def test_a_worker_with_another_slo_is_told(healthy: Chain, tmp_path: Path) -> None:
    """By the line that differs."""
    (tmp_path / "slo.yaml").write_text("promises: {answer: {target: 20s}}\n")
    other = load_slo(tmp_path / "slo.yaml")
    findings = asked(other, metrics=f"{healthy.worker}/metrics")
    stands(findings, "metrics.slo", "wrong", "it has `target: 10s`")


def test_a_worker_that_is_not_ready_says_why(tmp_path: Path) -> None:
    """Its broker is away."""
    port, nowhere = free_ports(2)
    settings = Settings(broker=f"127.0.0.1:{nowhere}", metrics_port=port)
    place = f"http://127.0.0.1:{port}"
    with command(settings, tmp_path / "log", "worker"):
        until(lambda: said(asked(metrics=place), "metrics.ready"), "the page is there")
        stands(asked(metrics=place), "metrics.ready", "wrong", "the worker is not ready: ")


def test_prometheus_that_was_set_up_wrongly_is_told(healthy: Chain, tmp_path: Path) -> None:
    """Rules of another slo.yaml, a metric dropped, another job's name, short memory, no pager."""
    (tmp_path / "slo.yaml").write_text("promises: {answer: {target: 20s, objective: 0.80}}\n")
    rules = render_all(load_slo(tmp_path / "slo.yaml"))["callsla-rules.yaml"]

    def spoil(config: dict[str, Any]) -> None:
        (job,) = config["scrape_configs"]
        job["job_name"] = "telephony"
        names = "callcenter_worker_ready|callcenter_calls_offered_total"
        drop = {"source_labels": ["__name__"], "regex": names, "action": "drop"}
        job["metric_relabel_configs"] = [drop]

    address = healthy.worker.removeprefix("http://")
    with monitoring_of(tmp_path, rules, address, None, change=spoil) as url:
        wait_for_series(url)
        findings = asked(prometheus=url, metrics=healthy.worker)
    stands(findings, "prometheus.rules", "wrong", "follow from another slo.yaml or version")
    stands(findings, "prometheus.targets", "warning", "as job 'telephony'")
    dropped = "callcenter_calls_offered_total, callcenter_worker_ready"
    stands(findings, "prometheus.series", "wrong", f"rules read what Prometheus has not: {dropped}")
    stands(findings, "prometheus.retention", "warning", "kept for 15 d: the budget of 30 d")
    stands(findings, "prometheus.alertmanagers", "wrong", "it knows no Alertmanager")


def wait_for_series(url: str) -> None:
    until(lambda: not said(asked(prometheus=url), "prometheus.series")[0][1].endswith("anything"),
          "the worker is scraped")  # fmt: skip


def test_prometheus_without_worker_and_rules_is_told(tmp_path: Path) -> None:
    """Nothing is scraped, nothing is loaded."""
    require("prometheus")
    with monitoring_of(tmp_path, "groups: []", None, None) as url:
        findings = asked(prometheus=url)
    stands(findings, "prometheus.targets", "wrong", "no worker is scraped")
    stands(findings, "prometheus.series", "wrong", "no series of a worker")
    stands(findings, "prometheus.rules", "wrong", "none of our")


def test_rules_that_were_edited_are_told(tmp_path: Path) -> None:
    """Lost, foreign, twice, failing, overridden; and a worker that does not answer its scrapes."""
    require("prometheus")
    groups = yaml.safe_load(RULES)
    answer = _group(groups, "callsla-answer")
    lost = answer["rules"].pop(0)["record"]
    sight = _group(groups, "callsla-sight")
    alerts = {rule["alert"]: rule for rule in sight["rules"]}
    alerts["WorkerDown"]["labels"]["severity"] = "info"
    sight["rules"].remove(alerts["NoEvents"])
    two = "label_replace(vector(1), 'a', '1', '', '') or label_replace(vector(1), 'a', '2', '', '')"
    foreign = {"record": "mine:of:own", "expr": f"({two}) * on () ({two})"}
    sight["rules"].insert(0, foreign)
    sight["interval"] = "1s"
    (tmp_path / "more.yaml").write_text(yaml.safe_dump({"groups": [sight]}))

    def twice(config: dict[str, Any]) -> None:
        config["rule_files"].append("more.yaml")

    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    with monitoring_of(tmp_path, yaml.safe_dump(groups), nobody, None, change=twice) as url:
        findings = until(lambda: _failing_and_down(url), "the rule and the scrape fail")
    told = [reason for _, reason in said(findings, "prometheus.rules")]
    assert any("callsla-sight is loaded 2 times" in each for each in told), told
    assert f"recording rules are missing: {lost}" in told
    assert any("another slo.yaml or version are loaded" in each for each in told), told
    assert any("severity is not as generated: WorkerDown" in each for each in told), told
    stands(findings, "prometheus.evaluation", "wrong", "the rule mine:of:own fails")
    stands(findings, "prometheus.targets", "wrong", f"http://{nobody}/metrics is down")


def _group(rules: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in rules["groups"] if each["name"] == name)
    return found


def _failing_and_down(url: str) -> list[Finding]:
    """Return what is found once Prometheus has evaluated and scraped; before that nothing."""
    findings = asked(prometheus=url)
    told = " ".join(each.reason for each in findings if each.status == "wrong")
    return findings if "mine:of:own fails" in told and "is down" in told else []


def test_an_alert_that_was_left_out_is_a_warning(tmp_path: Path) -> None:
    """It may have been meant."""
    require("prometheus")
    groups = yaml.safe_load(RULES)
    sight = _group(groups, "callsla-sight")
    sight["rules"] = [rule for rule in sight["rules"] if rule.get("alert") != "NoEvents"]
    with monitoring_of(tmp_path, yaml.safe_dump(groups), None, None) as url:
        findings = asked(prometheus=url)
    assert said(findings, "prometheus.rules") == [("warning", "alerts are missing: NoEvents")]


@contextmanager
def alerting(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    """Run Alertmanager with `config`; yields its address."""
    (folder / "callsla.tmpl").write_text(render_templates())
    with alertmanager(folder, yaml.safe_dump(config)) as running:
        yield running.url


def test_alerts_that_reach_nobody_are_told(tmp_path: Path) -> None:
    """A receiver without a way to send; no watchdog; a silence."""
    require("prometheus-alertmanager")
    config = yaml.safe_load(render_alertmanager())
    del next(each for each in config["receivers"] if each["name"] == "critical")["webhook_configs"]
    with alerting(tmp_path, config) as url:
        _silence(url, "severity", "warning")
        findings = asked(alertmanager=url)
    told = stands(findings, "alertmanager.routes", "wrong", "receiver 'critical'")
    assert "AnswerPromiseFastBurn" in told.reason
    stands(findings, "alertmanager.watchdog", "wrong", "Watchdog does not arrive")
    told = stands(findings, "alertmanager.silences", "warning", "silenced, at the longest until")
    assert "AnswerServiceLevelBelowTarget" in told.reason


def _silence(url: str, name: str, value: str) -> None:
    matcher = {"name": name, "value": value, "isRegex": False, "isEqual": True}
    silence = {
        "matchers": [matcher],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "test",
        "comment": "test",
    }
    _post(f"{url}/api/v2/silences", silence)


def _post(url: str, told: object) -> None:
    headers = {"Content-Type": "application/json"}
    request = Request(url, json.dumps(told).encode(), headers)  # noqa: S310
    with build_opener(ProxyHandler({})).open(request, timeout=5):
        pass


def test_messages_that_do_not_get_out_are_told(tmp_path: Path) -> None:
    """By Alertmanager's own count of its attempts."""
    require("prometheus-alertmanager")
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}/"
    config = yaml.safe_load(render_alertmanager(Receivers(url=nowhere)))
    with alerting(tmp_path, config) as url:
        assert said(asked(alertmanager=url), "alertmanager.notifications")[0][0] == "not_asked"
        _post(f"{url}/api/v2/alerts", [{"labels": {"alertname": "Watchdog"}}])

        def failing() -> list[Finding]:
            found = asked(alertmanager=url)
            told = said(found, "alertmanager.notifications")
            return found if told[0][0] == "wrong" else []

        findings = until(failing, "an attempt has failed")
    stands(findings, "alertmanager.notifications", "wrong", "every attempt to send by webhook")
    stands(findings, "alertmanager.watchdog", "ok", "Watchdog arrives")


def test_labels_that_prometheus_adds_count_for_the_routes(tmp_path: Path) -> None:
    """An alert of one site goes elsewhere, and there nobody is told."""
    require("prometheus", "prometheus-alertmanager")
    config = yaml.safe_load(render_alertmanager())
    config["receivers"].append({"name": "nobody"})
    config["route"]["routes"].insert(0, {"matchers": ['site="north"'], "receiver": "nobody"})

    def north(prometheus: dict[str, Any]) -> None:
        prometheus["global"]["external_labels"] = {"site": "north"}

    with alerting(tmp_path, config) as alerts:
        alone = asked(alertmanager=alerts)
        with monitoring_of(tmp_path, RULES, None, None, change=north) as url:
            findings = asked(alertmanager=alerts, prometheus=url)
    stands(alone, "alertmanager.routes", "ok", "each of 27 alerts")
    stands(findings, "alertmanager.routes", "wrong", "receiver 'nobody'")


def test_a_watchdog_that_stopped_coming_is_told(healthy: Chain) -> None:
    """It is there still, but was told long ago."""
    place = places({"alertmanager": healthy.alertmanager}, {})["alertmanager"]
    later = datetime.now(UTC) + timedelta(minutes=11)
    findings = list(ask_alertmanager(place, alert_labels([], (), {}), later))
    stands(findings, "alertmanager.watchdog", "wrong", "last arrived 1")


@pytest.mark.parametrize(
    ("spoil", "check", "status", "words"),
    [
        ({"database": "failing"}, "reach", "wrong", "its database is failing"),
        ({"works": False}, "datasource", "wrong", "the data source main does not work"),
        ({"sources": []}, "datasource", "wrong", "no data source of the type prometheus"),
        ({"dashboards": []}, "dashboards", "wrong", "none of our dashboards"),
        ({"dashboards": list(DASHBOARDS[1:])}, "dashboards", "warning", DASHBOARDS[0]),
    ],
)
def test_grafana_that_shows_nothing_is_told(
    board: Grafana, spoil: dict[str, Any], check: str, status: str, words: str
) -> None:
    """Against a server that answers as Grafana's API is documented, not against Grafana itself."""
    for name, value in spoil.items():
        setattr(board, name, value)
    stands(asked(grafana=board.url), f"grafana.{check}", status, words)


def test_a_data_source_of_another_prometheus_is_told(board: Grafana, tmp_path: Path) -> None:
    """It works, and every dashboard stays empty."""
    with monitoring_of(tmp_path, "groups: []", None, None) as board.prometheus:
        findings = asked(grafana=board.url)
    stands(findings, "grafana.datasource", "wrong", "works, but sees no worker")


def test_a_token_that_grafana_does_not_take_is_told(board: Grafana) -> None:
    """And a data source that was named wrongly."""
    flags = {"grafana": board.url}
    findings = list(ask_beside(load_slo(), places(flags, {"CALLSLA_GRAFANA_TOKEN": "no"})))
    told = stands(findings, "grafana.datasource", "wrong", "does not let us ask (HTTP 401)")
    assert "CALLSLA_GRAFANA_TOKEN_FILE" in (told.remedy or "")
    environ = {"CALLSLA_GRAFANA_TOKEN": TOKEN, "CALLSLA_GRAFANA_DATASOURCE": "other"}
    findings = list(ask_beside(load_slo(), places(flags, environ)))
    stands(findings, "grafana.datasource", "wrong", "there is no data source other")
    assert "/api/datasources" not in board.asked[-4:]


def test_the_dashboards_asked_for_are_those_that_are_shipped() -> None:
    """By their uids."""
    folder = REPOSITORY / "deploy" / "helm" / "callsla" / "files" / "dashboards"
    shipped = {json.loads(path.read_text())["uid"] for path in folder.glob("*.json")}
    assert set(DASHBOARDS) == shipped
