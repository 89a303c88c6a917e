"""When a worker ticks: soon for a breach, else in its time, and never so often that it costs much.

A tick a quarter of a second apart would be what a breach waits for; ten a second, each an append
for every partition, would be what a quiet worker does all day. So ahead of their time only those
partitions have one in which somebody waits for it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

__all__ = ["Cadence"]

SOONEST: Final = 0.08
"""Seconds from one tick to the next one at least: less than from one fetch to the next."""
SHARE: Final = 0.1
"""The part of the time that ticks ahead of their time may take."""


class Cadence:
    """The moments of ticks: `most` seconds apart, sooner if somebody waits to be told."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._cost = 0.0
        self._begun: float | None = None
        self._end: float | None = None

    def note(self, seconds: float) -> None:
        """Note what the last tick cost (of this thread's time, not of waiting for the broker)."""
        self._cost = seconds

    @property
    def least(self) -> float:
        """How many seconds lie between the beginnings of two ticks at least."""
        return min(self._most, max(SOONEST, self._cost / SHARE))

    async def wait(self, news: asyncio.Event, is_due: Callable[[], bool]) -> bool:
        """Wait until the next tick; `is_due` says if it is, and is asked after any `news`.

        Returns whether it is one in its time, for all; otherwise somebody waits for it.
        """
        clock = asyncio.get_running_loop().time
        soonest = (self._begun or clock()) + self.least
        end = self._end or clock() + self._most
        in_time = not await _told(news, is_due, soonest, end)
        self._begun = clock()
        self._end = self._begun + self._most if in_time else end
        return in_time


async def _told(
    news: asyncio.Event, is_due: Callable[[], bool], soonest: float, end: float
) -> bool:
    """Wait until something is due, and `soonest` has come; False: `end` came first."""
    clock = asyncio.get_running_loop().time
    while clock() < end:
        news.clear()
        if is_due():
            await asyncio.sleep(min(soonest, end) - clock())
            return clock() < end
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await news.wait()
    return False
