"""Random durations and the callers' patience, from a seeded generator.

Every draw goes through `random.Random`, so the same seed gives the same centre on every machine.
"""

from bisect import bisect_right
from itertools import pairwise
from math import exp, log
from random import Random
from typing import Final

from streams.instants import SECOND

__all__ = ["PATIENCE_HAZARD", "Patience", "between", "exponential", "lognormal", "stream"]

PATIENCE_HAZARD: Final = (
    (0, 2.76),
    (5, 5.4),
    (15, 3.2),
    (30, 2.0),
    (50, 4.2),
    (60, 2.4),
    (120, 1.42),
    (300, 1.3),
)
"""Seconds waited, and from there on the hang-ups per 1000 s of waiting.

Two peaks, at the greeting and at the announcement of the first minute. Fitted to the Kaplan-Meier
estimate of the Anonymous Bank data: S(10) = .96, S(30) = .89, S(60) = .82, S(120) = .71,
S(300) = .55.
"""


def stream(seed: int, name: str) -> Random:
    """Return a generator of its own for one part, so that parts do not disturb each other."""
    return Random(f"{seed}/{name}")


def exponential(rng: Random, mean: float) -> int:
    """Return an exponential duration in microseconds (`mean` as well)."""
    return round(-mean * log(1.0 - rng.random()))


def lognormal(rng: Random, median: float, sigma: float) -> int:
    """Return a lognormal duration in microseconds (`median` as well)."""
    return round(median * exp(sigma * rng.gauss(0.0, 1.0)))


def between(rng: Random, bounds: tuple[int, int]) -> int:
    """Return a duration in microseconds, each between the bounds equally likely."""
    return round(bounds[0] + (bounds[1] - bounds[0]) * rng.random())


class Patience:
    """How long callers wait before they hang up: a piecewise constant hazard.

    `scale` 0.5 makes them half as patient.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self._starts = [seconds * SECOND * scale for seconds, _ in PATIENCE_HAZARD]
        self._hazards = [per_1000 / (1000 * SECOND * scale) for _, per_1000 in PATIENCE_HAZARD]
        self._cumulative = [0.0]
        for (begin, end), hazard in zip(pairwise(self._starts), self._hazards, strict=False):
            self._cumulative.append(self._cumulative[-1] + (end - begin) * hazard)

    def draw(self, rng: Random) -> int:
        """Return how long one caller waits, in microseconds (inverse of the cumulative hazard)."""
        spent = -log(1.0 - rng.random())
        piece = bisect_right(self._cumulative, spent) - 1
        beyond = (spent - self._cumulative[piece]) / self._hazards[piece]
        return round(self._starts[piece] + beyond)
