"""Faust's aiokafka transport, changed so that one message is what one fetch brought of a topic.

Faust pays four asyncio tasks a message; with so much in one that cost disappears. What is
overridden and why is said at each place; the private names are those of faust-streaming 0.15 and
aiokafka 0.14.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Protocol

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.utils.futures import maybe_async

from streams.kafka.batch import Batch, Fresh
from streams.kafka.clock import OUTAGE, FetchWatch, looked_at
from streams.kafka.handing import HandsOnAtOnce
from streams.kafka.pace import BUSY, FetchPace, FetchWait
from streams.kafka.parsed import hand_on_as_parsed

__all__ = ["SCHEME", "Consumer", "FetchScheduler", "Positions", "Transport"]

SCHEME: Final = "callsla"
"""The scheme of broker addresses that use this transport."""

# mode would name loggers after this module, past the level set for Faust's own.
LOGGER: Final = logging.getLogger("faust.transport")

MEMBER_SECONDS: Final = 5.0


class Positions(Protocol):
    """Who knows how far each partition has come; the consumer asks, and commits what it says."""

    watch: FetchWatch
    news: asyncio.Event
    clock: Callable[[], int]

    @property
    def is_calm(self) -> bool:
        """Whether nobody has to know soon that nothing came."""

    def seek_targets(self) -> Mapping[TP, int]:
        """Return where reading goes on; a partition left out goes on from its commit."""

    def committable(self) -> Mapping[TP, int]:
        """Return the offsets below which everything is done, outputs included."""


class FetchScheduler:
    """Hands on the batches of each topic as one record (Faust's `ConsumerScheduler`)."""

    def iterate(self, records: Mapping[TP, Batch]) -> Iterator[tuple[TP, tuple[Batch, ...]]]:
        """Return them in the order of their numbers, with the partition that comes first."""
        for _, of_topic in groupby(sorted(records), key=attrgetter("topic")):
            tps = list(of_topic)
            yield tps[0], tuple(records[tp] for tp in tps)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns the aiokafka consumer."""

    logger = LOGGER
    consumer: "Consumer"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._handed: dict[TP, int] = {}
        self._pace = FetchPace()

    def _create_worker_consumer(self, transport: Any) -> Any:
        # Faust has no setting for these; aiokafka reads them only when it starts.
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes = BUSY.min_bytes  # noqa: SLF001
        consumer._fetch_max_wait_ms = BUSY.max_ms  # noqa: SLF001
        return consumer

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fun` in this thread; without Faust's queue, where tasks race for each call."""

        async def call() -> Any:
            return await maybe_async(fun(*args, **kwargs))

        called = asyncio.run_coroutine_threadsafe(call(), self.thread_loop)
        return await asyncio.wrap_future(called)

    async def on_start(self) -> None:
        """Start the aiokafka consumer and listen to the outcome of each of its fetches."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher  # noqa: SLF001
        send = fetcher._proc_fetch_request  # noqa: SLF001

        async def stamped(assignment: Any, node_id: Any, request: Any) -> bool:
            brought = await self._stamped(send, assignment, node_id, request)
            hand_on_as_parsed(fetcher._records)  # noqa: SLF001
            self._set_pace(fetcher, brought=brought, full=brought and self._is_full(request))
            if not brought:
                # Deadlines may fire now that did not when this had not been confirmed. Where
                # there are records, they may when these have been taken in.
                self.consumer.loop.call_soon_threadsafe(self.consumer.positions.news.set)
            return brought

        fetcher._proc_fetch_request = stamped  # noqa: SLF001

    def _is_full(self, request: Any) -> bool:
        """Return whether `request` brought of some partition as much as is given at a time.

        Also if of some an error was brought: to ask again need not wait.
        """
        # Whole batches of records: what is given is less than the most by a part of one.
        return any(
            self._fetched([TP(topic, partition)]) >= most // 2
            for topic, partitions in request.topics
            for partition, _, most in partitions
        )

    def _set_pace(self, fetcher: Any, *, brought: bool, full: bool) -> None:
        """Have the next fetch wait as long as fits what this one brought."""
        positions = self.consumer.positions
        wait = self._pace.after(
            positions.clock(),
            brought=brought,
            calm=positions.is_calm,
            behind=full,
        )
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = wait  # noqa: SLF001

    async def on_thread_stop(self) -> None:
        """Leave the group, also as a static member: else the others wait for its session."""
        if self._consumer is not None:
            self._consumer._coordinator._group_instance_id = None  # noqa: SLF001
        # With the broker away the fetch that is cancelled here would end the thread with a trace.
        with suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    async def _stamped(
        self, send: Callable[..., Awaitable[bool]], assignment: Any, node_id: Any, request: Any
    ) -> bool:
        before = _stamps(assignment, request)
        clock = self.consumer.positions.clock
        asked = clock()
        brought = await send(assignment, node_id, request)
        answered = clock()
        confirmed = _confirmed(assignment, request, before)
        at = asked
        if len(confirmed) == len(before):
            at = looked_at(asked, answered, _wait_of(request), self._fetched(before))
        self.consumer.fresh.update({tp: Fresh(at, end) for tp, end in confirmed.items()})
        watch = self.consumer.watch
        if confirmed:
            watch.succeeded(asked, answered, confirmed)
        elif assignment.active or answered - asked > OUTAGE:
            watch.failed(asked)
        if assignment.active:
            watch.missed(asked, before.keys() - confirmed.keys())
        return brought

    def _fetched(self, tps: Iterable[TP]) -> int:
        """Return the bytes of `tps` that were just fetched; more than any if nobody can say."""
        fetched = self._ensure_consumer()._fetcher._records  # noqa: SLF001
        results = [fetched[tp] for tp in map(TopicPartition._make, tps) if tp in fetched]
        if not all(isinstance(result, FetchResult) for result in results):
            return sys.maxsize
        return sum(r._partition_records._records.size_in_bytes() for r in results)  # noqa: SLF001

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        records = await super()._fetch_records(consumer, *args, **kwargs)
        return dict(self._batches(consumer._subscription.subscription, records))  # noqa: SLF001

    def _batches(self, subscription: Any, records: Mapping[Any, Any]) -> Iterator[tuple[TP, Batch]]:
        """Give each partition's records their end; an end that moved alone is a batch too."""
        if subscription is None or subscription.assignment is None:
            return
        for tp in subscription.assignment.tps:
            state = subscription.assignment.state_value(tp)
            if not state.has_valid_position:
                continue
            if tp in records or state.position > self._handed.get(tp, state.position):
                self._handed[tp] = state.position
                yield tp, Batch(tp.topic, tp.partition, records.get(tp, ()), state.position)

    async def seek_to(self, targets: Mapping[TP, int]) -> None:
        """Set the position of each partition that is still assigned, in this thread.

        Faust itself would seek from the main thread while the fetcher runs in this one.
        """
        await self.call_thread(self._seek_to, targets)

    async def _seek_to(self, targets: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        for tp, offset in targets.items():
            if tp in assigned:
                consumer.seek(TopicPartition(*tp), offset)
                self._handed[tp] = offset
                self.consumer.fresh.pop(tp, None)

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        """Return the committed offset of each partition."""
        found: dict[TP, int | None] = await self.call_thread(
            self._committed, [TopicPartition(*tp) for tp in tps]
        )
        return found

    async def _committed(self, tps: list[Any]) -> dict[TP, int | None]:
        consumer = self._ensure_consumer()
        return {tp: await consumer.committed(tp) for tp in tps}

    async def is_member(self) -> bool:
        """Return whether the group accepts a commit of this worker now."""
        accepted: bool = await self.call_thread(self._is_member)
        return accepted

    async def _is_member(self) -> bool:
        consumer = self._ensure_consumer()
        try:
            async with asyncio.timeout(MEMBER_SECONDS):
                for tp in consumer.assignment():
                    offset = await consumer.committed(tp)
                    # What is committed already: only the answer counts.
                    await consumer.commit({tp: offset or 0})
                    return True
        except (KafkaError, TimeoutError):
            pass
        return False


def _stamps(assignment: Any, request: Any) -> dict[TP, int | None]:
    """Return when (wall clock, milliseconds) aiokafka last had an answer about what is asked."""
    asked = [TP(topic, row[0]) for topic, partitions in request.topics for row in partitions]
    states = {tp: assignment.state_value(TopicPartition(*tp)) for tp in asked}
    return {tp: state.timestamp for tp, state in states.items() if state is not None}


def _confirmed(assignment: Any, request: Any, before: Mapping[TP, int | None]) -> dict[TP, int]:
    """Return the ends that the response to `request` tells of; nothing if there was none.

    An answer shows by its new stamp. Not by a later one: the wall clock may have been set back,
    and then what was stamped before would pass for an answer all through an outage.
    """
    return {
        tp: assignment.state_value(TopicPartition(*tp)).highwater
        for tp, stamp in _stamps(assignment, request).items()
        if stamp is not None and stamp != before.get(tp)
    }


def _wait_of(request: Any) -> FetchWait:
    return FetchWait(request._min_bytes, request._max_wait_ms)  # noqa: SLF001


class Consumer(HandsOnAtOnce, driver.Consumer):
    """The consumer of a worker; `fresh` is what the newest fetch said about each partition."""

    logger = LOGGER
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.fresh: dict[TP, Fresh] = {}
        super().__init__(*args, **kwargs)

    @property
    def positions(self) -> Positions:
        """The owner of the positions, which the app carries."""
        positions: Positions = self.app.positions  # type: ignore[attr-defined]
        return positions

    @property
    def watch(self) -> FetchWatch:
        """Where the outcome of fetches is noted."""
        return self.positions.watch

    @property
    def thread(self) -> ConsumerThread:
        """The thread of the aiokafka consumer."""
        return self._thread

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        # Faust goes by the first partition, and would drop all of them when that one went back:
        # after a seek, or an unclean election. The positions see to every one.
        self._read_offset[tp] = None
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record[0].next_offset - 1,
            0.0,
            0,
            None,
            None,
            record,
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def perform_seek(self) -> None:
        """Go on where the positions say; after an assignment, and when a fetch came too late."""
        targets = self.positions.seek_targets()
        assigned = self.assignment()
        if not assigned <= targets.keys():
            await self._thread.seek_to_committed()
        await self._thread.seek_to(targets)

    async def reseek(self, tp: TP, offset: int) -> None:
        """Read partition `tp` again from `offset`."""
        await self._thread.seek_to({tp: offset})

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            tp
            for tp in self.positions.committable()
            if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        # The Cython stream acknowledges past `ack`; without this its lists grow for ever.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self.positions.committable().get(tp)

    async def _commit_offsets(
        self,
        offsets: Mapping[TP, int],
        start_new_transaction: bool = True,  # noqa: ARG002
    ) -> bool:
        # Faust draws a table of them for its log first, whoever reads it.
        assigned = self.assignment()
        ours = {tp: offset for tp, offset in offsets.items() if tp in assigned}
        if not ours or not await self._commit(ours):
            return False
        self._committed_offset.update(ours)
        return True

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return offset > (self._committed_offset[tp] or 0)


class Transport(driver.Transport):
    """Faust's Kafka transport with this module's consumer."""

    logger = LOGGER
    Consumer = Consumer


TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
