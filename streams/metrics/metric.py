"""What is known of a metric before it has a value."""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Kind", "Metric", "Per"]

Kind = Literal["counter", "gauge", "histogram", "info"]
Per = Literal["worker", "partition", "queue", "queue and partition", "raw topic"]
"""What the number of series grows with."""

_UNITS: Final = ("seconds", "ratio", "events", "bytes")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric family.

    `each` is the number of series for each of `per` (buckets, sum and count included, with the
    targets of the default configuration). Label `le` of a histogram is not in `labels`.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    question: str
    per: Per
    each: int = 1

    @property
    def family(self) -> str:
        """The name without the suffix of its kind, as OpenMetrics has it."""
        suffix = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return self.name.removesuffix(suffix)

    @property
    def unit(self) -> str:
        """The unit if the name ends with one, else nothing (a plain count)."""
        return next((unit for unit in _UNITS if self.family.endswith("_" + unit)), "")
