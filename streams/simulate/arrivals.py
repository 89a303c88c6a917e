"""When fresh calls arrive: a Poisson process whose rate follows the hour and the day."""

from collections.abc import Iterator
from random import Random

from streams.instants import DAY, HOUR
from streams.simulate.config import CentreConfig
from streams.simulate.draws import exponential

__all__ = ["arrivals", "hourly_rate"]


def hourly_rate(config: CentreConfig, instant: int) -> float:
    """Return the calls per hour expected at `instant` on a day of average busyness."""
    weight = config.profile[instant % DAY // HOUR]
    return config.calls_per_hour * weight / max(config.profile)


def arrivals(config: CentreConfig, rng: Random) -> Iterator[int]:
    """Yield the instants of fresh calls, without end, from the start of the centre.

    A whole day is busier or calmer than the profile by a gamma-distributed factor, which makes
    counts over-dispersed and the hours of one day alike (Avramidis, Deslauriers and L'Ecuyer 2004).
    """
    begin, day, busyness = config.start, -1, 1.0
    while True:
        if begin // DAY != day:
            day, busyness = begin // DAY, _busyness(rng, config.day_variation)
        end = (begin // HOUR + 1) * HOUR
        yield from _poisson(rng, begin, end, busyness * hourly_rate(config, begin))
        begin = end


def _poisson(rng: Random, begin: int, end: int, per_hour: float) -> Iterator[int]:
    if per_hour <= 0:
        return
    at = begin + exponential(rng, HOUR / per_hour)
    while at < end:
        yield at
        at += exponential(rng, HOUR / per_hour)


def _busyness(rng: Random, variation: float) -> float:
    if variation == 0:
        return 1.0
    shape = 1 / variation**2
    return rng.gammavariate(shape, 1 / shape)
