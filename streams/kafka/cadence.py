"""When a worker ticks: soon for a breach, else in its time, and never so often that it costs much.

A tick a quarter of a second apart would be what a breach waits for; ten a second, each an append
for every partition, would be what a quiet worker does all day. So ahead of their time only those
partitions have one in which somebody waits for it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["Cadence"]

SOONEST: Final = 0.1
"""Seconds from one tick to the next one at least: a quiet stream is fetched as often."""
SHARE: Final = 0.1
"""The part of the time that ticks ahead of their time may take."""


class Cadence:
    """The moments of ticks: `most` seconds apart, sooner if somebody waits to be told."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._took = 0.0
        self._end: float | None = None

    def note(self, seconds: float) -> None:
        """Note how long the last tick took."""
        self._took = seconds

    @property
    def least(self) -> float:
        """How many seconds lie between two ticks at least."""
        return min(self._most, max(SOONEST, self._took / SHARE))

    async def wait(self, news: asyncio.Event, is_due: Callable[[], bool]) -> bool:
        """Wait until the next tick; `is_due` says if it is, and is asked after any `news`.

        Returns whether it is one in its time, for all; otherwise somebody waits for it.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + self._most if self._end is None else self._end
        await asyncio.sleep(min(self.least, max(0.0, end - clock())))
        while True:
            news.clear()
            left = end - clock()
            if left <= 0:
                self._end = clock() + self._most
                return True
            if is_due():
                self._end = end
                return False
            try:
                async with asyncio.timeout(left):
                    await news.wait()
            except TimeoutError:
                pass
