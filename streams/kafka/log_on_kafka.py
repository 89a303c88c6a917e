"""The ports of the log, on Kafka: an own idempotent producer, and consumers outside the group."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import TopicPartition

from streams.kafka.batch import Batch
from streams.kafka.errors import output_error
from streams.kafka.header_names import tolerate_odd_header_names
from streams.kafka.ledgerlog.ports import AppendUnknownError
from streams.kafka.ledgerlog.records import LogDamagedError
from streams.kafka.security import aiokafka_options
from streams.settings import Settings

__all__ = ["KafkaLogs", "TopicLog", "TopicSource"]

log = logging.getLogger(__name__)

APPEND_SECONDS: Final = 12.0
"""Longer than electing a leader takes. An idempotent producer of aiokafka never gives up."""
READERS: Final = 4
READ_RECORDS: Final = 20_000
READ_MS: Final = 500
STALL_SECONDS: Final = 30.0
"""A reader that gets nothing for this long although there is something gives up."""
_FATAL: Final = (
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
)
_Result = TypeVar("_Result")


class KafkaLogs:
    """Every partition of the ledger topic and of the events topic, for one worker or reader.

    `start` before, `stop` after; `appending` False makes it for reading only.
    """

    def __init__(self, settings: Settings, bootstrap: str, *, appending: bool = True) -> None:
        self._settings = settings
        self._options = {**aiokafka_options(settings), "bootstrap_servers": bootstrap.split(",")}
        self._appending = appending
        self._producer: Any = None
        self._admin: Any = None
        self._idle: list[Any] = []
        self._slots = asyncio.Semaphore(READERS)
        self._retired: set[asyncio.Task[None]] = set()
        self._replacing = asyncio.Lock()

    async def start(self) -> None:
        """Connect."""
        if self._appending:
            self._producer = await self._new_producer()

    async def stop(self) -> None:
        """Disconnect; an append whose outcome is unknown is given up."""
        closing = [each.stop() for each in self._idle]
        self._idle.clear()
        for task in self._retired:
            task.cancel()
        if self._producer is not None:
            closing.append(_within(1.0, self._producer.stop()))
        if self._admin is not None:
            closing.append(self._admin.close())
        await asyncio.gather(*closing, *self._retired, return_exceptions=True)

    def log(self, partition: int) -> "TopicLog":
        """Return the log of `partition`."""
        return TopicLog(self, TopicPartition(self._settings.ledger_topic, partition))

    def source(self, partition: int) -> "TopicSource":
        """Return the events of `partition`."""
        return TopicSource(self, TopicPartition(self._settings.events_topic, partition))

    async def partitions(self) -> int:
        """Return the number of partitions of the ledger topic."""
        async with self._reader() as reader:
            cluster = await reader._client.fetch_all_metadata()  # noqa: SLF001
            return len(cluster.partitions_for_topic(self._settings.ledger_topic) or ())

    async def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return the first offset that is still there and the one the next record will get."""
        async with self._reader() as reader:
            await _known(reader, tp.topic)
            first = await _patiently(lambda: reader.beginning_offsets([tp]))
            end = await _patiently(lambda: reader.end_offsets([tp]))
        return first[tp], end[tp]

    async def read(
        self, tp: TopicPartition, first: int, end: int
    ) -> AsyncIterator[tuple[Sequence[Any], int]]:
        """Yield the records of `first` <= offset < `end`, each time with the offset after them.

        Raises:
            LogDamagedError: they are not there.
        """
        if first >= end:
            return
        async with self._reader() as reader:
            reader.assign([tp])
            reader.seek(tp, first)
            async for portion in _portions(reader, tp, first, end):
                yield portion

    async def append(self, tp: TopicPartition, values: Sequence[bytes]) -> int:
        """Append `values` as one batch; see `LogStore.append`.

        Raises:
            OutputError: the broker refuses for good.
        """
        producer = self._producer
        batch = producer.create_batch()
        for value in values:
            if batch.append(key=None, value=value, timestamp=None) is None:
                raise ValueError("more than one batch")
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                future = await producer.send_batch(batch, tp.topic, partition=tp.partition)
                # Cancelled, it would fail where the producer sets its result.
                metadata = await asyncio.shield(future)
        except _FATAL as error:
            raise output_error(tp.topic, error) from error
        except (TimeoutError, KafkaError) as error:
            await self._replace(producer)
            reason = str(error) or type(error).__name__
            raise AppendUnknownError(f"no acknowledgement of {tp.topic}: {reason}") from None
        if metadata.offset < 0:
            raise AppendUnknownError(f"{tp.topic}: acknowledged without an offset")
        return int(metadata.offset)

    async def trim(self, tp: TopicPartition, below: int) -> bool:
        """Delete the records below an offset; False if the broker does not let us."""
        try:
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._options)
                await admin.start()
                self._admin = admin
            await self._admin.delete_records({tp: RecordsToDelete(before_offset=below)})
        except Exception as error:
            # The log grows, that is all: another attempt comes with the next snapshot.
            log.debug("%s cannot be trimmed: %s", tp, error)
            return False
        return True

    async def _new_producer(self) -> Any:
        producer = AIOKafkaProducer(
            **self._options,
            client_id=f"{self._settings.group}-ledger",
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=1_048_576,
            request_timeout_ms=10_000,
        )
        await _started(producer, producer.start())
        return producer

    async def _replace(self, producer: Any) -> None:
        """Have the next append made by another producer: this one may be stuck for good."""
        # Every partition gives up on it at the same time.
        async with self._replacing:
            if self._producer is not producer:
                return
            retired = asyncio.ensure_future(_retire(producer))
            self._retired.add(retired)
            retired.add_done_callback(self._retired.discard)
            with suppress(KafkaError):
                self._producer = await self._new_producer()

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[Any]:
        async with self._slots:
            reader = self._idle.pop() if self._idle else await self._new_reader()
            try:
                yield reader
            except BaseException:
                await _within(1.0, reader.stop())
                raise
            reader.unsubscribe()
            self._idle.append(reader)

    async def _new_reader(self) -> Any:
        tolerate_odd_header_names()
        reader = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=4 * 1_048_576,
        )
        await _started(reader, _patiently(reader.start))
        return reader


