"""What one fetch brought goes to Faust's agents as one message a topic."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.kafka.batch import Batch
from streams.kafka.transport import Consumer, ConsumerThread, FetchScheduler


def batch(topic: str, partition: int) -> tuple[TP, Batch]:
    return TP(topic, partition), Batch(topic, partition, (), 7)


def test_the_batches_of_a_topic_are_one_message() -> None:
    """Whichever order the fetch had them in; it goes by the partition that comes first."""
    fetched = dict([batch("b", 1), batch("a", 3), batch("b", 0), batch("a", 12)])
    messages = list(FetchScheduler().iterate(fetched))
    assert [tp for tp, _ in messages] == [TP("a", 3), TP("b", 0)]
    assert [[each.partition for each in batches] for _, batches in messages] == [[3, 12], [0, 1]]
    assert {id(each) for _, batches in messages for each in batches} == set(
        map(id, fetched.values())
    )


def test_a_partition_that_went_back_does_not_hold_up_the_others() -> None:
    """Faust drops a message below the offset it read last; the positions say what is new."""
    consumer = Consumer.__new__(Consumer)
    tp, went_back = batch("a", 3)
    setattr(consumer, "app", SimpleNamespace(consumer_generation_id=1))  # noqa: B010
    consumer._read_offset = defaultdict(lambda: None, {tp: 1_000})
    message = consumer._to_message(tp, (went_back, batch("a", 4)[1]))
    assert (message.tp, message.offset, len(message.value or ())) == (tp, 6, 2)
    assert consumer._read_offset[tp] is None


class Called(ConsumerThread):
    """A thread of a consumer that has no consumer, only its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.thread_loop = loop


@pytest.fixture
def other() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_what_is_called_runs_in_the_thread_of_the_consumer(
    other: asyncio.AbstractEventLoop,
) -> None:
    """A function or a coroutine; its result comes back, and so does its error."""

    async def where(name: str) -> tuple[str, int]:
        return name, threading.get_ident()

    def plainly() -> int:
        return threading.get_ident()

    async def fails() -> None:
        raise LookupError("no")

    async def work() -> None:
        called = Called(other)
        name, ident = await called.call_thread(where, "it")
        assert name == "it"
        assert ident == await called.call_thread(plainly) != threading.get_ident()
        with pytest.raises(LookupError, match="no"):
            await called.call_thread(fails)

    asyncio.run(work())


def test_who_gives_up_waiting_ends_the_call(other: asyncio.AbstractEventLoop) -> None:
    """Nobody is left to take its result."""
    ended = threading.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Called(other).call_thread(long), 0.1)
        assert await asyncio.to_thread(ended.wait, 5)

    asyncio.run(work())
