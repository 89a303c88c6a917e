"""What the chart renders changes only on purpose, and its papers say what it does."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_golden import GOLDEN, golden_files
from chart_helm import CHART, SETS, one, render, rendered, rendered_text
from programs import REPOSITORY, run

from streams._version import __version__

AGAIN = "look at the difference, then: make chart-golden"


def defaults() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return values


def schema() -> dict[str, Any]:
    text = (CHART / "values.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.integration
def test_every_set_renders_what_it_did() -> None:
    """Against the files that a review has seen."""
    there = {path.name: path.read_text(encoding="utf-8") for path in GOLDEN.iterdir()}
    made = golden_files()
    assert made.keys() == there.keys(), AGAIN
    changed = [name for name, text in made.items() if there[name] != text]
    assert changed == [], AGAIN


@pytest.mark.integration
def test_rendering_is_the_same_each_time() -> None:
    """Or a GitOps tool would see a change in every comparison."""
    for name in ("default", "full"):
        again = render({}, "-f", CHART / "ci" / f"{name}-values.yaml")
        assert [each for each in again if each["kind"] != "Pod"] == [
            each for each in rendered(name) if each["kind"] != "Pod"
        ]


@pytest.mark.integration
def test_no_set_leaves_a_value_behind() -> None:
    """`<no value>` and `%!s` are what a template says that read what is not there."""
    for name in SETS:
        assert not re.search(r"<no value>|%!|\[map\[", rendered_text(name)), name


def test_the_readme_knows_every_value() -> None:
    """Its tables are made of the comments in values.yaml."""
    script = REPOSITORY / "deploy" / "helm" / "values_readme.py"
    code, said = run(sys.executable, script, "--check")
    assert code == 0, said


def test_every_value_is_described() -> None:
    """In values.yaml, each by a comment of its own or by that of its group."""
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| .* \| (.*) \|$", readme, re.MULTILINE)
    assert len(rows) > 100
    assert [name for name, about in rows if not about.strip()] == []


def test_the_schema_knows_every_value_and_no_other() -> None:
    """And it is closed everywhere but in `global`, which belongs to all charts."""
    assert list(_disagreements(defaults(), schema(), "")) == []


def _disagreements(values: dict[str, Any], part: dict[str, Any], way: str) -> Any:
    properties = part["properties"]
    if properties.keys() != values.keys():
        yield way, properties.keys() ^ values.keys()
    if way != ".global" and part["additionalProperties"] is not False:
        yield way, "open"
    for name, value in values.items():
        inside = properties.get(name, {})
        if isinstance(value, dict) and value and "properties" in inside:
            known = {key: each for key, each in inside["properties"].items() if key in value}
            extra = set(inside["properties"]) - set(known) - {"initialDelaySeconds"}
            assert not extra, (way, name, extra)
            yield from _disagreements(value, {**inside, "properties": known}, f"{way}.{name}")


def test_chart_and_program_are_of_one_version() -> None:
    """Chart, image and the values that `callsla slo values` writes."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    assert images[0]["image"] == f"ghcr.io/callsla/callsla:{__version__}"
    changes = yaml.safe_load(chart["annotations"]["artifacthub.io/changes"])
    assert {each["kind"] for each in changes} <= {
        "added", "changed", "deprecated", "removed", "fixed", "security",
    }  # fmt: skip


@pytest.mark.integration
def test_the_notes_say_the_next_commands(tmp_path: Path) -> None:
    """For this release and namespace, and what is not watched yet."""
    chart = tmp_path / "callsla"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "NOTES.txt")
    (chart / "templates" / "notes.yaml").write_text(
        "{kind: Notes, metadata: {name: notes}, "
        'text: {{ tpl (.Files.Get "NOTES.txt") . | toJson }}}'
    )
    notes = one(render({}, chart=chart), "Notes", "notes")["text"]
    assert "kubectl -n calls rollout status statefulset/callsla" in notes
    assert "helm -n calls test callsla" in notes
    assert "set serviceMonitor.enabled" in notes
    assert "set prometheusRule.enabled" in notes
    assert "Only Pods of the namespace monitoring can scrape" in notes
    watched = {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    notes = one(render(watched, chart=chart), "Notes", "notes")["text"]
    assert "enabled" not in notes


@pytest.mark.integration
def test_two_releases_share_no_name() -> None:
    """Of one namespace, with long names, too."""
    long = "a" * 53
    first, second = (
        render({"fullnameOverride": name}) for name in (f"{long[:50]}-b", f"{long[:50]}-c")
    )
    names = [
        {(each["kind"], each["metadata"]["name"]) for each in part} for part in (first, second)
    ]
    assert not names[0] & names[1]
    assert max(len(name) for part in names for _, name in part) <= 63
