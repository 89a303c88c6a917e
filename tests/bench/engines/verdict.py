"""Whether today's code lost speed against another: the rule of `make bench-check`.

Each pair gives one ratio of costs, today's to the other's. Noise moves single ratios; whether their
*median* lies above a bound is decided by the sign test, which supposes nothing about its shape: so
many of the ratios have to be above the bound that it would happen by chance once in twenty times,
if the median were just at it.
"""

from collections.abc import Sequence
from math import comb
from statistics import median
from typing import Final

from msgspec import Struct

__all__ = ["ALLOWED", "FEWEST_PAIRS", "Verdict", "judge"]

ALLOWED: Final = 1.10
"""Ten per cent more cost."""
CHANCE: Final = 0.05
FEWEST_PAIRS: Final = 5
"""Of fewer not even all together would be beyond chance."""


class Verdict(Struct, frozen=True):
    """What the ratios of one measure say: the median and the interval beyond chance around it."""

    least: float
    middle: float
    largest: float

    @property
    def is_lost(self) -> bool:
        """More than the allowed loss, beyond noise."""
        return self.least > ALLOWED

    @property
    def is_open(self) -> bool:
        """The median says so, but noise could be the reason: more pairs would tell."""
        return self.middle > ALLOWED >= self.least

    def __str__(self) -> str:
        return f"{self.middle:.3f} ({self.least:.3f} to {self.largest:.3f})"


def judge(ratios: Sequence[float]) -> Verdict:
    """Return the median of paired ratios of cost and the bounds on either side of it.

    Raises:
        ValueError: there are fewer than `FEWEST_PAIRS`.
    """
    if len(ratios) < FEWEST_PAIRS:
        raise ValueError(f"{len(ratios)} pairs say nothing: at least {FEWEST_PAIRS}")
    ordered = sorted(ratios)
    spared = _spared(len(ratios))
    return Verdict(ordered[spared], median(ordered), ordered[-1 - spared])


def _spared(pairs: int) -> int:
    """Return how many ratios may be on the other side, and it is still beyond chance."""
    spared, chance = -1, 0.0
    while chance <= CHANCE:
        spared += 1
        chance += comb(pairs, spared) / 2**pairs
    return spared - 1
