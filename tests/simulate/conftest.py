"""A recorded hour or two of one centre, shared by the tests that only look at it."""

import pytest
from msgspec.structs import replace

from streams.instants import MINUTE
from streams.simulate import Centre, CentreConfig, Delivery, Outage, large_centre

CALLS = 6000


@pytest.fixture(scope="session")
def busy_centre() -> CentreConfig:
    """Six queues, about 50 calls a minute, the largest without agents for ten minutes, the smallest
    closed in the first hour.
    """
    outage = Outage(queue="queue-01", begins=20 * MINUTE, lasts=10 * MINUTE)
    centre = large_centre(queues=6, calls_per_hour=3000)
    *open_queues, last = centre.queues
    return replace(centre, queues=(*open_queues, replace(last, opens=11)), outages=(outage,))


@pytest.fixture(scope="session")
def recorded(busy_centre: CentreConfig) -> list[Delivery]:
    """Everything that happened around the first 6,000 calls of the busy centre."""
    return list(Centre(busy_centre, seed=7).deliveries(CALLS))
