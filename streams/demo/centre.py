"""What the demo watches: a small centre with an outage, and an hour that lasts a minute."""

from itertools import count, takewhile
from typing import Final

from msgspec.structs import replace

from streams.instants import HOUR, MINUTE
from streams.simulate import DEMO_HOUR, CentreConfig, Outage, demo_centre
from streams.slo import Objective, parse_slo
from streams.slo.durations import compact

__all__ = ["OUTAGE_EVERY", "centre", "current_outage", "next_outage", "objective"]

OUTAGE_EVERY: Final = 4 * MINUTE
_LONGEST: Final = 24 * HOUR


def objective() -> Objective:
    """Return the promise of the demo: 10 seconds, or a callback within the shortened hour."""
    hour = compact(DEMO_HOUR)
    return parse_slo(
        f"""
        version: 1
        promises: {{callback: {{target: {hour}, late_horizon: {compact(24 * DEMO_HOUR)}}}}}
        usefulness: {{repeat_window: {hour}}}
        """,
        "the demo's objective",
    )


def centre(start: int) -> CentreConfig:
    """Return the centre of the demo, its outage repeated for whoever watches for longer."""
    config = demo_centre(start)
    first = config.outages[0]
    begins = takewhile(lambda at: at < _LONGEST, count(first.begins, OUTAGE_EVERY))
    return replace(config, outages=tuple(replace(first, begins=at) for at in begins))


def current_outage(config: CentreConfig, now: int) -> tuple[Outage, int] | None:
    """Return the outage going on at `now` and how long it has lasted (microseconds)."""
    for outage in config.outages:
        lasted = now - config.start - outage.begins
        if 0 <= lasted < outage.lasts:
            return outage, lasted
    return None


def next_outage(config: CentreConfig, now: int) -> int | None:
    """Return how long it is until the next outage (microseconds)."""
    coming = (config.start + outage.begins - now for outage in config.outages)
    return min((wait for wait in coming if wait > 0), default=None)
