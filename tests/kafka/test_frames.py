"""Frames are joined once, and nobody can tell: against asyncio's reader and aiokafka's encoding."""

import asyncio
import weakref
from typing import Any

import pytest
from aiokafka.protocol.produce import ProduceRequest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.frames import JoinedProduceRequest, JoiningReader, joined

_PIECES = st.lists(st.binary(min_size=1, max_size=9), max_size=12)
_SIZES = st.lists(st.integers(0, 25), max_size=8)


class _Transport:
    """What a reader asks of the transport: notes whether it is to read on."""

    def __init__(self) -> None:
        self.is_reading = True

    def pause_reading(self) -> None:
        assert self.is_reading
        self.is_reading = False

    def resume_reading(self) -> None:
        assert not self.is_reading
        self.is_reading = True


def _joining() -> tuple[JoiningReader, _Transport]:
    reader, transport = JoiningReader(limit=8), _Transport()
    reader.begin()
    reader.set_transport(transport)  # type: ignore[arg-type]
    return reader, transport


async def _frames(reader: asyncio.StreamReader, sizes: list[int]) -> list[Any]:
    found: list[Any] = []
    for size in sizes:
        try:
            found.append(await reader.readexactly(size))
        except asyncio.IncompleteReadError as error:
            found.append((error.partial, error.expected, reader.at_eof()))
    return found


async def _fed(reader: asyncio.StreamReader, pieces: list[bytes], sizes: list[int]) -> list[Any]:
    reading = asyncio.ensure_future(_frames(reader, sizes))
    for piece in pieces:
        await asyncio.sleep(0)
        reader.feed_data(piece)
    await asyncio.sleep(0)
    reader.feed_eof()
    return await reading


@given(_PIECES, _SIZES)
def test_what_is_read_is_what_asyncio_reads(pieces: list[bytes], sizes: list[int]) -> None:
    """However it comes in pieces, also when the connection ends within a frame."""

    async def both() -> tuple[list[Any], list[Any]]:
        plain = asyncio.StreamReader(limit=8)
        plain.set_transport(_Transport())  # type: ignore[arg-type]
        return await _fed(_joining()[0], pieces, sizes), await _fed(plain, pieces, sizes)

    found, expected = asyncio.run(both())
    assert found == expected
    assert all(type(frame) is bytes for frame in found if not isinstance(frame, tuple))


def test_what_nobody_asked_for_is_not_taken_in_for_ever() -> None:
    """The transport pauses, and goes on when it has been read."""

    async def read() -> None:
        reader, transport = _joining()
        for _ in range(17):
            assert transport.is_reading
            reader.feed_data(b"x")
        assert not transport.is_reading
        await reader.readexactly(9)
        assert transport.is_reading

    asyncio.run(read())


def test_a_frame_larger_than_the_limit_comes_in() -> None:
    """A transport that was paused before it was asked for goes on."""

    async def read() -> None:
        reader, transport = _joining()
        reader.feed_data(b"x" * 20)
        reading = asyncio.ensure_future(reader.readexactly(100))
        await asyncio.sleep(0)
        for _ in range(80):
            assert transport.is_reading
            reader.feed_data(b"y")
        assert await reading == b"x" * 20 + b"y" * 80
        assert not reader.at_eof()

    asyncio.run(read())


def test_a_frame_of_fewer_than_no_bytes_is_refused() -> None:
    """As asyncio does: the other side speaks something else, and aiokafka hangs up."""

    async def read() -> None:
        reader, _ = _joining()
        reader.feed_data(b"abc")
        with pytest.raises(ValueError, match="-1"):
            await reader.readexactly(-1)

    asyncio.run(read())


def test_what_broke_the_connection_is_raised() -> None:
    """Who waits for a frame learns of it, and who asks for one after it."""

    async def read() -> None:
        reader, _ = _joining()
        reading = asyncio.ensure_future(reader.readexactly(4))
        await asyncio.sleep(0)
        reader.set_exception(ConnectionResetError("gone"))
        for asked in (reading, reader.readexactly(4)):
            with pytest.raises(ConnectionResetError, match="gone"):
                await asked

    asyncio.run(read())


_BATCHES = st.lists(st.tuples(st.integers(0, 99), st.one_of(st.none(), st.binary(max_size=30))))
_TOPICS = st.lists(st.tuples(st.text(max_size=5), _BATCHES), max_size=4)


@given(st.one_of(st.none(), st.text(max_size=5)), st.integers(-1, 1), _TOPICS)
def test_a_request_is_what_aiokafka_encodes(name: str | None, acks: int, topics: Any) -> None:
    """In each of its versions, whatever is in it."""
    asked = {"required_acks": acks, "timeout": 40_000, "topics": topics}
    for version in range(3, 8):
        versions = {0: (version, version)}
        plain = ProduceRequest(transactional_id=name, **asked).prepare(versions)
        ours = JoinedProduceRequest(transactional_id=name, **asked).prepare(versions)
        assert isinstance(ours, type(plain))
        assert ours.encode() == joined(plain) == plain.encode()


def test_a_request_is_gone_as_soon_as_nobody_has_it() -> None:
    """With half a megabyte of records: the collector does not come by for a long time."""
    asked: dict[str, Any] = {"required_acks": -1, "timeout": 1, "topics": [("t", [(0, b"x")])]}
    request = JoinedProduceRequest(transactional_id=None, **asked).prepare({0: (0, 7)})
    gone = weakref.ref(request)
    assert request.encode()
    del request
    assert gone() is None


def test_a_batch_that_is_still_a_bytearray_goes_into_it() -> None:
    """As `ReadyBatch` hands it over."""
    topics = [("promises", [(3, bytearray(b"records"))])]
    asked: dict[str, Any] = {"required_acks": -1, "timeout": 1, "topics": topics}
    request = JoinedProduceRequest(transactional_id=None, **asked).prepare({0: (0, 7)})
    encoded = request.encode()
    assert type(encoded) is bytes
    assert encoded.endswith(b"\0\0\0\7records")
