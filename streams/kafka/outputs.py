"""What a worker writes: promise events and dead letters, before the offsets they came from.

At least once: a worker that starts again may write the last few once more, under the same ids.
They go to the partition of the same number as their source, so what is about one customer stays
in order.

Until the ledger's ticks are kept in a log, a ledger that was rebuilt may have settled at once what
was corrected live; a correction after that can carry a revision that was already used.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams import promise_events
from streams.kafka.dead_letter_writer import DeadLetterWriter
from streams.kafka.errors import output_error
from streams.kafka.partition import Stretch
from streams.kafka.security import aiokafka_options
from streams.ledger.changes import Change
from streams.settings import Settings

__all__ = ["Outputs"]

MAX_BATCH_BYTES: Final = 524_288


class Outputs:
    """Writes the stretches of a worker; acknowledged by all replicas.

    An outage of the broker is waited out. Anything else that keeps a record from being written
    raises `OutputError`, and nothing after it is committed.
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

    async def write(self, stretches: Iterable[Stretch]) -> None:
        """Write the outputs of `stretches` and wait until all of them are acknowledged.

        Raises:
            OutputError: a topic cannot be written.
        """
        sending: list[Any] = []
        for stretch in stretches:
            if stretch.changes:
                sending += await self._send(stretch.changes, stretch.partition % self._partitions)
            if stretch.dead_letters:
                await self.dead_letters.write(stretch.dead_letters)
        for future in sending:
            try:
                await future
            except KafkaError as error:
                raise output_error(self._topic, error) from error

    async def _send(self, changes: Iterable[Change], partition: int) -> list[Any]:
        """Append `changes` in as few batches as possible: ten times as fast as one by one."""
        sending: list[Any] = []
        batch = self._producer.create_batch()
        for change in changes:
            if not _append(batch, change):
                sending.append(await self._close(batch, partition))
                # Encoding is synchronous; give the batches of records their turn.
                await asyncio.sleep(0)
                batch = self._producer.create_batch()
                _append(batch, change)
        sending.append(await self._close(batch, partition))
        return sending

    async def _close(self, batch: Any, partition: int) -> Any:
        try:
            return await self._producer.send_batch(batch, self._topic, partition=partition)
        except KafkaError as error:
            raise output_error(self._topic, error) from error


def _append(batch: Any, change: Change) -> bool:
    """Return whether there was room for `change`."""
    event = promise_events.from_change(change)
    key, value = promise_events.record_key(event), promise_events.encode(event)
    return batch.append(key=key, value=value, timestamp=None) is not None
