"""deploy/compose, read: and each part of it that is at hand, started as it stands there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from engine import COMPOSE, ROOT, sandboxed, services
from programs import require

FILES: Final = ROOT / "deploy" / "helm" / "callsla" / "files"
NAMES: Final = sorted(services())


def shipped(name: str) -> Any:
    return yaml.safe_load((COMPOSE.parent / name).read_text(encoding="utf-8"))


def test_the_file_follows_the_compose_specification() -> None:
    """The schema comes with the checker: no network."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = (checker, "--builtin-schema", "vendor.compose-spec", COMPOSE)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_locked_down(name: str) -> None:
    """Nothing to write to but what is named, no rights, no way to get any, not root."""
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & service.keys()
    # The image of Kafka names its own user, which is not root.
    assert service.get("user", "1000").partition(":")[0] != "0"
    for volume in service.get("volumes", []):
        source, _, target = volume.partition(":")
        assert "docker.sock" not in volume
        assert target.endswith(":ro") or source in {"kafka", "prometheus", "alertmanager"}


@pytest.mark.parametrize("name", NAMES)
def test_an_image_has_an_exact_version(name: str) -> None:
    """Or is built here."""
    service = services()[name]
    if "build" in service:
        assert service["build"]["dockerfile"] == "deploy/docker/Dockerfile"
        assert (COMPOSE.parent / service["build"]["context"]).resolve() == ROOT
    else:
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    """Grafana and the others ask for no password there."""
    for port in services()[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


def test_what_others_wait_for_has_a_health_check() -> None:
    """And whoever is asked for health can be asked without a shell."""
    every = services()
    for name, service in every.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_started", name
            assert how["condition"] != "service_healthy" or "healthcheck" in every[needed]
    assert {name for name, each in every.items() if "healthcheck" in each} == {
        "kafka", "worker", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    for service in every.values():
        assert service.get("healthcheck", {}).get("test", ["CMD"])[0] == "CMD"


def test_the_generated_files_are_mounted_not_copied() -> None:
    """There is one copy of the rules, routes, words and dashboards."""
    mounted = {
        (COMPOSE.parent / volume.split(":")[0]).resolve()
        for service in services().values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    }
    assert all(path.exists() for path in mounted)
    wanted = ("callsla-rules.yaml", "alertmanager.yaml", "callsla.tmpl", "dashboards", "slo.yaml")
    assert {FILES / name for name in wanted} <= mounted


def test_an_outage_is_a_profile() -> None:
    """Without it nothing is broken on purpose."""
    profiles = {name: each["profiles"] for name, each in services().items() if "profiles" in each}
    assert profiles == {"outage": ["outage"]}
    assert "none" in services()["centre"]["command"]


def test_grafana_finds_everything_by_itself() -> None:
    """One source of data under a fixed uid, the dashboards, one of them as the home page."""
    (source,) = shipped("grafana/datasources.yaml")["datasources"]
    assert (source["uid"], source["type"], source["isDefault"]) == ("callsla", "prometheus", True)
    assert source["url"] == "http://prometheus:9090"
    (provider,) = shipped("grafana/dashboards.yaml")["providers"]
    mounts = dict(volume.split(":")[:2] for volume in services()["grafana"]["volumes"])
    at = {target: source for source, target in mounts.items()}
    folder = COMPOSE.parent / at[provider["options"]["path"]]
    boards = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    assert len(boards) >= 5
    environment = services()["grafana"]["environment"]
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert (folder / home.name).is_file()


def test_the_dashboards_choose_that_source() -> None:
    """Each asks for a source of Prometheus' kind, of which there is one."""
    for path in (FILES / "dashboards").glob("*.json"):
        variables = json.loads(path.read_text())["templating"]["list"]
        (chosen,) = [each for each in variables if each["type"] == "datasource"]
        assert chosen["query"] == "prometheus"
        uids = set(re.findall(r'"uid": "([^"]+)"', path.read_text()))
        assert uids - {path.stem} <= {"${datasource}", "-- Grafana --", "callsla"}


def test_whoever_looks_may_change_nothing() -> None:
    """And nobody can log in to."""
    environment = services()["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def test_promtool_and_amtool_take_the_files() -> None:
    """With the rules and templates where the containers have them."""
    require("promtool", "amtool")
    config = COMPOSE.parent / "prometheus.yaml"
    assert config.read_text().count("callsla-rules.yaml") == 1
    rules = subprocess.run(
        ["promtool", "check", "rules", FILES / "callsla-rules.yaml"], check=False
    )
    assert rules.returncode == 0
    routes = subprocess.run(["amtool", "check-config", FILES / "alertmanager.yaml"], check=False)
    assert routes.returncode == 0


PROBE: Final = """
import json, sys, urllib.request
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from engine import Engine

def data(what):
    url = f"http://127.0.0.1:9090/api/v1/{what}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)["data"]

engine = Engine(Path(sys.argv[2]))
with engine.up("prometheus", "alertmanager", "told", "worker"):
    for name in ("worker", "prometheus", "alertmanager"):
        engine.wait_for_health(name)
    groups = data("rules")["groups"]
    engine.wait_for_words("told", "Watchdog", 300)
    print(json.dumps({
        "rules": [rule["name"] for group in groups for rule in group["rules"]],
        "health": sorted({rule["health"] for group in groups for rule in group["rules"]}),
        "targets": data("targets")["activeTargets"],
        "topics": engine.log("topics"), "told": engine.log("told"), "kafka": engine.log("kafka"),
    }))
"""


@pytest.mark.integration
@pytest.mark.timeout(700)
def test_the_parts_start_as_they_stand(tmp_path: Path) -> None:
    """Kafka by its environment, topics, a worker that is ready, Prometheus, Alertmanager, told.

    The same commands, environments, mounts and names; read-only, as the container's user, in a
    network that is cut off. The whole chain with its outage: `make test-compose`.
    """
    require("prometheus", "prometheus-alertmanager", "bwrap", "java")
    here = str(Path(__file__).parent)
    command = sandboxed(sys.executable, "-c", PROBE, here, str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=690)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert "AnswerPromiseFastBurn" in said["rules"]
    assert {target["labels"]["job"] for target in said["targets"]} == {"callsla", "prometheus"}
    assert {"callcenter.events", "callcenter.ledger"} <= set(said["topics"].split())
    assert re.search(r"^INFO +Watchdog: The alarm chain works", said["told"], re.MULTILINE)
    assert "process.roles=broker,controller" in said["kafka"]
