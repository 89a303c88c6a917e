"""Panels: what is asked, how it is shown, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streams.slo.dashboards.look import STATES, Look
from streams.slo.dashboards.sdk import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from streams.slo.durations import compact
from streams.slo.shown import SPAN

__all__ = [
    "DATASOURCE",
    "Ask",
    "Panel",
    "bars",
    "distribution",
    "lines",
    "number",
    "stacked",
    "states",
    "tabled",
]

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = dashboard.Panel


@dataclass(frozen=True, slots=True)
class Ask:
    """One query; `legend` names its series, in a table its column. A dashed one is a limit."""

    expr: str
    legend: str = ""
    dashed: bool = False
    look: Look | None = None
    """of a table's column"""


def number(
    title: str,
    ask: Ask,
    look: Look,
    description: str,
    width: int = 4,
    height: int = 4,
    *,
    over_time: bool = True,
) -> Panel:
    """Return a panel that shows one number, and how it came about unless that costs too much."""
    options = stat.Options(
        color_mode=common.BigValueColorMode.VALUE,
        graph_mode=common.BigValueGraphMode.AREA if over_time else common.BigValueGraphMode.NONE,
        reduce_options=_last(),
    )
    return _panel(
        "stat",
        title,
        [ask],
        description,
        look.field(),
        options,
        width,
        height,
        with_range=over_time,
    )


def bars(title: str, asks: Sequence[Ask], look: Look, description: str, width: int = 8) -> Panel:
    """Return a panel of a few numbers beside each other as bars."""
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        orientation=common.VizOrientation.HORIZONTAL,
        reduce_options=_last(),
    )
    return _panel("bargauge", title, asks, description, look.field(), options, width, 8)


def lines(
    title: str,
    asks: Sequence[Ask],
    look: Look,
    description: str,
    width: int = 12,
    *,
    slow: bool = False,
) -> Panel:
    """Return curves over time; of `slow` ones there is a new value every 5 minutes alone."""
    custom = timeseries.FieldConfig(
        line_width=2, fill_opacity=5, show_points=common.VisibilityMode.NEVER
    )
    return _every(SPAN if slow else 0, _curves(title, asks, look, description, width, custom))


def stacked(
    title: str,
    asks: Sequence[Ask],
    look: Look,
    description: str,
    width: int = 12,
    states: Sequence[str] = (),
    *,
    slow: bool = False,
) -> Panel:
    """Return curves over time, one on top of the other; those of `states` in their colours."""
    custom = timeseries.FieldConfig(
        line_width=1,
        fill_opacity=60,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL, group="A"),
    )
    panel = _every(SPAN if slow else 0, _curves(title, asks, look, description, width, custom))
    if panel.field_config is not None:
        panel.field_config.overrides += [_coloured(state, STATES[state]) for state in states]
    return panel


def distribution(title: str, ask: Ask, unit: str, description: str, width: int = 12) -> Panel:
    """Return buckets of a histogram over time; `unit` is that of the bounds."""
    options = heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME, scheme="Viridis", exponent=0.5, steps=64
        ),
        y_axis=heatmap.YAxisConfig(unit=unit, axis_placement=common.AxisPlacement.LEFT),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True),
    )
    look = Look("short")
    panel = _panel(
        "heatmap", title, [ask], description, look.field(), options, width, 8, with_range=True
    )
    _every(SPAN, panel)
    for target in panel.targets or []:
        if isinstance(target, prometheus.Dataquery):
            target.format_val = prometheus.PromQueryFormat.HEATMAP
    return panel


def states(title: str, ask: Ask, look: Look, description: str, width: int = 24) -> Panel:
    """Return one coloured band per series."""
    custom = statetimeline.FieldConfig(fill_opacity=80, line_width=0)
    options = statetimeline.Options(
        merge_values=True,
        show_value=common.VisibilityMode.NEVER,
        legend=common.VizLegendOptions(show_legend=False),
    )
    field = look.field(custom)
    return _panel(
        "state-timeline", title, [ask], description, field, options, width, 8, with_range=True
    )


