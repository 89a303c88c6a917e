"""Serving a worker's metrics from its event loop: publish now and then, answer on threads."""

import asyncio
import logging
from typing import Final

from streams.metrics.endpoint import DEFAULT_PORT, Endpoint
from streams.metrics.exposition import Exposition
from streams.metrics.source import Source

__all__ = ["PUBLISH_SECONDS", "Serving", "serve"]

PUBLISH_SECONDS: Final = 0.2
"""Live gauges are to be no older than a quarter of a second."""

logger = logging.getLogger(__name__)


class Serving:
    """A running endpoint and the task that keeps it up to date."""

    def __init__(self, source: Source, exposition: Exposition, endpoint: Endpoint) -> None:
        self._source = source
        self._exposition = exposition
        self._endpoint = endpoint
        self._task = asyncio.create_task(self._publish_for_ever(), name="metrics-publish")

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
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._endpoint.stop)

    async def _publish_for_ever(self) -> None:
        while True:
            try:
                self.publish()
            except Exception:
                # The endpoint then reports the worker as stuck, which is what an operator sees.
                logger.exception("cannot publish the metrics")
            await asyncio.sleep(PUBLISH_SECONDS)


async def serve(source: Source, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> Serving:
    """Serve the metrics of `source`, which is read on the running loop's thread only.

    Raises:
        EndpointError: the address cannot be listened on.
    """
    exposition = Exposition()
    return Serving(source, exposition, Endpoint(exposition, host, port))
