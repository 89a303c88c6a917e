"""The published state as Prometheus metrics: as families of samples, and fast as text."""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Final

from prometheus_client.metrics_core import Metric as Family

from streams.metrics.blocks import Blocks, totals_sections, window_sections
from streams.metrics.columns import Column
from streams.metrics.live_families import LIVE_FAMILIES
from streams.metrics.metric import Metric
from streams.metrics.names import METRICS
from streams.metrics.published import PublishedWorker
from streams.metrics.totals_families import TOTALS_FAMILIES
from streams.metrics.view import Sections, View
from streams.metrics.window_families import WINDOW_FAMILIES
from streams.metrics.worker_families import WORKER_FAMILIES

__all__ = ["OPENMETRICS_END", "Renderer", "collect", "describe"]

OPENMETRICS_END: Final = b"# EOF\n"

_SMALL: Final[Mapping[str, Sections]] = {**LIVE_FAMILIES, **WORKER_FAMILIES}
_TOTALS: Final = {name: index for index, name in enumerate(TOTALS_FAMILIES)}
_WINDOWS: Final = {name: index for index, name in enumerate(WINDOW_FAMILIES)}
_ALL: Final[Mapping[str, Sections]] = {
    **{name: partial(totals_sections, name) for name in _TOTALS},
    **{name: partial(window_sections, name) for name in _WINDOWS},
    **_SMALL,
}


def describe() -> Iterator[Family]:
    """Yield every family without samples."""
    for metric in METRICS:
        yield Family(metric.family, metric.help, metric.kind, metric.unit)


def collect(worker: PublishedWorker) -> Iterator[Family]:
    """Yield every family with its samples, for `prometheus_client`."""
    view = View(worker)
    for metric, family in zip(METRICS, describe(), strict=True):
        for common, rows, values in _ALL[metric.name](view):
            for (suffix, extra), value in zip(rows.items, values, strict=True):
                family.add_sample(metric.name + suffix, {**common.labels, **extra}, value)
        yield family


class Renderer:
    """Renders what `collect` yields as text, and remembers the text for the next time.

    For one thread at a time.
    """

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._small = {name: Column(()) for name in _SMALL}

    def render(self, worker: PublishedWorker, *, openmetrics: bool) -> Iterator[Column]:
        """Yield the text: format 0.0.4, or OpenMetrics 1.0 but for its end.

        The two differ in the heads of the families alone.
        """
        view = View(worker)
        totals = self._blocks.totals(view)
        windows = self._blocks.windows(view)
        for metric in METRICS:
            name = metric.name
            yield _head(metric, openmetrics)
            if name in _TOTALS:
                yield from [columns[_TOTALS[name]] for columns in totals]
            elif name in _WINDOWS:
                yield from [columns[_WINDOWS[name]] for columns in windows]
            else:
                yield self._small_column(name, view)

    def _small_column(self, name: str, view: View) -> Column:
        text = b"".join([rows.text(common, values) for common, rows, values in _SMALL[name](view)])
        column = self._small[name] = self._small[name].followed_by((text,))
        return column


@lru_cache(maxsize=2 * len(METRICS))
def _head(metric: Metric, openmetrics: bool) -> Column:
    return Column((_openmetrics_head(metric) if openmetrics else _plain_head(metric),))


def _plain_head(metric: Metric) -> bytes:
    kind = "gauge" if metric.kind == "info" else metric.kind
    text = f"# HELP {metric.name} {_escape(metric.help)}\n# TYPE {metric.name} {kind}\n"
    return text.encode()


def _openmetrics_head(metric: Metric) -> bytes:
    family = metric.family
    text = _escape(metric.help).replace('"', r"\"")
    unit = f"# UNIT {family} {metric.unit}\n" if metric.unit else ""
    return f"# HELP {family} {text}\n# TYPE {family} {metric.kind}\n{unit}".encode()


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