def tabled(
    title: str,
    columns: Sequence[Ask],
    by: str,
    description: str,
    sort: str,
    link: dashboard.DashboardLink | None = None,
    width: int = 24,
) -> Panel:
    """Return a table with a row for each value of label `by` and a column for each query."""
    options = table.Options(
        sort_by=[common.TableSortByFieldState(display_name=sort, desc=True)],
        cell_height=common.TableCellHeight.SM,
    )
    field = Look("short").field()
    field.links = None if link is None else [link]
    panel = _panel("table", title, columns, description, field, options, width, 8)
    for target in panel.targets or []:
        if isinstance(target, prometheus.Dataquery):
            target.format_val = prometheus.PromQueryFormat.TABLE
    panel.transformations = _joined(columns, by)
    overrides = [_column(column, column.look) for column in columns if column.look is not None]
    panel.field_config = dashboard.FieldConfigSource(defaults=field, overrides=overrides)
    return panel


def _curves(
    title: str,
    asks: Sequence[Ask],
    look: Look,
    description: str,
    width: int,
    custom: timeseries.FieldConfig,
) -> Panel:
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            show_legend=True,
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
        ),
    )
    field = look.field(custom, by_threshold=False)
    panel = _panel(
        "timeseries", title, asks, description, field, options, width, 8, with_range=True
    )
    overrides = [_limit(_ref(place)) for place, ask in enumerate(asks) if ask.dashed]
    panel.field_config = dashboard.FieldConfigSource(defaults=field, overrides=overrides)
    return panel


def _panel(
    kind: str,
    title: str,
    asks: Sequence[Ask],
    description: str,
    field: dashboard.FieldConfig,
    options: object,
    width: int,
    height: int,
    *,
    with_range: bool = False,
) -> Panel:
    return dashboard.Panel(
        type_val=kind,
        title=title,
        description=description,
        datasource=DATASOURCE,
        targets=[_target(place, ask, with_range) for place, ask in enumerate(asks)],
        grid_pos=dashboard.GridPos(h=height, w=width),
        options=options,
        field_config=dashboard.FieldConfigSource(defaults=field, overrides=[]),
    )


def _every(length: int, panel: Panel) -> Panel:
    """Have points of `panel` no closer than `length` microseconds."""
    panel.interval = compact(length) if length else None
    return panel


def _target(place: int, ask: Ask, with_range: bool) -> prometheus.Dataquery:
    return prometheus.Dataquery(
        expr=ask.expr,
        legend_format=ask.legend or "__auto",
        ref_id=_ref(place),
        datasource=DATASOURCE,
        instant=not with_range,
        range_val=with_range,
    )


def _ref(place: int) -> str:
    return chr(ord("A") + place)


def _last() -> common.ReduceDataOptions:
    """The newest value, missing or not: an old one would look alive."""
    return common.ReduceDataOptions(calcs=["last"], values=False)


def _coloured(name: str, color: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=name),
        properties=[
            dashboard.DynamicConfigValue(
                id_val="color", value={"mode": "fixed", "fixedColor": color}
            )
        ],
    )


def _limit(ref: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    """A limit is a dashed line without an area."""
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byFrameRefID", options=ref),
        properties=[
            dashboard.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
            dashboard.DynamicConfigValue("custom.fillOpacity", 0),
            dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "#D55E00"}),
        ],
    )


def _joined(columns: Sequence[Ask], by: str) -> list[dashboard.DataTransformerConfig]:
    names = {f"Value #{_ref(place)}": ask.legend for place, ask in enumerate(columns)}
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {by: 0, **{name: i for i, name in enumerate(names, start=1)}},
                "renameByName": names,
            },
        ),
    ]


def _column(column: Ask, look: Look) -> dashboard.DashboardFieldConfigSourceOverrides:
    properties = [
        dashboard.DynamicConfigValue("unit", look.unit),
        dashboard.DynamicConfigValue("thresholds", look.thresholds()),
        dashboard.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    ]
    if look.decimals is not None:
        properties.append(dashboard.DynamicConfigValue("decimals", look.decimals))
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=column.legend),
        properties=properties,
    )
