"""The walk through Alertmanager's routes is Alertmanager's own: compared with amtool."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import require, run

from streams.doctor.routes import (
    Matcher,
    RoutesError,
    parse_matchers,
    receivers_of,
    tells_somebody,
)

NAMES = ("root", "a", "b", "c", "d", "e")
TREE: dict[str, Any] = {
    "receiver": "root",
    "routes": [
        {
            "matchers": ['severity="critical"', 'team!="none"'],
            "receiver": "a",
            "continue": True,
            "routes": [
                {"matchers": ['queue=~"sales|support"'], "routes": [{"match": {"x": "1"}}]},
                {"matchers": ["queue = other"], "receiver": "b", "continue": True},
                {"matchers": ['queue!~"s.*"'], "receiver": "c"},
            ],
        },
        {"match_re": {"severity": "crit.*"}, "receiver": "d"},
        {"matchers": ['{alertname="Watchdog",severity=""}'], "receiver": "e"},
        {"matchers": [], "receiver": "b", "match": {"y": "1"}},
        {"matchers": ['quoted="a\\"b,c"'], "receiver": "c"},
    ],
}
CONFIG: dict[str, Any] = {
    "route": TREE,
    "receivers": [{"name": name} for name in NAMES],
}


@pytest.mark.integration
@pytest.mark.parametrize(
    "labels",
    [
        {"alertname": "X"},
        {"severity": "critical", "queue": "sales"},
        {"severity": "critical", "queue": "sales", "x": "1"},
        {"severity": "critical", "queue": "salesmen"},
        {"severity": "critical", "queue": "other"},
        {"severity": "critical", "team": "none"},
        {"severity": "critical", "team": "none", "queue": "other"},
        {"severity": "crit"},
        {"severity": "uncritical"},
        {"alertname": "Watchdog"},
        {"alertname": "Watchdog", "severity": "none"},
        {"y": "1"},
        {"quoted": 'a"b,c'},
    ],
    ids=str,
)
def test_each_alert_goes_where_amtool_says(tmp_path: Path, labels: dict[str, str]) -> None:
    """Old and new matchers, `continue`, inherited receivers, missing labels, quotes."""
    require("amtool")
    path = tmp_path / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    pairs = [f"{name}={json.dumps(value)}" for name, value in labels.items()]
    code, said = run("amtool", "config", "routes", "test", f"--config.file={path}", *pairs)
    assert code == 0, said
    assert ",".join(receivers_of(CONFIG, labels)) == said.splitlines()[0]


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ('a="b"', [Matcher("a", "=", "b")]),
        ("a = b", [Matcher("a", "=", "b")]),
        ('{a="b", c!~"d,e"}', [Matcher("a", "=", "b"), Matcher("c", "!~", "d,e")]),
        ('a=~"\\\\d+"', [Matcher("a", "=~", "\\d+")]),
        ('"a.b"!="c"', [Matcher("a.b", "!=", "c")]),
        ("a=", [Matcher("a", "=", "")]),
        ("", []),
    ],
)
def test_matchers_are_read_as_they_are_written(text: str, matchers: list[Matcher]) -> None:
    """With and without quotes, one or several in braces."""
    assert parse_matchers(text) == matchers


@pytest.mark.parametrize("text", ["a", "=b", 'a="b', "{", 'a="b" c="d"', "a~b"])
def test_what_is_no_matcher_is_said(text: str) -> None:
    """Guessing where an alert goes would be worse than not to know."""
    with pytest.raises(RoutesError):
        parse_matchers(text)


def test_a_pattern_we_do_not_understand_is_said() -> None:
    """Alertmanager's patterns are not quite Python's."""
    with pytest.raises(RoutesError, match="pattern"):
        Matcher("a", "=~", r"\pN(").takes({"a": "1"})


def test_who_tells_somebody_has_a_way_to_send() -> None:
    """An empty list is none, nor is a receiver that is not there."""
    config = {"receivers": [{"name": "a", "webhook_configs": []}, {"name": "b", "x_configs": [1]}]}
    assert [tells_somebody(config, name) for name in "abc"] == [False, True, False]
