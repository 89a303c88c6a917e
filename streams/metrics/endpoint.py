"""The HTTP endpoint of a worker: metrics, health, readiness. On a thread of its own."""

import asyncio
import logging
import socket
import threading
from errno import EINVAL
from typing import Final

from streams.metrics.clients import Clients, Limits
from streams.metrics.exposition import Exposition
from streams.metrics.site import Site

__all__ = ["DEFAULT_PORT", "Endpoint", "EndpointError"]

DEFAULT_PORT: Final = 9808
BACKLOG: Final = 1024
SEND_BUFFER: Final = 128 * 1024
STOP_TIMEOUT: Final = 2.0
"""Seconds that answers under way are given when the endpoint stops."""

logger = logging.getLogger(__name__)


class EndpointError(Exception):
    """The endpoint cannot listen; the text is one line that says what to do."""


class Endpoint:
    """Serves `exposition` over HTTP until stopped; listens from the start.

    Raises:
        EndpointError: the address cannot be listened on.
    """

    def __init__(
        self,
        exposition: Exposition,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        limits: Limits = Limits(),  # noqa: B008 (it never changes)
    ) -> None:
        self._listener = _listen(host, port)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        """the port listened on, also when any (0) was asked for"""
        self._clients = Clients(self._listener, Site(exposition), limits)
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="metrics-endpoint", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the landing page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def stop(self) -> None:
        """Stop listening and let answers under way end."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        with self._listener:
            accepting = asyncio.create_task(self._clients.accept())
            await self._stopped.wait()
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
        await self._clients.finish(STOP_TIMEOUT)


def _listen(host: str, port: int) -> socket.socket:
    try:
        if not 0 <= port <= 65_535:
            raise OSError(EINVAL, "no such port")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        message = (
            f"cannot serve metrics on {host}:{port}: {error.strerror}; set metrics_host and "
            "metrics_port to an address that is free (port 0: any)"
        )
        raise EndpointError(message) from None
    listener.setblocking(False)
    # Clients inherit it: who does not read holds little of the kernel's memory, too.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return listener
