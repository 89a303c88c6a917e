"""Ready-made centres."""

from typing import Final

from streams.instants import HOUR, MILLISECOND, SECOND
from streams.simulate.config import (
    FLAT_DAY,
    CallerConfig,
    CentreConfig,
    DeskConfig,
    HandlingConfig,
    Outage,
    QueueConfig,
    SourceConfig,
)

__all__ = ["DEFAULT_START", "DEMO_HOUR", "demo_centre", "large_centre", "small_centre"]

DEFAULT_START: Final = 1_772_445_600 * SECOND
"""2026-03-02T10:00:00Z, a Monday, in the busy hour."""
DEMO_HOUR: Final = 60 * SECOND
"""What stands for an hour in the demo's callbacks and redials."""

_NORTH: Final = SourceConfig(name="pbx-north", resolution=MILLISECOND)
_SOUTH: Final = SourceConfig(name="pbx-south", resolution=SECOND, reports_hangup=False)


_DEMO_TALK: Final = 0.16
_DEMO_CALLERS: Final = CallerConfig(
    customers=2_000,
    patience_scale=0.4,
    callback_key=0.3,
    callback_key_after=12 * SECOND,
    ivr=0.02,
    bot=0.01,
    bot_talk=(3 * SECOND, 8 * SECOND),
)
_DEMO_HANDLING: Final = HandlingConfig(
    ring=(1 * SECOND, 4 * SECOND),
    ring_no_answer=0.02,
    ring_timeout=9 * SECOND,
    talk_sigma=0.5,
    staffing_objective=0.99,
)
_DEMO_DESK: Final = DeskConfig(agents=2)


def small_centre(start: int = DEFAULT_START, calls_per_hour: float = 110) -> CentreConfig:
    """Return a centre of the size of a bank's: a dozen agents, about 1,200 calls a day."""
    return CentreConfig(
        sources=(_NORTH, _SOUTH),
        queues=(
            QueueConfig(name="service", source="pbx-north", share=0.6, overflow_to="stock"),
            QueueConfig(name="stock", source="pbx-north", share=0.15, talk_median=160 * SECOND),
            QueueConfig(name="prospects", source="pbx-south", share=0.15, opens=8, closes=20),
            QueueConfig(name="web", source="pbx-south", share=0.1, talk_median=220 * SECOND),
        ),
        start=start,
        calls_per_hour=calls_per_hour,
    )


def large_centre(
    start: int = DEFAULT_START, queues: int = 50, calls_per_hour: float = 46_800
) -> CentreConfig:
    """Return a centre of national size in its busy hour: by default 13 fresh calls a second.

    Few queues are large and many small (shares as 1 / rank). Pooling so many calls leaves less
    variation between days than in a small centre (assumed 5 %).
    """
    return CentreConfig(
        sources=(_NORTH, _SOUTH),
        queues=tuple(_queue_of_rank(rank, queues) for rank in range(1, queues + 1)),
        start=start,
        calls_per_hour=calls_per_hour,
        day_variation=0.05,
        callers=CallerConfig(customers=1_000_000),
        desk=DeskConfig(agents=max(3, round(calls_per_hour / 300))),
    )


def _queue_of_rank(rank: int, queues: int) -> QueueConfig:
    following = rank % queues + 1
    other = None if following == rank else _queue_name(following)
    return QueueConfig(
        name=_queue_name(rank),
        source="pbx-south" if rank % 4 == 0 else "pbx-north",
        share=1 / rank,
        max_waiting=50,
        closes=20 if rank % 5 == 0 else 24,
        helps=other,
        overflow_to=other if rank % 3 == 0 else None,
    )


def _queue_name(rank: int) -> str:
    return f"queue-{rank:02}"


def demo_centre(start: int = DEFAULT_START, *, outage: bool = True) -> CentreConfig:
    """Return a small busy centre in which a minute stands for an hour (`DEMO_HOUR`).

    About 1.7 calls a second in four queues; nearly all are answered in time until, 20 s after the
    start, the agents of `support` are gone for 40 s.
    """
    outages = (Outage(queue="support", begins=20 * SECOND, lasts=40 * SECOND),)
    config = CentreConfig(
        sources=(_NORTH, _SOUTH),
        queues=(
            QueueConfig(name="support", source="pbx-north", share=0.45, max_wait=45 * SECOND),
            QueueConfig(name="sales", source="pbx-north", share=0.25, helps="orders"),
            QueueConfig(name="billing", source="pbx-south", share=0.2, helps="sales"),
            QueueConfig(name="orders", source="pbx-north", share=0.1, helps="billing"),
        ),
        start=start,
        calls_per_hour=1.6 * 3600,
        profile=FLAT_DAY,
        day_variation=0.0,
        outages=outages if outage else (),
        callers=_DEMO_CALLERS,
        handling=_DEMO_HANDLING,
        desk=_DEMO_DESK,
    )
    return config.scaled(talk=_DEMO_TALK, delays=DEMO_HOUR / HOUR)
