"""What a worker writes: promise events and dead letters, each tick's after it is durable.

At least once: a worker that takes a partition over writes those of the last tick once more, the
same bytes under the same ids. They go to the partition of the same number as their source, so
what is about one customer stays in order.
"""

import asyncio
import time
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.kafka.dead_letter_writer import DeadLetterWriter
from streams.kafka.errors import output_error
from streams.kafka.keeper import Fruits
from streams.kafka.ready_batch import ReadyBatch
from streams.kafka.security import aiokafka_options
from streams.promise_records import promise_batch, promise_record
from streams.settings import Settings

__all__ = ["Outputs"]

MAX_BATCH_BYTES: Final = 524_288


class Outputs:
    """Writes the outputs of a worker's ticks; acknowledged by all replicas.

    An outage of the broker is waited out. Anything else that keeps a record from being written
    raises `OutputError`, and no further tick is made.
    """

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        self.dead_letters = DeadLetterWriter(settings, bootstrap)
        self._topic = settings.promises_topic
        self._producer = AIOKafkaProducer(
            **{**aiokafka_options(settings), "bootstrap_servers": bootstrap.split(",")},
            client_id=f"{settings.group}-promises",
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=MAX_BATCH_BYTES,
        )
        self._partitions = 0

    async def start(self) -> None:
        """Connect.

        Raises:
            OutputError: a topic does not exist.
        """
        await self.dead_letters.start()
        await self._producer.start()
        try:
            self._partitions = len(await self._producer.partitions_for(self._topic))
        except KafkaError as error:
            raise output_error(self._topic, error) from error

    async def stop(self) -> None:
        """Flush and disconnect."""
        await self._producer.stop()
        await self.dead_letters.stop()

    async def write(self, fruits: Fruits) -> None:
        """Write the outputs of one tick and wait until all of them are acknowledged.

        Raises:
            OutputError: a topic cannot be written.
        """
        if fruits.dead_letters:
            await self.dead_letters.write(fruits.dead_letters)
        for future in await self._send(fruits) if fruits.changes else ():
            try:
                await future
            except KafkaError as error:
                raise output_error(self._topic, error) from error

    async def _send(self, fruits: Fruits) -> list[Any]:
        """Append the changes in as few batches as possible: ten times as fast as one by one."""
        partition = fruits.partition % self._partitions
        sending: list[Any] = []
        place = 0
        while place < len(fruits.changes):
            if place:
                # Encoding is synchronous; give the batches of records their turn.
                await asyncio.sleep(0)
            batch = self._batch(fruits, place)
            place += batch.record_count()
            sending.append(await self._close(batch, partition))
        return sending

    def _batch(self, fruits: Fruits, place: int) -> Any:
        """Return a batch of the changes from `place` on, of as many as have room."""
        written = promise_batch(
            fruits.changes, place, fruits.epoch, time.time_ns() // 1_000_000, MAX_BATCH_BYTES
        )
        if written is not None:
            return ReadyBatch(*written)
        batch = self._producer.create_batch()
        for change in fruits.changes[place:]:
            key, value = promise_record(change, fruits.epoch)
            if batch.append(key=key, value=value, timestamp=None) is None:
                break
        return batch

    async def _close(self, batch: Any, partition: int) -> Any:
        try:
            return await self._producer.send_batch(batch, self._topic, partition=partition)
        except KafkaError as error:
            raise output_error(self._topic, error) from error
