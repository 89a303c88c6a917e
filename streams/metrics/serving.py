"""Serving a worker's metrics from its event loop: publish when asked, answer on threads."""

import asyncio
import logging
import sys
import threading
from typing import Final

from streams.metrics.endpoint import DEFAULT_PORT, Endpoint
from streams.metrics.exposition import Exposition
from streams.metrics.source import Source

__all__ = ["PUBLISH_SECONDS", "Serving", "serve"]

PUBLISH_SECONDS: Final = 1.0
"""How old the picture may become when nobody asks."""
TURN_SECONDS: Final = 0.1
"""The same while some copies are due, or the worker was not ready."""
PATIENCE: Final = 0.05
"""Seconds that a scrape waits for a new picture; a busy loop has its last one shown."""
TURNS_SECONDS: Final = 0.03
"""How long copying may go on for one scrape, in turns with everything else on the loop."""
BREATH: Final = 0.002
"""Seconds between two of these turns: what else is due is done, however many steps it takes."""
SWITCH_SECONDS: Final = 0.001
"""How long a thread of the endpoint may keep the interpreter from the loop (CPython: 0.005)."""

logger = logging.getLogger(__name__)


class Serving:
    """A running endpoint and the task that keeps it up to date."""

    def __init__(self, source: Source, exposition: Exposition, endpoint: Endpoint) -> None:
        self._source = source
        self._exposition = exposition
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._asked: list[threading.Event] = []
        self._answering: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._publish_for_ever(), name="metrics-publish")
        exposition.refreshed_by(self._ask)

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._endpoint.port

    @property
    def url(self) -> str:
        """The address of the landing page."""
        return self._endpoint.url

    def publish(self) -> None:
        """Publish at once; on the event loop's thread."""
        self._exposition.publish(self._source)

    async def close(self) -> None:
        """Stop publishing and listening."""
        self._exposition.refreshed_by(None)
        tasks = [each for each in (self._task, self._answering) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._endpoint.stop)

    async def _publish_for_ever(self) -> None:
        while True:
            # Copies are made for who asks: only what a scrape had to leave is made up for, and
            # not while one is being answered, which wants the interpreter as well.
            busy = self._is_answering or self._exposition.is_rendering
            self._try_to_publish(copy=self._exposition.is_behind and not busy)
            # Whoever waits for it to be ready, in a take-over, is told soon.
            soon = self._exposition.is_behind or self._exposition.unready() is not None
            await asyncio.sleep(TURN_SECONDS if soon else PUBLISH_SECONDS)

    def _try_to_publish(self, *, copy: bool) -> None:
        try:
            self._exposition.publish(self._source, copy=copy)
        except Exception:
            # The endpoint then reports the worker as stuck, which is what an operator sees.
            logger.exception("cannot publish the metrics")

    def _ask(self) -> None:
        """Have a new picture published; to be called on the threads of the endpoint."""
        done = threading.Event()
        try:
            self._loop.call_soon_threadsafe(self._note_asked, done)
        except RuntimeError:
            return  # the loop is closed
        done.wait(PATIENCE)

    def _note_asked(self, done: threading.Event) -> None:
        self._asked.append(done)
        if not self._is_answering:
            self._answering = asyncio.create_task(self._answer(), name="metrics-answer")

    @property
    def _is_answering(self) -> bool:
        return self._answering is not None and not self._answering.done()

    async def _answer(self) -> None:
        end = self._loop.time() + TURNS_SECONDS
        while not self._exposition.copy(self._source):
            if self._loop.time() > end:
                break
            await asyncio.sleep(BREATH)
        asked, self._asked = self._asked, []
        self._try_to_publish(copy=False)
        for done in asked:
            done.set()


async def serve(source: Source, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> Serving:
    """Serve the metrics of `source`, which is read on the running loop's thread only.

    From then on threads of this process change places more often.

    Raises:
        EndpointError: the address cannot be listened on.
    """
    sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
    exposition = Exposition()
    return Serving(source, exposition, Endpoint(exposition, host, port))
