"""Takes clients as they come, however many and however slow, and asks the site for answers.

All of them wait in one event loop: a connection costs some memory and no thread. When there are too
many, one has to go: never the one that comes, but of the address that has most of them the one that
has been silent for the longest. So a crowd pushes out its own.
"""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from streams.metrics.http_answer import Answer, line
from streams.metrics.http_request import (
    MAX_HEAD,
    METHODS,
    RefusedError,
    Request,
    head_end,
    read_request,
)
from streams.metrics.site import Site

__all__ = ["Clients", "Limits"]

ACCEPT_PAUSE: Final = 0.001
"""Seconds from one connection to the next: a flood of them must not take the interpreter over."""
LINGER: Final = 1.0
LINGER_BYTES: Final = 4 * 1024 * 1024
"""What a client may still send while it is told why it is refused."""
RECEIVE: Final = 16 * 1024
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 1.0
"""Seconds between two looks at a request that comes in drops; each time twice as long."""

logger = logging.getLogger(__name__)

Task = asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take."""

    connections: int = 512
    """of all clients together, and well below the files a process may open"""
    request_seconds: float = 10.0
    """from its connection to the end of its request"""
    answer_seconds: float = 60.0
    """to take the whole answer"""


class Clients:
    """The connections of one listening socket."""

    def __init__(self, listener: socket.socket, site: Site, limits: Limits) -> None:
        self._listener = listener
        self._site = site
        self._limits = limits
        # In the order of their coming.
        self._asking: dict[Task, str] = {}
        self._answered: dict[Task, str] = {}

    async def accept(self) -> None:
        """Take clients until cancelled."""
        while True:
            await _readable(self._listener)
            try:
                client, address = self._listener.accept()
            except OSError as error:
                # The client has left already, or the process has no file to spare.
                logger.debug("cannot take a client of the metrics endpoint: %s", error)
                await asyncio.sleep(0.1)
                continue
            self._make_room()
            self._take(client, address[0])
            await asyncio.sleep(ACCEPT_PAUSE)

    def _take(self, client: socket.socket, address: str) -> None:
        client.setblocking(False)
        task = asyncio.create_task(self._serve(client))
        self._asking[task] = address
        task.add_done_callback(self._gone)
        # A task that is cancelled before its first step closes nothing itself.
        task.add_done_callback(lambda _: client.close())

    async def finish(self, seconds: float) -> None:
        """Let go of who has not asked, and give the answers under way `seconds`."""
        for task in self._asking:
            task.cancel()
        tasks = [*self._asking, *self._answered]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _make_room(self) -> None:
        if len(self._asking) + len(self._answered) >= self._limits.connections:
            everyone = [*self._asking.items(), *self._answered.items()]
            ((crowd, _),) = Counter(address for _, address in everyone).most_common(1)
            oldest = next(task for task, address in everyone if address == crowd)
            oldest.cancel()
            self._gone(oldest)

    def _gone(self, task: Task) -> None:
        self._asking.pop(task, None)
        self._answered.pop(task, None)

    async def _serve(self, client: socket.socket) -> None:
        try:
            await self._converse(client)
        except OSError as error:
            # One that takes too long is one of these, too.
            logger.debug("a client of the metrics endpoint went away: %s", error)

    async def _converse(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(self._limits.request_seconds):
            head = await _head(client)
        if head is None:
            return
        self._now_answered()
        answer, body = await self._answer(head)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._limits.answer_seconds):
            for piece in answer.pieces(body=body):
                await loop.sock_sendall(client, piece)
        await _linger(client)

    def _now_answered(self) -> None:
        task = asyncio.current_task()
        if task in self._asking:
            self._answered[task] = self._asking.pop(task)

    async def _answer(self, head: bytes) -> tuple[Answer, bool]:
        try:
            request = _request(head)
            return await self._site.answer(request), request.method != "HEAD"
        except RefusedError as refused:
            return _refusal(refused), True
        except Exception:
            logger.exception("a request of the metrics endpoint failed")
            return line(HTTPStatus.INTERNAL_SERVER_ERROR, "see the log of the worker"), True


async def _readable(listener: socket.socket) -> None:
    """Wait until a client is there; unlike `sock_accept`, cancelling it loses none."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(listener, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(listener)


def _request(head: bytes) -> Request:
    if len(head) > MAX_HEAD:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        raise RefusedError(status, f"a request has at most {MAX_HEAD} bytes of header fields")
    return read_request(head)


def _refusal(refused: RefusedError) -> Answer:
    allowed = refused.status is HTTPStatus.METHOD_NOT_ALLOWED
    return line(refused.status, str(refused), {"Allow": ", ".join(METHODS)} if allowed else None)


async def _head(client: socket.socket) -> bytes | None:
    """The head of a request, longer than allowed if it is; none if the client leaves before."""
    loop = asyncio.get_running_loop()
    received = bytearray()
    pause = FIRST_PAUSE
    while len(received) <= MAX_HEAD:
        piece = await loop.sock_recv(client, RECEIVE)
        if not piece:
            return None
        seen = len(received)
        received += piece
        if seen == 0:
            # Clients may send an empty line before the first one (RFC 9112, 2.2).
            received = received.lstrip(b"\r\n")
        end = head_end(received, seen)
        if end is not None:
            return bytes(received[:end])
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return bytes(received)


async def _linger(client: socket.socket) -> None:
    """What a client still sends is read: closing at once would take the answer from it."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(LINGER):
            read = 0
            while read < LINGER_BYTES and (piece := await loop.sock_recv(client, RECEIVE)):
                read += len(piece)
