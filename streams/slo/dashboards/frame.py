"""What all dashboards have in common: variables, annotations, links, layout, identity."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from streams.slo.dashboards.look import BAD, NEUTRAL
from streams.slo.dashboards.parts import DATASOURCE
from streams.slo.dashboards.sdk import JSONEncoder, dashboard, prometheus
from streams.slo.objective import Objective

__all__ = ["Board", "Row", "link_to", "render"]

TAG: Final = "callsla"
SCHEMA: Final = 39
"""The newest that Grafana 10 knows; later ones bring it up to date as they load it."""
GRID: Final = 24

ALL: Final = ".*"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beside each other under a title."""

    title: str
    panels: Sequence[dashboard.Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `variables` are further ones, `uid` is its file's name, too."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[dashboard.VariableModel] = ()
    since: str = "now-6h"
    by_queue: bool = True


def render(board: Board, objective: Objective) -> str:
    """Return the dashboard as JSON, the same for the same objective."""
    queues = [_group(objective), _queue()] if board.by_queue else []
    built = dashboard.Dashboard(
        uid=board.uid,
        title=board.title,
        description=board.description,
        tags=[TAG],
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=board.since, to="now"),
        refresh="30s",
        schema_version=SCHEMA,
        panels=list(_laid_out(board.rows)),
        templating=dashboard.DashboardDashboardTemplating(
            list_val=[_datasource(), *queues, *board.variables]
        ),
        annotations=dashboard.AnnotationContainer(list_val=_annotations(board)),
        links=[_links()],
    )
    return json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def link_to(uid: str, title: str) -> dashboard.DashboardLink:
    """Return a link from a table's row to the dashboard `uid` for that row's queue."""
    row = "var-queue=${__data.fields.queue}&${__url_time_range}&${datasource:queryparam}"
    url = f"/d/{uid}?{row}"
    return dashboard.DashboardLink(title=title, type_val=dashboard.DashboardLinkType.LINK, url=url)


def _laid_out(rows: Sequence[Row]) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    number, y = 0, 0
    for row in rows:
        number += 1
        place = dashboard.GridPos(h=1, w=GRID, x=0, y=y)
        yield dashboard.RowPanel(title=row.title, id_val=number, grid_pos=place)
        x, y, height = 0, y + 1, 0
        for panel in row.panels:
            size = panel.grid_pos or dashboard.GridPos()
            if x + size.w > GRID:
                x, y, height = 0, y + height, 0
            number += 1
            panel.id_val = number
            panel.grid_pos = dashboard.GridPos(h=size.h, w=size.w, x=x, y=y)
            x, height = x + size.w, max(height, size.h)
            yield panel
        y += height


def _datasource() -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        current=dashboard.VariableOption(text="default", value="default"),
    )


def _group(objective: Objective) -> dashboard.VariableModel:
    """Groups of queues: those that `slo.yaml` gives promises of their own, by name or pattern."""
    groups = [("All", ALL), *((name, _as_regex(name)) for name in objective.queues)]
    options = [
        dashboard.VariableOption(selected=place == 0, text=text, value=value)
        for place, (text, value) in enumerate(groups)
    ]
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name="group",
        label="Group",
        description="Queues with promises of their own in slo.yaml",
        query=", ".join(f"{_escaped(text)} : {_escaped(value)}" for text, value in groups),
        options=options,
        current=options[0],
    )


def _as_regex(pattern: str) -> str:
    """A shell pattern as RE2 has it, without backslashes: Grafana and PromQL each eat some."""
    parts = re.split(r"(\*|\?|\[[^\]]*\])", pattern)
    known = {"*": ".*", "?": "."}
    return "".join(
        known.get(part) or (_class(part) if part.startswith("[") else _literally(part))
        for part in parts
    )


def _literally(text: str) -> str:
    return re.sub(r"[\^\\]", ".", re.sub(r"([.+*?()\[\]{}|$])", r"[\1]", text))


def _class(part: str) -> str:
    return "[^" + part[2:] if part.startswith("[!") else part


def _escaped(text: str) -> str:
    r"""Commas part the options of a custom variable, `\,` does not."""
    return text.replace(",", r"\,")


def _queue() -> dashboard.VariableModel:
    query = 'label_values(callcenter_calls_offered_total{queue=~"$group"}, queue)'
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name="queue",
        label="Queue",
        description="One queue, several, or all of the group",
        datasource=DATASOURCE,
        query={"query": query, "refId": "queue", "qryType": 1},
        definition=query,
        multi=True,
        include_all=True,
        # All queues are not spelled out: with hundreds the queries would be long.
        all_value=ALL,
        current=dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]),
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
    )


def _annotations(board: Board) -> list[dashboard.AnnotationQuery]:
    # Without a queue: an alert about all queues together.
    where = 'queue=~"$queue|",' if board.by_queue else ""
    breaches = f'ALERTS{{{where}app="callsla",promise!="",alertstate="firing"}}'
    blind = 'ALERTS{app="callsla",blind="true",alertstate="firing"}'
    now = "group by (version) (callcenter_build_info)"
    deployed = f"{now} unless {now.replace('info)', 'info offset 5m)')}"
    return [
        _annotation("Breaches", breaches, BAD, "{{alertname}}", "{{queue}} {{promise}}"),
        _annotation("Blind", blind, "#CC79A7", "{{alertname}}", "The numbers cannot be believed"),
        _annotation("Deployments", deployed, NEUTRAL, "callsla {{version}}", "A new version"),
    ]


def _annotation(
    name: str, expr: str, color: str, title: str, text: str
) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=name,
        datasource=DATASOURCE,
        enable=True,
        icon_color=color,
        expr=expr,
        title_format=title,
        text_format=text,
        step="60s",
        target=prometheus.Dataquery(expr=expr, ref_id="Anno", range_val=True, instant=False),
    )


def _links() -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="callsla",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="The other dashboards, for the same time and queues",
        tags=[TAG],
        include_vars=True,
        keep_time=True,
    )
