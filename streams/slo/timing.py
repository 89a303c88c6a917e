"""How often rules are evaluated, and how far the waits of alerts are shortened for a demo."""

from dataclasses import dataclass
from typing import Final

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.slo.keys import Alerts, Burn

__all__ = ["PERIOD", "QUICK", "STANDARD", "WINDOWS", "Pace", "Timing", "burns", "slow_burns"]

WINDOWS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
PERIOD: Final = 30 * DAY
LONG_WINDOWS: Final = (DAY, 3 * DAY, PERIOD)


@dataclass(frozen=True, slots=True)
class Pace:
    """One rhythm of counting: what was counted since the last evaluation, every `interval`.

    Sums over a month of 15 s steps would read 172,800 samples a series, so long windows are summed
    from coarser steps. `memory` is how long a gap in Prometheus itself may be before counting
    begins anew; a worker may be away for longer. Both in microseconds.
    """

    suffix: str
    interval: int
    memory: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Evaluation every `interval`; windows and waits of alerts divided by `scale`.

    `few`, if given, is the most that any alert may ask for as a minimum count. `recorded` are the
    short windows to record beside those that alerts look at.
    """

    interval: int = 15 * SECOND
    scale: int = 1
    few: int | None = None
    recorded: tuple[int, ...] = WINDOWS

    @property
    def fast(self) -> Pace:
        """The rhythm of the windows that alerts look at."""
        return Pace("", self.interval, 30 * MINUTE)

    @property
    def slow(self) -> Pace:
        """The rhythm of days and of the period."""
        return Pace("_slow", 5 * MINUTE, 6 * HOUR)

    def wait(self, duration: int) -> int:
        """Return `duration` (microseconds) as it is under this timing, in whole seconds."""
        return max(duration // self.scale // SECOND, 1) * SECOND if duration else 0

    def windows(self, alerts: Alerts) -> tuple[int, ...]:
        """Return the short windows to record, those of `alerts` among them."""
        every = (*burns(alerts), *slow_burns(alerts))
        asked = [self.wait(length) for burn in every for length in (burn.window, burn.short)]
        asked += [self.wait(alerts.below_target.window), self.wait(alerts.blind.no_calls)]
        return tuple(sorted({*self.recorded, *asked}))

    def at_least(self, count: int) -> int:
        """Return a minimum count as it is under this timing."""
        return count if self.few is None else min(count, self.few)


def burns(alerts: Alerts) -> tuple[Burn, Burn, Burn]:
    """Return the burn settings of the three promises."""
    return alerts.answer, alerts.callback, alerts.whole


def slow_burns(alerts: Alerts) -> tuple[Burn, Burn, Burn]:
    """Return the slow burn settings of the three promises."""
    return alerts.slow.answer, alerts.slow.callback, alerts.slow.whole


STANDARD: Final = Timing()
"""For production: Prometheus' usual 15 s."""

QUICK: Final = Timing(interval=SECOND, scale=10, few=3, recorded=())
"""For a demo and for tests: an outage is told within half a minute."""
