"""The rule by which `make bench-check` says that speed was lost."""

import random

import pytest
from engines.verdict import ALLOWED, judge


def test_a_clear_loss_is_found() -> None:
    """Every pair says so."""
    assert judge([1.2, 1.21, 1.19, 1.3, 1.15]).is_lost


def test_no_loss_is_none() -> None:
    """Neither lost nor open, faster or just as fast."""
    verdict = judge([0.9, 1.0, 1.02, 0.98, 1.05])

    assert not verdict.is_lost
    assert not verdict.is_open


def test_noise_is_no_loss() -> None:
    """A median beyond the bound with pairs on both sides: undecided, not lost."""
    verdict = judge([0.8, 1.3, 1.2, 1.25, 0.9])

    assert not verdict.is_lost
    assert verdict.is_open


@pytest.mark.parametrize(("pairs", "spared"), [(5, 0), (7, 0), (8, 1), (11, 2), (20, 5)])
def test_some_pairs_may_differ(pairs: int, spared: int) -> None:
    """As many as the sign test allows at one in twenty (tables of the binomial distribution)."""
    high, low = [1.2] * (pairs - spared), [0.5] * spared

    assert judge(high + low).is_lost
    assert not judge([*high[1:], 0.5, *low]).is_lost


def test_of_too_few_pairs_nothing_is_said() -> None:
    """Four heads in a row are no loaded coin."""
    with pytest.raises(ValueError, match="at least 5"):
        judge([2.0] * 4)


def test_noise_alone_seldom_fails() -> None:
    """At the bound itself at most once in twenty times, whatever the spread."""
    dice = random.Random(1)
    drawn = [[ALLOWED * dice.lognormvariate(0, 0.3) for _ in range(7)] for _ in range(2000)]

    assert sum(judge(each).is_lost for each in drawn) / len(drawn) <= 0.05
