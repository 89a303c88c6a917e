"""What goes over a connection, joined once: aiokafka and asyncio copy it three to eight times.

A request is copied twice more, when what stands before it is added.

The private names are those of aiokafka 0.14 and of asyncio in Python 3.11 to 3.13.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import Any

from aiokafka import conn
from aiokafka.producer import sender
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Array, Bytes, Int32, Schema

__all__ = ["JoinedProduceRequest", "JoiningReader", "join_frames", "joined"]


def join_frames() -> None:
    """Have every connection and every producer do so that this process makes from now on."""
    conn.AIOKafkaProtocol = _JoiningProtocol
    sender.ProduceRequest = JoinedProduceRequest


class JoiningReader(asyncio.StreamReader):
    """A reader that keeps what comes in pieces until what is asked for is all there.

    Of its methods to read there is `readexactly` alone, which aiokafka uses.
    """

    _pieces: deque[bytes | memoryview]
    _held: int
    _wanted: int
    # Of asyncio's own:
    _eof: bool
    _exception: BaseException | None
    _limit: int
    _paused: bool
    _transport: Any
    _wait_for_data: Any
    _wakeup_waiter: Any

    def begin(self) -> None:
        """Hold nothing so far."""
        self._pieces = deque()
        self._held = self._wanted = 0

    def at_eof(self) -> bool:
        """Return whether nothing is there and nothing will come."""
        return self._eof and not self._held

    def feed_data(self, data: Any) -> None:
        """Take in what came; whoever waits for more than that goes on waiting."""
        self._pieces.append(data)
        self._held += len(data)
        if self._held < self._wanted:
            return
        self._wakeup_waiter()
        if self._held > 2 * self._limit + self._wanted and not self._paused:
            self._transport.pause_reading()
            self._paused = True

    async def readexactly(self, n: int) -> bytes:
        """Return the next `n` bytes.

        Raises:
            asyncio.IncompleteReadError: the connection ended before.
            ValueError: fewer than none are asked for, by a frame of no such protocol.
        """
        if n < 0:
            raise ValueError(n)
        if self._exception is not None:
            raise self._exception
        self._wanted = n
        while self._held < n:
            if self._eof:
                raise asyncio.IncompleteReadError(self._take(self._held), n)
            await self._wait_for_data("readexactly")
        self._wanted = 0
        found = self._take(n)
        self._maybe_resume_transport()
        return found

    def _take(self, size: int) -> bytes:
        taken: list[bytes | memoryview] = []
        missing = size
        while missing:
            piece = self._pieces.popleft()
            if len(piece) > missing:
                self._pieces.appendleft(memoryview(piece)[missing:])
                piece = memoryview(piece)[:missing]
            taken.append(piece)
            missing -= len(piece)
        self._held -= size
        return b"".join(taken)

    def _maybe_resume_transport(self) -> None:
        if self._paused and self._held <= self._limit:
            self._paused = False
            self._transport.resume_reading()


class _JoiningProtocol(conn.AIOKafkaProtocol):  # type: ignore[misc]
    def __init__(self, closed: Any, reader: Any, **options: Any) -> None:
        # aiokafka makes the reader itself, and has no place to say of what class.
        reader.__class__ = JoiningReader
        reader.begin()
        super().__init__(closed, reader, **options)


class JoinedProduceRequest(ProduceRequest):  # type: ignore[misc]
    """A request that joins batches of records with what is around them once."""

    def build(self, request_struct_class: Any) -> Any:
        """Return the request of that version."""
        return super().build(_joining(request_struct_class))


class _Joined:
    """A request of some version, encoded by `joined`."""

    def encode(self) -> bytes:
        return joined(self)


@cache
def _joining(version: Any) -> Any:
    return type(version.__name__, (_Joined, version), {})


def joined(request: Any) -> bytes:
    """Return the bytes of `request`, as its own `encode` would."""
    schema = request.SCHEMA
    return b"".join(_pieces(schema, [request.get_item(name) for name in schema.names]))


def _pieces(field: Any, value: Any) -> Iterator[bytes]:
    if isinstance(field, Schema):
        for part, of_part in zip(field.fields, value, strict=True):
            yield from _pieces(part, of_part)
    elif type(field) is Array and value is not None:
        yield Int32.encode(len(value))
        for item in value:
            yield from _pieces(field.array_of, item)
    elif field is Bytes and value is not None:
        yield Int32.encode(len(value))
        yield value
    else:
        yield field.encode(value)
