"""Renders the metrics for all who ask at the same time at once, at a bounded cost.

_Rendering shares one interpreter with the worker: a crowd that scrapes must not take it over.
"""

import asyncio
from functools import partial
from typing import Final

from streams.metrics.exposition import Exposition

__all__ = ["Renderings"]

SHARE: Final = 0.2
"""The part of the time that rendering, and sending what was rendered, may take."""
SENT_PER_SECOND: Final = 1e9
"""Bytes that one thread sends; a crowd takes hundreds of megabytes of what is rendered soon."""
LONGEST_WAIT: Final = 5.0
"""Seconds after which the next rendering begins anyhow."""
MOST_KEPT: Final = 8
"""Renderings that are still being taken; of more, the oldest are given up."""

Kind = tuple[bool, bool]
"""OpenMetrics; compressed"""


class _Rendering:
    """The text in pieces, and who is taking it."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.size = sum(map(len, pieces))
        self.takers: set[asyncio.Task[object]] = set()

    def taken_by(self, task: "asyncio.Task[object]") -> None:
        self.takers.add(task)
        task.add_done_callback(self.takers.discard)


class Renderings:
    """Nobody gets a text that was begun before it was asked for."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition
        self._next: dict[Kind, asyncio.Task[_Rendering]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._begun = -LONGEST_WAIT
        self._spent = 0.0
        """seconds that the newest rendering took, with what was sent since then"""
        self._kept: list[_Rendering] = []

    async def get(self, *, openmetrics: bool, compress: bool) -> list[bytes]:
        """Return the text in pieces, for the current task, which is done when it has sent them.

        It is cancelled when it takes too long: when others have been given many newer ones.
        """
        kind = (openmetrics, compress)
        if kind not in self._next:
            self._next[kind] = asyncio.create_task(self._render(kind))
        # One of those who wait may go away; the others wait on.
        rendering = await asyncio.shield(self._next[kind])
        task = asyncio.current_task()
        if task is not None:
            rendering.taken_by(task)
            task.add_done_callback(partial(self._add_sent, rendering.size))
        return rendering.pieces

    async def _render(self, kind: Kind) -> _Rendering:
        async with self._one_at_a_time:
            loop = asyncio.get_running_loop()
            # While it waits others are sent the last one.
            while (wait := self._next_at() - loop.time()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(wait)
            del self._next[kind]
            openmetrics, compress = kind
            # Waiting for the worker is not work.
            await asyncio.to_thread(self._exposition.refresh)
            self._begun = loop.time()
            pieces = await asyncio.to_thread(
                self._exposition.text, openmetrics=openmetrics, compress=compress
            )
            self._spent = loop.time() - self._begun
            return self._keep(_Rendering(pieces))

    def _add_sent(self, size: int, taker: asyncio.Task[object]) -> None:
        # Who was let go before its end was not reading: it has cost little.
        if not taker.cancelled():
            self._spent += size / SENT_PER_SECOND

    def _next_at(self) -> float:
        return self._begun + min(self._spent / SHARE, LONGEST_WAIT)

    def _keep(self, rendering: _Rendering) -> _Rendering:
        """However slowly clients take them, there are few texts in memory."""
        self._kept = [each for each in self._kept if each.takers]
        while len(self._kept) >= MOST_KEPT:
            for taker in list(self._kept.pop(0).takers):
                taker.cancel()
        self._kept.append(rendering)
        return rendering
