"""A call centre that behaves like one, the same for the same seed, and the faults of its feed."""

from streams.simulate.centre import Centre
from streams.simulate.config import (
    CallerConfig,
    CentreConfig,
    DeskConfig,
    HandlingConfig,
    Outage,
    QueueConfig,
    SourceConfig,
)
from streams.simulate.faults import FAULTS, FaultRates, inject, parse_faults
from streams.simulate.feed import paced
from streams.simulate.presets import (
    DEFAULT_START,
    DEMO_HOUR,
    demo_centre,
    large_centre,
    small_centre,
)
from streams.simulate.recorder import Delivery
from streams.simulate.write import write_events, write_to

__all__ = [
    "DEFAULT_START",
    "DEMO_HOUR",
    "FAULTS",
    "CallerConfig",
    "Centre",
    "CentreConfig",
    "Delivery",
    "DeskConfig",
    "FaultRates",
    "HandlingConfig",
    "Outage",
    "QueueConfig",
    "SourceConfig",
    "demo_centre",
    "inject",
    "large_centre",
    "paced",
    "parse_faults",
    "small_centre",
    "write_events",
    "write_to",
]
