"""How values look: units, colours, thresholds. Missing data is grey and never green.

The colours are those of Okabe and Ito's palette where they must be told apart by everybody.
"""

from dataclasses import dataclass
from typing import Final

from streams.slo.dashboards.sdk import dashboard

__all__ = [
    "BAD",
    "GOOD",
    "NEUTRAL",
    "NO_DATA",
    "POOR",
    "STATES",
    "Look",
    "at_least",
    "at_most",
    "plain",
]

GOOD: Final = "#009E73"
POOR: Final = "#E69F00"
BAD: Final = "#D55E00"
NEUTRAL: Final = "#0072B2"
NO_DATA: Final = "#8E8E8E"
_AWAY: Final = "#CC79A7"
_SELF: Final = "#56B4E9"

STATES: Final = {
    "answered_in_target": GOOD,
    "answered_late": POOR,
    "abandoned_late": BAD,
    "abandoned_in_target": "#BDBDBD",
    "callback_requested": _SELF,
    "diverted": _AWAY,
    "rejected": "#7F3C8D",
    "lost": "#4A4A4A",
    "kept": GOOD,
    "kept_by_recall": _SELF,
    "broken": BAD,
    "unreachable": _AWAY,
    "uncallable": NO_DATA,
    "cancelled": "#BDBDBD",
    "useful": GOOD,
    "useless": BAD,
    "unknown": NO_DATA,
}
"""The colour of each verdict wherever it is shown: nobody must read a legend at night."""

Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A unit of Grafana's and the colours from each value on; the first step has no value."""

    unit: str
    steps: Steps = ((None, NEUTRAL),)
    decimals: int | None = None
    least: float | None = None
    most: float | None = None

    def field(self, custom: object = None, *, by_threshold: bool = True) -> dashboard.FieldConfig:
        """Return the defaults of a panel's fields."""
        palette = dashboard.FieldColorModeId.PALETTE_CLASSIC
        mode = dashboard.FieldColorModeId.THRESHOLDS if by_threshold else palette
        return dashboard.FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=self.least,
            max_val=self.most,
            mappings=[_no_data()],
            no_value="no data",
            thresholds=self.thresholds(),
            color=dashboard.FieldColor(mode=mode),
            custom=custom,
        )

    def thresholds(self) -> dashboard.ThresholdsConfig:
        """Return the thresholds as Grafana has them."""
        steps = [dashboard.Threshold(value=value, color=color) for value, color in self.steps]
        return dashboard.ThresholdsConfig(mode=dashboard.ThresholdsMode.ABSOLUTE, steps=steps)


def plain(unit: str = "short", decimals: int | None = None, least: float | None = 0) -> Look:
    """Return the look of a number that is neither good nor bad."""
    return Look(unit, decimals=decimals, least=least)


def at_least(unit: str, good: float, poor: float | None = None, **more: float | None) -> Look:
    """Return the look of a number that is good from `good` on, and poor from `poor` on."""
    middle: Steps = () if poor is None else ((poor, POOR),)
    return _look(unit, ((None, BAD), *middle, (good, GOOD)), more)


def at_most(unit: str, bad: float, poor: float | None = None, **more: float | None) -> Look:
    """Return the look of a number that is bad from `bad` on, and poor from `poor` on."""
    middle: Steps = () if poor is None else ((poor, POOR),)
    return _look(unit, ((None, GOOD), *middle, (bad, BAD)), more)


def _look(unit: str, steps: Steps, more: dict[str, float | None]) -> Look:
    decimals = more.get("decimals")
    whole = None if decimals is None else int(decimals)
    return Look(unit, steps, whole, more.get("least"), more.get("most"))


def _no_data() -> dashboard.SpecialValueMap:
    return dashboard.SpecialValueMap(
        dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NULL_AND_NAN,
            result=dashboard.ValueMappingResult(text="no data", color=NO_DATA),
        )
    )
