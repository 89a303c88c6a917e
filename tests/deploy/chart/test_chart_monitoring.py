"""Rules, dashboards and routes in the release are what slo.yaml gives, as the real tools judge."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_helm import by_kind, one, refusal, render, rendered
from programs import SHIPPED, require, run

from streams._version import __version__
from streams.slo import load_slo, render_all
from streams.slo.dashboard_files import generate_dashboards

pytestmark = pytest.mark.integration

Values = dict[str, Any]
ALL = {
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
    "alertmanager": {"kind": "ConfigMap"},
}
OWN_SLO = """\
# Stricter than most, and closed at night.
version: 1
promises:
  answer: {target: 5s, objective: 0.95}
calendar:
  hours: {mon-fri: "08:00-18:00"}
  holidays: ["12-25"]
alerts:
  longest_wait: 3m
owner: team-vip
"""
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')


def rules(objects: list[Values]) -> list[Values]:
    groups = one(objects, "PrometheusRule")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts(objects: list[Values], name: str) -> list[Values]:
    return [rule for rule in rules(objects) if rule.get("alert") == name]


def shipped_rules() -> Values:
    found: Values = yaml.safe_load((SHIPPED / "callsla-rules.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An slo.yaml of a user's, and the values that `callsla slo values` writes for it."""
    folder = tmp_path_factory.mktemp("own")
    slo, values = folder / "slo.yaml", folder / "slo-values.yaml"
    slo.write_text(OWN_SLO, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("callsla")), "slo", "values", str(slo)]
    with values.open("wb") as out:
        subprocess.run([*command, "--webhook", "http://pager/alerts"], check=True, stdout=out)
    return slo, values


def test_the_rules_are_the_generated_ones() -> None:
    """Word for word, unless the values say otherwise."""
    values = {"prometheusRule": {"enabled": True, "alertNamespace": False}}
    assert one(render(values), "PrometheusRule")["spec"] == shipped_rules()


@pytest.mark.parametrize("name", ["monitoring", "full"])
def test_promtool_takes_the_rules(name: str, tmp_path: Path) -> None:
    """With every lint, and with every change that the values make to them."""
    require("promtool")
    rule_file = tmp_path / "rules.yaml"
    spec = one(rendered(name), "PrometheusRule")["spec"]
    rule_file.write_text(yaml.safe_dump(spec, width=10_000), encoding="utf-8")
    code, said = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", rule_file)
    assert code == 0, said
    count = sum(len(group["rules"]) for group in spec["groups"])
    assert f"SUCCESS: {count} rules found" in said


