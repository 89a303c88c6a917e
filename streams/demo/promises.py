"""The promise events, read from Kafka like a dialler or a CRM would."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import MsgspecError

from streams.promise_events import PromiseEvent, decode
from streams.settings import Settings

__all__ = ["PromiseReader"]


class PromiseReader:
    """Hands every promise event on to `note`, as long as it is entered."""

    def __init__(
        self, settings: Settings, bootstrap: str, note: Callable[[PromiseEvent], None]
    ) -> None:
        self._note = note
        self._topic = settings.promises_topic
        self._partitions = range(settings.partitions)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=200)
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._topic, n) for n in self._partitions])
        await self._consumer.seek_to_beginning()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()

    async def _read(self) -> None:
        async for record in self._consumer:
            try:
                self._note(decode(record.value))
            except MsgspecError:
                continue
