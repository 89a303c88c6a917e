"""Arrivals follow the profile of the day and vary more than a plain Poisson process."""

from collections import Counter
from itertools import takewhile
from random import Random
from statistics import correlation, mean, pvariance

from msgspec.structs import replace

from streams.instants import DAY, HOUR
from streams.simulate import CentreConfig, small_centre
from streams.simulate.arrivals import arrivals, hourly_rate
from streams.simulate.config import BUSINESS_DAY

MIDNIGHT = 20_500 * DAY
DAYS = 400
BANK = small_centre(start=MIDNIGHT, calls_per_hour=120)


def counts(config: CentreConfig, seed: int) -> Counter[tuple[int, int]]:
    """Fresh calls per (day, hour)."""
    end = config.start + DAYS * DAY
    instants = takewhile(lambda at: at < end, arrivals(config, Random(seed)))
    return Counter(divmod((at - config.start) // HOUR, 24) for at in instants)


def test_the_mean_of_each_hour_is_the_profile_s() -> None:
    """400 days: within 5 % of calls per hour times the hour's weight (4 standard errors)."""
    seen = counts(BANK, 1)
    for hour, weight in enumerate(BUSINESS_DAY):
        per_hour = mean(seen[day, hour] for day in range(DAYS))
        expected = 120 * weight / 9.4
        assert hourly_rate(BANK, MIDNIGHT + hour * HOUR) == expected
        assert abs(per_hour - expected) <= 0.06 * expected


def test_counts_are_over_dispersed_as_measured() -> None:
    """At some 90 calls an hour the variance is 6 to 10 times the mean; without day factor once."""
    seen = counts(BANK, 2)
    noon = [seen[day, 12] for day in range(DAYS)]
    assert 5 <= pvariance(noon) / mean(noon) <= 10
    plain = counts(replace(BANK, day_variation=0.0), 2)
    poisson = [plain[day, 12] for day in range(DAYS)]
    assert 0.8 <= pvariance(poisson) / mean(poisson) <= 1.2


def test_a_busy_morning_means_a_busy_afternoon() -> None:
    """Morning and afternoon correlate (0.90 in the bank's data)."""
    seen = counts(BANK, 3)
    mornings = [sum(seen[day, hour] for hour in range(7, 12)) for day in range(DAYS)]
    afternoons = [sum(seen[day, hour] for hour in range(12, 18)) for day in range(DAYS)]
    assert correlation(mornings, afternoons) > 0.85


def test_nobody_rings_while_the_centre_is_closed() -> None:
    """Hours of weight 0 have no call."""
    seen = counts(BANK, 4)
    assert all(hour >= 7 for _, hour in seen)