async def _known(reader: Any, topic: str) -> None:
    """Have `reader` know of `topic`: asked of one it does not know it looks again later."""
    client = reader._client  # noqa: SLF001
    if client.cluster.partitions_for_topic(topic) is None:
        await client.add_topic(topic)


async def _portions(
    reader: Any, tp: TopicPartition, first: int, end: int
) -> AsyncIterator[tuple[Sequence[Any], int]]:
    position, idle = first, 0.0
    while position < end:
        try:
            found = await reader.getmany(tp, timeout_ms=READ_MS, max_records=READ_RECORDS)
        except OffsetOutOfRangeError:
            raise LogDamagedError(f"{tp.topic} does not hold offset {position} any more") from None
        records = found.get(tp, [])
        before, position = position, await reader.position(tp)
        idle = 0.0 if position > before else idle + READ_MS / 1000
        if idle > STALL_SECONDS:
            raise LogDamagedError(f"{tp.topic} cannot be read at offset {position}")
        yield [each for each in records if each.offset < end], position


class TopicLog:
    """One partition of the ledger topic (`LogStore`)."""

    def __init__(self, logs: KafkaLogs, tp: TopicPartition) -> None:
        self._logs = logs
        self._tp = tp

    async def bounds(self) -> tuple[int, int]:
        """See `LogStore`."""
        return await self._logs.bounds(self._tp)

    async def append(self, values: Sequence[bytes]) -> int:
        """See `LogStore`."""
        return await self._logs.append(self._tp, values)

    async def read(self, first: int, end: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """See `LogStore`."""
        async for records, _ in self._logs.read(self._tp, first, end):
            yield [(each.offset, each.value) for each in records]

    async def trim(self, below: int) -> bool:
        """See `LogStore`."""
        return await self._logs.trim(self._tp, below)


class TopicSource:
    """One partition of the events topic (`Source`)."""

    def __init__(self, logs: KafkaLogs, tp: TopicPartition) -> None:
        self._logs = logs
        self._tp = tp

    async def bounds(self) -> tuple[int, int]:
        """See `Source`."""
        return await self._logs.bounds(self._tp)

    async def read(self, first: int, end: int) -> AsyncIterator[Batch]:
        """See `Source`."""
        async for records, position in self._logs.read(self._tp, first, end):
            yield Batch(self._tp.topic, self._tp.partition, records, min(position, end))


async def _patiently(work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Repeat `work` while the broker is away: who waits here has nothing else to do."""
    waited = 0.0
    while True:
        try:
            return await work()
        except KafkaError as error:
            if not error.retriable or waited > STALL_SECONDS:
                raise
            waited += 0.5
            await asyncio.sleep(0.5)


async def _started(client: Any, starting: Awaitable[None]) -> None:
    """Wait for the start of `client`; what it holds is given back if that fails."""
    try:
        await starting
    except BaseException:
        await _within(1.0, client.stop())
        raise


async def _retire(producer: Any) -> None:
    """Let a producer finish what it holds: whatever arrives late is told apart by its epoch."""
    with suppress(KafkaError):
        await producer.stop()


async def _within(seconds: float, work: Awaitable[Any]) -> None:
    with suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(work, seconds)
