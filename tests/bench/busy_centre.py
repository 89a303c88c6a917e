"""A large centre that is as busy at every hour, so that a load does not depend on the clock."""

from msgspec.structs import replace

from streams.simulate import Centre, large_centre
from streams.simulate.config import FLAT_DAY

__all__ = ["busy_centre"]


def busy_centre(start: int, calls_per_hour: float, seed: int) -> Centre:
    """Return a centre whose queues are always open; `start` in microseconds since 1970."""
    config = large_centre(start, calls_per_hour=calls_per_hour)
    always = tuple(replace(queue, opens=0, closes=24) for queue in config.queues)
    return Centre(replace(config, queues=always, profile=FLAT_DAY), seed)
