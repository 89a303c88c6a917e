"""The rules of grafana/dashboard-linter, by its names, and some that it does not have.

The tool itself is a Go module that is not everywhere to be had, so its rules are here.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from grafana_files import BOARDS, VALUES, Query, panels, queries, sent
from programs import SHIPPED, require, run

from streams.metrics import BY_NAME
from streams.slo.dashboards.sdk import dashboard
from streams.slo.objective import load_slo, parse_slo
from streams.slo.rulesfile import rule_groups

Board = dict[str, Any]
Rule = Callable[[Board], Iterator[str]]

EXCEPTIONS: Final = yaml.safe_load((SHIPPED / "dashboards" / ".lint").read_text(encoding="utf-8"))
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COUNTER: Final = re.compile(r"\b(\w+_(?:total|bucket|count|sum))\b")
RATED: Final = re.compile(r"\b(?:rate|increase)\((\w+)(?:\{[^}]*\})?\[([^\]]+)\]")
SELECTOR: Final = re.compile(r"\b(callcenter_\w+)(?:\{([^}]*)\})?")
RECORDED: Final = re.compile(r"\b(?:queue|centre):[\w:]+")
LABEL: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
SUFFIX: Final = re.compile(r"_(bucket|sum|count)$")
ALERT_LABELS: Final = {"alertname", "alertstate"}
VARIABLE: Final = "$__rate_interval"


def _variables(board: Board) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def _asked(board: Board) -> list[Query]:
    return [query for query in queries() if query.board == f"{board['uid']}.json"]


def _in_panels(board: Board) -> list[Query]:
    return [query for query in _asked(board) if query.kind != "annotation"]


def template_datasource(board: Board) -> Iterator[str]:
    """One variable chooses the data source."""
    sources = [v for v in _variables(board).values() if v["type"] == "datasource"]
    if [(v["name"], v["label"], v["query"]) for v in sources] != [
        ("datasource", "Data source", "prometheus")
    ]:
        yield "there must be one variable of data sources, called datasource"


def template_label(name: str) -> Rule:
    """A variable of that label, by which queries choose."""

    def rule(board: Board) -> Iterator[str]:
        if name not in _variables(board):
            yield f"no variable {name}"

    return rule


def template_label_promql(board: Board) -> Iterator[str]:
    """A query variable asks for the values of a label that its metric has."""
    for variable in _variables(board).values():
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((\w+)\{.*\}, (\w+)\)", variable["query"]["query"])
            if not found or found[2] not in BY_NAME[found[1]].labels:
                yield f"{variable['name']} asks {variable['query']}"


def template_on_time_change_reload(board: Board) -> Iterator[str]:
    """What can be chosen follows the time range."""
    for variable in _variables(board).values():
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"{variable['name']} is not read again when the time range changes"


def panel_datasource(board: Board) -> Iterator[str]:
    """Panels, their queries, annotations and variables use the chosen data source."""
    parts = [*panels(board), *board["annotations"]["list"]]
    parts += [target for panel in panels(board) for target in panel["targets"]]
    parts += [v for v in _variables(board).values() if v["type"] == "query"]
    yield from (str(part)[:80] for part in parts if part["datasource"] != SOURCE)


def panel_title_description(board: Board) -> Iterator[str]:
    """A title, and what to do about what one sees: at least two sentences."""
    for panel in panels(board):
        sentences = re.split(r"(?<=[.:;])\s", panel["description"])
        if not panel["title"] or len(sentences) < 2 or not panel["description"].endswith("."):
            yield panel["title"]


def panel_units(board: Board) -> Iterator[str]:
    """A unit that Grafana knows."""
    from grafana_foundation_sdk.models import units

    known = {value for value in vars(units).values() if isinstance(value, str)}
    for panel in panels(board):
        field = panel["fieldConfig"]
        overridden = [
            one["value"]
            for override in field["overrides"]
            for one in override["properties"]
            if one["id"] == "unit"
        ]
        for unit in (field["defaults"]["unit"], *overridden):
            if unit not in known:
                yield f"{panel['title']}: {unit}"


def panel_no_targets(board: Board) -> Iterator[str]:
    """At least one query a panel, each with a letter of its own."""
    for panel in panels(board):
        letters = [target["refId"] for target in panel["targets"]]
        if not letters or len(letters) != len(set(letters)):
            yield panel["title"]


def target_rate_interval(board: Board) -> Iterator[str]:
    """Rates follow the resolution of the picture."""
    for query in _in_panels(board):
        yield from (str(query) for _, span in RATED.findall(query.expr) if span != VARIABLE)


def target_counter_agg(board: Board) -> Iterator[str]:
    """A counter is a rate or an increase; alone it says when its worker was started."""
    for query in _in_panels(board):
        rated = [name for name, _ in RATED.findall(query.expr)]
        counters = COUNTER.findall(RECORDED.sub("", query.expr))
        if sorted(rated) != sorted(counters):
            yield f"{query}: {counters}"


def target_label(name: str) -> Rule:
    """Each selection is by that label."""

    def rule(board: Board) -> Iterator[str]:
        for query in _in_panels(board):
            if f'{name}=~"${name}"' not in query.expr:
                yield str(query)

    return rule


def uneditable_dashboard(board: Board) -> Iterator[str]:
    """A change in Grafana would be lost with the next version."""
    if board["editable"]:
        yield "editable"


RULES: Final[dict[str, Rule]] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": template_label("job"),
    "template-instance-rule": template_label("instance"),
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target_label("job"),
    "target-instance-rule": target_label("instance"),
    "target-counter-agg-rule": target_counter_agg,
    "uneditable-dashboard-rule": uneditable_dashboard,
}
"""Beside these it looks at LogQL, of which there is none, and at PromQL, which promtool does."""


@pytest.mark.parametrize("rule", sorted(RULES.keys() - EXCEPTIONS["exclusions"].keys()))
def test_every_dashboard_passes(rule: str) -> None:
    """Rule by rule."""
    found = {name: list(RULES[rule](board)) for name, board in BOARDS.items()}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("rule", sorted(EXCEPTIONS["exclusions"]))
def test_an_exception_is_needed_and_has_a_reason(rule: str) -> None:
    """One that nothing breaks any more would hide the next breach; there are two reasons."""
    assert any(list(RULES[rule](board)) for board in BOARDS.values())
    reasons = [exception["reason"] for exception in EXCEPTIONS["exclusions"].values()]
    assert all(len(reason) > 40 for reason in reasons)
    assert len(set(reasons)) <= 2


def test_the_rules_find_what_they_are_for() -> None:
    """A board with everything wrong is told by each of them."""
    wrong: Board = {
        "uid": "wrong",
        "editable": True,
        "templating": {
            "list": [
                {
                    "name": "queue",
                    "type": "query",
                    "refresh": 1,
                    "datasource": None,
                    "query": {"query": "label_values(callcenter_calls_waiting{}, agent)"},
                }
            ]
        },
        "annotations": {"list": []},
        "panels": [
            {
                "title": "",
                "type": "stat",
                "description": "A number.",
                "datasource": None,
                "fieldConfig": {"defaults": {"unit": "parsec"}, "overrides": []},
                "targets": [],
            }
        ],
    }
    of_queries = {rule for rule in RULES if rule.startswith("target-")}
    assert {rule for rule in RULES if not list(RULES[rule](wrong))} == of_queries


@pytest.mark.parametrize(
    ("expr", "faults"),
    [
        ("sum(rate(callcenter_ticks_total[5m]))", (1, 0)),
        ("sum(callcenter_ticks_total)", (0, 1)),
        ("sum(rate(callcenter_ticks_total[$__rate_interval]))", (0, 0)),
    ],
)
def test_the_rules_about_counters_find_them(
    monkeypatch: pytest.MonkeyPatch, expr: str, faults: tuple[int, int]
) -> None:
    """A fixed range and a bare counter."""
    asked = Query("wrong.json", "panel", "stat", "A", expr, "")
    monkeypatch.setitem(globals(), "queries", lambda: [asked])
    board: Board = {"uid": "wrong"}
    assert (len(list(target_rate_interval(board))), len(list(target_counter_agg(board)))) == faults


@pytest.mark.integration
def test_promtool_parses_every_query(tmp_path: Path) -> None:
    """Each as a rule of its own."""
    require("promtool")
    rules = [{"record": f"q:{i}", "expr": sent(q.expr)} for i, q in enumerate(queries())]
    groups = {"groups": [{"name": "queries", "rules": rules}]}
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump(groups), encoding="utf-8")
    code, said = run("promtool", "check", "rules", tmp_path / "queries.yaml")
    assert code == 0, said
    assert f"{len(rules)} rules found" in said


def test_no_curve_is_drawn_of_what_each_queue_has_in_each_partition() -> None:
    """200 queues in 12 partitions: six hours of one counter are 3.5 million samples.

    Corrections are left: of most queues there are none.
    """
    assert any(query.is_instant for query in queries())
    for query in (query for query in queries() if not query.is_instant):
        for name, _ in SELECTOR.findall(RECORDED.sub("", query.expr)):
            metric = BY_NAME[SUFFIX.sub("", name) if SUFFIX.sub("", name) in BY_NAME else name]
            dear = {"queue", "partition"} <= {*metric.labels}
            assert not dear or name == "callcenter_corrections_total", f"{query}: {name}"


def test_every_metric_and_label_is_exported() -> None:
    """A panel over a name that no worker has would be empty for ever."""
    uses = [
        (name, label, str(query))
        for query in queries()
        for name, inside in SELECTOR.findall(RECORDED.sub("", query.expr))
        for label in ["", *LABEL.findall(inside)]
    ]
    assert len(uses) > 100
    for name, label, query in uses:
        metric = BY_NAME[SUFFIX.sub("", name) if SUFFIX.sub("", name) in BY_NAME else name]
        of_bucket = {"le"} if name.endswith("_bucket") else set()
        assert not label or label in {*metric.labels, *of_bucket}, query


def test_every_class_of_a_window_is_one_it_has() -> None:
    """A pattern that matches no class would count nothing."""
    from streams.metrics.window_families import CLASSES

    classes = [name for names in CLASSES.values() for name in names]
    rules = [rule["expr"] for group in rule_groups(load_slo()) for rule in group["rules"]]
    asked = [*rules, *(query.expr for query in queries())]
    patterns = {pattern for expr in asked for pattern in re.findall(r'class=~"([^"]*)"', expr)}
    assert len(patterns) > 3
    for pattern in patterns:
        for part in pattern.split("|") if "(" not in pattern else [pattern]:
            assert any(re.fullmatch(part, name) for name in classes), part


def test_alerts_have_the_labels_they_are_chosen_by() -> None:
    """Annotations and bands of alerts ask for labels that rules set."""
    rules = [rule for group in rule_groups(load_slo()) for rule in group["rules"]]
    known = {label for rule in rules if "alert" in rule for label in rule["labels"]}
    asked = {
        label
        for query in queries()
        for inside in re.findall(r"ALERTS\{([^}]*)\}", query.expr)
        for label in LABEL.findall(inside)
    }
    assert asked - {"queue"} - ALERT_LABELS <= known
    assert asked > ALERT_LABELS


def test_every_variable_is_known_where_it_is_used() -> None:
    """And the test sends a value for each."""
    for query in queries():
        own = _variables(BOARDS[query.board])
        used = set(re.findall(r"\$\{?(\w*[a-z]\w*)\}?", query.expr))
        assert used <= {*own, "__rate_interval"}, str(query)
        assert used <= set(VALUES), str(query)


def test_the_types_refuse_what_is_wrong() -> None:
    """The reason to have them: a misspelt option is an error and not a panel that looks odd."""
    with pytest.raises(TypeError, match="unti"):
        dashboard.FieldConfig(unti="s")  # type: ignore[call-arg]


def test_alerts_point_to_dashboards_that_exist() -> None:
    """With a variable that is there, too."""
    objective = parse_slo("links: {dashboards: https://grafana.example}")
    rules = [rule for group in rule_groups(objective) for rule in group["rules"]]
    links = {rule["annotations"]["dashboard_url"] for rule in rules if "alert" in rule}
    assert len(links) > 2
    for link in links:
        found = re.match(r"https://grafana\.example/d/([\w-]+)\?(?:var-(\w+)=)?", link)
        assert found, link
        board = BOARDS[f"{found[1]}.json"]
        assert found[2] is None or found[2] in _variables(board)
