"""When deadlines fire: all decisions of time at the Kafka edge are made here.

A deadline never fires merely because processing lags, nor because the sources could not deliver.
All times are microseconds since 1970.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from faust.types import TP

from streams.instants import MILLISECOND, SECOND
from streams.kafka.batch import Fresh
from streams.kafka.pace import FetchWait

__all__ = [
    "HOLD",
    "OUTAGE",
    "SESSION",
    "FetchWatch",
    "SteadyClock",
    "caught_up_at",
    "firing_time",
    "looked_at",
]

log = logging.getLogger(__name__)

SESSION: Final = 6 * SECOND
"""Within this the group notices that a worker is gone: the lowest a broker allows by default."""

OUTAGE: Final = 1_500_000
"""Fetches that brought nothing for longer than this were an outage."""
HOLD: Final = 12 * SECOND
"""How long the clock fires nothing after an outage: the sources' buffers are still to come, and
librdkafka reconnects after 10 s at the latest (`reconnect.backoff.max.ms`)."""

STEP: Final = SECOND
"""A wall clock that differs by more from how much time passed was set, forward or back."""
PATIENCE: Final = 60 * SECOND
"""How long a clock that was set has to keep its new time before it is believed."""


class SteadyClock:
    """The wall clock without its steps: set an hour ahead it must not fire an hour's deadlines.

    Follows the wall clock as long as it advances like the monotonic one. After a step it goes on
    from where it was, and believes the new time once that has stood for `PATIENCE`; a computer
    that slept comes back the same way.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()
        self._stepped_at: int | None = None
        self._stepped_to = 0

    def __call__(self) -> int:
        """Return the time in microseconds since 1970."""
        monotonic = self._monotonic()
        offset = self._wall() - monotonic
        if abs(offset - self._offset) <= STEP * 1000:
            self._follow(offset)
        elif self._stepped_at is None or abs(offset - self._stepped_to) > STEP * 1000:
            self._stepped_at = monotonic
            self._stepped_to = offset
            log.warning(
                "the clock was set by %+.0f s: followed in %d s if it stays so",
                (offset - self._offset) / 1e9,
                PATIENCE // SECOND,
            )
        elif monotonic - self._stepped_at > PATIENCE * 1000:
            self._follow(offset)
        return (monotonic + self._offset) // 1000

    def _follow(self, offset: int) -> None:
        self._offset = offset
        self._stepped_at = None


def firing_time(
    previous: int, *, watermark: int, wall: int, grace: int, caught_up: int | None = None
) -> int:
    """Return the time up to which deadlines may fire now.

    The highest of the `previous` one, the `watermark` less `grace`, and, when everything that was
    there at `caught_up` has been applied, that moment less `grace`; the latter two never above
    the `wall` clock less `grace`.
    """
    reached = watermark if caught_up is None else max(watermark, caught_up)
    return max(previous, min(reached, wall) - grace)


def looked_at(asked: int, answered: int, wait: FetchWait, fetched: int) -> int:
    """Return when a broker had last looked when it made its answer, or a moment before.

    It was asked at `asked` and gave `fetched` bytes; all instants in microseconds. One that has
    less than it may wait for waits to the end, and looks then; when an answer comes says nothing,
    it may have lain in a socket. Only a segment that was rolled ends a wait early: an answer that
    is empty for that and lay so long as well is taken for `wait.max_ms` newer, within the grace.
    """
    waited = wait.max_ms * MILLISECOND
    if fetched < wait.min_bytes and answered - asked >= waited:
        return asked + waited
    return asked


def caught_up_at(fresh: Fresh | None, next_offset: int) -> int | None:
    """Return as of when everything below `next_offset` is everything there was; None: behind."""
    if fresh is None or next_offset < fresh.highwater:
        return None
    return fresh.at


class FetchWatch:
    """Notices outages of fetching and holds the clock back after each.

    One per process, not per partition: what a partition's reload throws away must not end a hold.
    Where one broker of several is away, only its partitions are held. Written by the consumer's
    thread, read by the main one; each store is atomic.
    """

    def __init__(self) -> None:
        self.last_success = 0
        self._failing_since: int | None = None
        self._held_until = 0
        self._missed_since: dict[TP, int] = {}
        self._held: dict[TP, int] = {}

    def succeeded(self, asked: int, answered: int, tps: Iterable[TP] = ()) -> None:
        """Note a fetch that was sent at `asked` and answered at `answered` about `tps`."""
        since = asked if self._failing_since is None else self._failing_since
        if answered - since > OUTAGE:
            self.hold_until(answered + HOLD)
        self._failing_since = None
        self.last_success = answered
        for tp in tps:
            if answered - self._missed_since.pop(tp, asked) > OUTAGE:
                self._held[tp] = answered + HOLD

    def failed(self, asked: int) -> None:
        """Note a fetch that was sent at `asked` and brought nothing, not even "no news"."""
        if self._failing_since is None:
            self._failing_since = asked

    def missed(self, asked: int, tps: Iterable[TP]) -> None:
        """Note that a fetch that was sent at `asked` brought nothing about `tps`."""
        for tp in tps:
            self._missed_since.setdefault(tp, asked)

    def waited(self, began: int, ended: int) -> None:
        """Note how long appends to the log took.

        While a replica is missing, consumers are told "no news" although there is some: what was
        written is not shown to them before it is replicated. A tick that waits says so.
        """
        if ended - began > OUTAGE:
            self.hold_until(ended + HOLD)

    @property
    def failing(self) -> bool:
        """Whether fetches are sent and bring nothing: the broker is away."""
        return self._failing_since is not None

    def hold_until(self, wall: int) -> None:
        """Hold the clock back until `wall`, whatever fetches do."""
        self._held_until = max(self._held_until, wall)

    def holds(self, wall: int, tp: TP | None = None) -> bool:
        """Return whether the clock must not fire deadlines (of `tp`) at `wall`."""
        if wall < self._held_until or _is_outage(self._failing_since, wall):
            return True
        if tp is None:
            return False
        return wall < self._held.get(tp, 0) or _is_outage(self._missed_since.get(tp), wall)


def _is_outage(since: int | None, wall: int) -> bool:
    return since is not None and wall - since > OUTAGE
