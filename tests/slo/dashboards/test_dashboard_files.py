"""The shipped dashboards are what is generated, whole, and what Grafana loads from a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_files import BOARDS, panels
from programs import SHIPPED

from streams.cli import main
from streams.slo.dashboard_files import generate_dashboards, stale_dashboards, write_dashboards
from streams.slo.objective import parse_slo

DASHBOARDS = SHIPPED / "dashboards"
LARGEST_CONFIG_MAP = 1 << 20

pytestmark = pytest.mark.parametrize("name", sorted(BOARDS))


def test_a_shipped_dashboard_is_what_is_generated(name: str) -> None:
    """Nobody edits them by hand, and no change of the generator is forgotten."""
    shipped = (DASHBOARDS / name).read_text(encoding="utf-8")
    assert shipped == generate_dashboards(None)[name], "out of date: run `make dashboards`"


def test_nothing_else_is_shipped(name: str) -> None:
    """A dashboard that is no longer made would stay in users' Grafana for ever."""
    assert {path.name for path in DASHBOARDS.glob("*.json")} == set(BOARDS)
    assert len((DASHBOARDS / name).read_bytes()) < LARGEST_CONFIG_MAP


def test_a_change_by_hand_is_found(name: str, tmp_path: Path) -> None:
    """One that is missing and one that nobody makes, too; the command says so and fails."""
    write_dashboards(None, tmp_path)
    assert stale_dashboards(None, tmp_path) == []
    changed = tmp_path / name
    changed.write_text(changed.read_text(encoding="utf-8").replace("30m", "31m"), encoding="utf-8")
    assert stale_dashboards(None, tmp_path) == [changed] or "30m" not in str(BOARDS[name])
    changed.unlink()
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    assert stale_dashboards(None, tmp_path) == sorted([changed, tmp_path / "old.json"])
    with pytest.raises(SystemExit) as ended:
        main(["slo", "dashboards", "--check", "--to", str(tmp_path)])
    assert ended.value.code == 3


def test_panels_do_not_overlap_and_have_ids_of_their_own(name: str) -> None:
    """Each place of the grid belongs to one panel, and none hangs over the edge."""
    board = BOARDS[name]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        places = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not places & taken, panel["title"]
        taken |= places
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


def test_a_look_takes_few_panels(name: str) -> None:
    """No more than twenty, each under its own title."""
    titles = [panel["title"] for panel in panels(BOARDS[name])]
    assert len(titles) == len(set(titles)) <= 20


def test_missing_data_is_grey_and_never_green(name: str) -> None:
    """Whatever the thresholds say, a value that is not there has its own colour and words."""
    for panel in panels(BOARDS[name]):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["noValue"] == "no data"
        assert {
            "type": "special",
            "options": {"match": "null+nan", "result": {"color": "#8E8E8E", "text": "no data"}},
        } in defaults["mappings"]


def test_the_last_value_counts_even_if_it_is_missing(name: str) -> None:
    """`lastNotNull` would show the number of an hour ago as if it were alive."""
    for panel in panels(BOARDS[name]):
        reduced = panel["options"].get("reduceOptions")
        assert reduced is None or reduced["calcs"] == ["last"]


def test_dashboards_lead_to_each_other(name: str) -> None:
    """By tag, with time and variables; a table's row leads to a dashboard that exists."""
    board = BOARDS[name]
    assert board["uid"] == name.removesuffix(".json")
    assert board["tags"] == ["callsla"]
    link = board["links"][0]
    assert (link["type"], link["tags"]) == ("dashboards", ["callsla"])
    assert link["keepTime"]
    assert link["includeVars"]
    for url in _urls(board):
        uid = url.removeprefix("/d/").partition("?")[0]
        assert f"{uid}.json" in BOARDS, url


def test_thresholds_follow_the_objective(name: str) -> None:
    """Another objective and another target give another dashboard, and other groups of queues."""
    from streams.slo.dashboards import render_dashboards

    strict = "promises: {answer: {target: 7s, objective: 0.97}}\nqueues: {'vip.*,a': {}}\n"
    board = json.loads(render_dashboards(parse_slo(strict))[name])
    groups = [v for v in board["templating"]["list"] if v["name"] == "group"]
    if groups:
        assert groups[0]["query"] == r"All : .*, vip.*\,a : vip[.].*\,a"
        assert board != BOARDS[name]


def _urls(part: Any) -> list[str]:
    """Every link to a dashboard by its address."""
    if isinstance(part, dict):
        own = [part["url"]] if str(part.get("url", "")).startswith("/d/") else []
        return own + [url for value in part.values() for url in _urls(value)]
    return [url for value in part for url in _urls(value)] if isinstance(part, list) else []