def test_an_alert_can_be_switched_off_and_changed() -> None:
    """One by its name; what it is made of stays as it is."""
    objects = rendered("full")
    assert not alerts(objects, "Watchdog")
    (changed,) = alerts(objects, "NoEvents")
    (shipped,) = [
        rule
        for group in shipped_rules()["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "NoEvents"
    ]
    assert changed["expr"] == shipped["expr"]
    assert changed["for"] == "1h"
    assert changed["keep_firing_for"] == "10m"
    given = {"severity": "info", "escalate": "no", "team": "call-centre", "namespace": "calls"}
    assert changed["labels"] == shipped["labels"] | given
    assert changed["annotations"]["ticket"] == "CC"
    assert changed["annotations"]["runbook_url"] == (
        "https://runbooks.example.com/callsla#noevents"
    )


def test_every_alert_can_be_switched_off() -> None:
    """Then what is recorded is all that is left."""
    names = {rule["alert"] for rule in rules(rendered("monitoring")) if "alert" in rule}
    off = {name: {"enabled": False} for name in names}
    left = rules(render({"prometheusRule": {"enabled": True, "alerts": off}}))
    assert left == [rule for rule in rules(rendered("monitoring")) if "record" in rule]


def test_the_dashboards_are_the_generated_ones() -> None:
    """As JSON, each in a ConfigMap that is small enough, under the label a side car looks for."""
    maps = [
        each
        for each in by_kind(rendered("monitoring"), "ConfigMap")
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    texts = {name: text for each in maps for name, text in each["data"].items()}
    made = generate_dashboards(None)
    assert {name: json.loads(text) for name, text in texts.items()} == {
        name: json.loads(text) for name, text in made.items()
    }
    assert max(map(len, texts.values())) < 262_144
    assert {each["metadata"]["annotations"]["grafana_folder"] for each in maps} == {"callsla"}


def test_each_grafana_dashboard_points_to_its_config_map() -> None:
    """The operator reads it from there."""
    boards = by_kind(rendered("full"), "GrafanaDashboard")
    assert len(boards) == len(generate_dashboards(None))
    for board in boards:
        source = board["spec"]["configMapRef"]
        found = one(rendered("full"), "ConfigMap", source["name"])
        assert found["metadata"]["namespace"] == board["metadata"]["namespace"]
        assert json.loads(found["data"][source["key"]])["uid"]


def test_amtool_takes_the_alertmanager_configuration(tmp_path: Path) -> None:
    """With its templates beside it, and each severity goes where it should."""
    require("amtool")
    data = one(rendered("monitoring"), "ConfigMap", "callsla-alertmanager")["data"]
    for name, text in data.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    config = tmp_path / "alertmanager.yaml"
    code, said = run("amtool", "check-config", config)
    assert code == 0, said
    assert_routed(config)


def assert_routed(config: Path) -> None:
    """Each severity, and the watchdog, to the receiver of its name."""
    ways = {f"severity={each}": each for each in ("critical", "warning", "info")}
    for labels, receiver in {**ways, "alertname=Watchdog": "watchdog"}.items():
        routes = ("amtool", "config", "routes", "test", f"--config.file={config}")
        code, said = run(*routes, f"--verify.receivers={receiver}", labels)
        assert code == 0, said


def as_alertmanager(spec: Values) -> Values:
    """Return an AlertmanagerConfig as Alertmanager has it, its namespace aside."""
    config: Values = {
        "route": _route(spec["route"]),
        "inhibit_rules": [_inhibition(each) for each in spec["inhibitRules"]],
        "receivers": [{"name": each["name"]} for each in spec["receivers"]],
    }
    if "muteTimeIntervals" in spec:
        config["time_intervals"] = [
            {
                "name": each["name"],
                "time_intervals": [_interval(one) for one in each["timeIntervals"]],
            }
            for each in spec["muteTimeIntervals"]
        ]
    return config


def _route(route: Values) -> Values:
    words = {
        "groupBy": "group_by",
        "groupWait": "group_wait",
        "groupInterval": "group_interval",
        "repeatInterval": "repeat_interval",
        "muteTimeIntervals": "mute_time_intervals",
    }
    told = {words.get(key, key): value for key, value in route.items()}
    if "matchers" in told:
        told["matchers"] = _matchers(told["matchers"])
    if "routes" in told:
        told["routes"] = [_route(each) for each in told["routes"]]
    return told


def _matchers(matchers: list[Values]) -> list[str]:
    return [f'{each["name"]}{each["matchType"]}"{each["value"]}"' for each in matchers]


def _inhibition(rule: Values) -> Values:
    told: Values = {
        "source_matchers": _matchers(rule["sourceMatch"]),
        "target_matchers": _matchers(rule["targetMatch"]),
    }
    return {**told, "equal": rule["equal"]} if "equal" in rule else told


def _interval(interval: Values) -> Values:
    told = {key: value for key, value in interval.items() if key in {"weekdays", "months", "years"}}
    if "times" in interval:
        told["times"] = [
            {"start_time": each["startTime"], "end_time": each["endTime"]}
            for each in interval["times"]
        ]
    if "daysOfMonth" in interval:
        told["days_of_month"] = [
            str(each["start"]) if each["start"] == each["end"] else f"{each['start']}:{each['end']}"
            for each in interval["daysOfMonth"]
        ]
    return told


def without_receivers(text: str) -> Values:
    """Return alertmanager.yaml without what only the cluster can say: addresses and templates."""
    config: Values = yaml.safe_load(text)
    del config["templates"]
    config["receivers"] = [{"name": each["name"]} for each in config["receivers"]]
    for each in config.get("time_intervals", []):
        for one_of_them in each["time_intervals"]:
            one_of_them.pop("location", None)
    return config


def test_an_alertmanager_config_says_what_the_generated_file_says(tmp_path: Path) -> None:
    """Routes, waits and what keeps what quiet; amtool takes it, too."""
    require("amtool")
    spec = one(rendered("full"), "AlertmanagerConfig")["spec"]
    told = as_alertmanager(spec)
    assert told == without_receivers((SHIPPED / "alertmanager.yaml").read_text(encoding="utf-8"))
    config = tmp_path / "alertmanager.yaml"
    config.write_text(yaml.safe_dump(told), encoding="utf-8")
    code, said = run("amtool", "check-config", config)
    assert code == 0, said
    assert_routed(config)


def test_receivers_of_an_alertmanager_config_name_secrets() -> None:
    """Every severity reaches somebody, and no address is in the values."""
    receivers = {
        each["name"]: each
        for each in one(rendered("full"), "AlertmanagerConfig")["spec"]["receivers"]
    }
    for each in receivers.values():
        (hook,) = each["webhookConfigs"]
        assert hook["urlSecret"] == {"name": "pager", "key": "url"}
        assert hook["sendResolved"] is (each["name"] != "watchdog")
    assert receivers["critical"]["pagerdutyConfigs"][0]["routingKey"]["name"] == "pagerduty"


def test_an_alertmanager_config_sees_the_alerts() -> None:
    """The operator lets it see its own namespace alone, so every alert carries that."""
    values = {
        **ALL,
        "alertmanager": {
            "kind": "AlertmanagerConfig",
            "namespace": "paging",
            "webhook": {"url": "http://pager/alerts"},
        },
    }
    objects = render(values)
    assert one(objects, "AlertmanagerConfig")["metadata"]["namespace"] == "paging"
    labels = [rule["labels"] for rule in rules(objects) if "alert" in rule]
    assert {each["namespace"] for each in labels} == {"paging"}


def test_one_change_of_slo_yaml_moves_everything(own: tuple[Path, Path]) -> None:
    """Workers, rules, dashboards and routes: each is what the generator makes of that very file."""
    slo, values = own
    objects = render(ALL, "-f", values)
    made = render_all(load_slo(slo))
    assert one(objects, "ConfigMap")["data"]["slo.yaml"].strip() == OWN_SLO.strip()
    assert load_slo(slo).promises.answer.objective == 0.95
    groups = yaml.safe_load(made["callsla-rules.yaml"])["groups"]
    told = [rule for group in groups for rule in group["rules"]]
    for rule in rules(objects):
        rule.get("labels", {}).pop("namespace", None)
    assert rules(objects) == told
    assert told != [rule for group in shipped_rules()["groups"] for rule in group["rules"]]
    boards = {
        name: json.loads(text)
        for each in by_kind(objects, "ConfigMap")
        for name, text in each["data"].items()
        if name.endswith(".json")
    }
    assert boards == {name: json.loads(text) for name, text in generate_dashboards(slo).items()}
    routes = one(objects, "ConfigMap", "callsla-alertmanager")["data"]["alertmanager.yaml"]
    assert without_receivers(routes) == without_receivers(made["alertmanager.yaml"])
    assert "http://pager/alerts" in routes


def test_hours_in_utc_mute_tickets_in_an_alertmanager_config(own: tuple[Path, Path]) -> None:
    """It knows no other time zone; the hours of another are left out rather than told wrong."""
    slo, values = own
    to = {
        "kind": "AlertmanagerConfig",
        "webhook": {"existingSecret": "pager"},
    }
    spec = one(render({"alertmanager": to}, "-f", values), "AlertmanagerConfig")["spec"]
    text = render_all(load_slo(slo))["alertmanager.yaml"]
    assert "time_intervals" in as_alertmanager(spec)
    assert as_alertmanager(spec) == without_receivers(text)


def test_hours_of_another_zone_mute_nothing_in_an_alertmanager_config(tmp_path: Path) -> None:
    """A ticket in the night is better than none by day."""
    slo = tmp_path / "slo.yaml"
    slo.write_text(OWN_SLO.replace("calendar:", "calendar:\n  time_zone: Europe/Berlin"))
    text = subprocess.run(
        [Path(sys.executable).with_name("callsla"), "slo", "values", slo],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    values = {**yaml.safe_load(text), "alertmanager": {"kind": "AlertmanagerConfig",
        "webhook": {"existingSecret": "pager"}}}  # fmt: skip
    spec = one(render(values), "AlertmanagerConfig")["spec"]
    assert "muteTimeIntervals" not in json.dumps(spec)


@pytest.mark.parametrize("change", ["text", "version", "missing", "alone", "dashboards"])
def test_rules_of_another_slo_are_refused(own: tuple[Path, Path], change: str) -> None:
    """Whatever was changed by hand: the workers would promise one thing and the alerts another."""
    values = yaml.safe_load(own[1].read_text(encoding="utf-8"))
    again = "run `callsla slo values slo.yaml > slo-values.yaml` and give that file with -f"
    follows = "prometheusRule, dashboards, alertmanager"
    if change == "text":
        values["slo"] = values["slo"].replace("5s", "6s")
        said = f"slo is not the text that {follows} were generated from: {again}"
    elif change == "version":
        values["generated"]["by"] = "0.0.1"
        by = f"generated by callsla 0.0.1, this chart is of {__version__}"
        said = f"slo: what follows from it was {by}: {again}"
    elif change == "missing":
        del values["generated"]
        said = f"slo is set, but what follows from it is not ({follows}): {again}"
    elif change == "dashboards":
        del values["generated"]["dashboards"]
        said = f"were left out: {again}, without --without-dashboards"
    else:
        del values["slo"]
        said = f"generated is set without the slo it follows from: {again}"
    assert said in refusal({**ALL, **values})


def test_workers_alone_need_nothing_generated() -> None:
    """Who has no rule, dashboard or route in the release may write slo by hand."""
    data = one(render({"slo": OWN_SLO}), "ConfigMap")["data"]
    assert data["slo.yaml"].strip() == OWN_SLO.strip()


def test_prometheus_knows_the_workers_by_their_job() -> None:
    """The rules know a worker that is down by a job with `callsla` in it."""
    (down,) = alerts(rendered("monitoring"), "WorkerDown")
    pattern = re.search(r'job=~"([^"]+)"', down["expr"])
    assert pattern is not None
    for name, kind in (("full", "ServiceMonitor"), ("monitoring", "PodMonitor")):
        label = one(rendered(name), kind)["spec"]["jobLabel"]
        (labelled,) = (
            by_kind(rendered(name), "Service")
            if kind == "ServiceMonitor"
            else [one(rendered(name), "StatefulSet")["spec"]["template"]]
        )
        assert re.fullmatch(pattern[1], labelled["metadata"]["labels"][label])
