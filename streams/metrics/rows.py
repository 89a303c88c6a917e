"""How samples become text: the labels are laid out once, a scrape only fills in the numbers."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from prometheus_client.utils import floatToGoString

from streams.instants import SECOND
from streams.metrics.metric import Metric

__all__ = [
    "Common",
    "Number",
    "Row",
    "Rows",
    "Section",
    "histogram_rows",
    "histogram_values",
    "seconds",
]

Number: TypeAlias = int | float
Row: TypeAlias = tuple[str, dict[str, str]]
"""The suffix of one sample's name, and the labels it does not share with its neighbours."""

_COMMON: Final = "\0"


class Common:
    """The labels that a run of samples shares, such as partition and queue."""

    __slots__ = ("labels", "text")

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        # It ends up in a template for `%`, hence the doubled sign.
        self.text = _label_text(labels).replace("%", "%%")


class Rows:
    """The samples of `metric` under any one set of common labels, in order."""

    __slots__ = ("items", "metric", "template")

    def __init__(self, metric: Metric, items: Sequence[Row]) -> None:
        self.metric = metric
        self.items = tuple(items)
        self.template = "".join(_line(metric, suffix, extra) for suffix, extra in items)

    def text(self, common: Common, values: list[Number]) -> bytes:
        """Return the lines under `common` in the text format (0.0.4 and OpenMetrics alike)."""
        text = self.template.replace(_COMMON, common.text) % tuple(values)
        # A lone surrogate in a queue name must not cost the whole scrape.
        return text.encode("utf-8", "replace")


Section: TypeAlias = tuple[Common, Rows, list[Number]]
"""The samples of one metric under one set of common labels."""


@lru_cache(maxsize=4096)
def histogram_rows(metric: Metric, bounds: tuple[float, ...], **extra: str) -> Rows:
    """Return the rows of a histogram with `bounds` in seconds."""
    les = [*map(floatToGoString, bounds), "+Inf"]
    buckets = [("_bucket", {**extra, "le": le}) for le in les]
    return Rows(metric, [*buckets, ("_count", extra), ("_sum", extra)])


def histogram_values(cumulative: Sequence[int], total: float) -> list[Number]:
    """Return the values for `histogram_rows` from cumulative counts and a sum in seconds."""
    return [*cumulative, cumulative[-1], total]


def seconds(instant: int | None) -> float | None:
    """Return `instant` (microseconds) in seconds; none for 0, which means "not yet"."""
    return instant / SECOND if instant else None


def _line(metric: Metric, suffix: str, extra: dict[str, str]) -> str:
    names = sorted({*metric.labels, *extra})
    common = [name for name in names if name not in extra]
    if not names:
        return f"{metric.name}{suffix} %s\n"
    parts = [
        _COMMON if name in common else _label_text({name: extra[name]}).replace("%", "%%")
        for name in names
        if name in extra or name == common[0]
    ]
    if not _neighbours(names, common):
        message = f"the common labels of {metric.name} are not neighbours when sorted"
        raise ValueError(message)
    return f"{metric.name}{suffix}{{{','.join(parts)}}} %s\n"


def _neighbours(names: list[str], common: list[str]) -> bool:
    if not common:
        return True
    first = names.index(common[0])
    return names[first : first + len(common)] == common


def _label_text(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in sorted(labels.items()))


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
