"""A large centre that is as busy at every hour, so that a load does not depend on the clock."""

from typing import Final

from msgspec.structs import replace

from streams.instants import MINUTE, SECOND
from streams.simulate import Centre, large_centre
from streams.simulate.config import FLAT_DAY, CallerConfig, CentreConfig, DeskConfig

__all__ = ["busy_centre"]

_STAFFED: Final = 0.99


def busy_centre(start: int, calls_per_hour: float, seed: int, *, level: bool = False) -> Centre:
    """Return a centre whose queues are always open; `start` in microseconds since 1970.

    With `level` it is as busy after minutes as after hours: few ring again or are called back, and
    those soon, and the staff is more than enough.
    """
    config = large_centre(start, calls_per_hour=calls_per_hour)
    always = tuple(replace(queue, opens=0, closes=24) for queue in config.queues)
    config = replace(config, queues=always, profile=FLAT_DAY)
    return Centre(_level(config) if level else config, seed)


def _level(config: CentreConfig) -> CentreConfig:
    soon: CallerConfig = replace(
        config.callers, redial=0.1, redial_median=MINUTE, redial_sigma=0.5, redial_useless=0.3,
        redial_useless_median=MINUTE // 2, follow_up=0.05, follow_up_median=MINUTE,
    )  # fmt: skip
    desk: DeskConfig = replace(
        config.desk, target=MINUTE, lead=(10 * SECOND, 40 * SECOND), retry=MINUTE // 2,
        gives_up_after=4 * MINUTE,
    )  # fmt: skip
    handling = replace(config.handling, staffing_objective=_STAFFED)
    return replace(config, callers=soon, desk=desk, handling=handling)
