"""The normalising agent: batches of raw topics in, canonical events on the events topic out."""

import asyncio

from streams.kafka.batch import Batch
from streams.kafka.normalise import RawPartition
from streams.kafka.outputs import Outputs
from streams.kafka.produce import EventProducer
from streams.settings import Settings

__all__ = ["RawTopics"]


class RawTopics:
    """The raw partitions this worker owns, and the producer for what becomes of them."""

    def __init__(self, settings: Settings, bootstrap: str, outputs: Outputs) -> None:
        self._formats = settings.raw_topics
        self._outputs = outputs
        self._partitions: dict[tuple[str, int], RawPartition] = {}
        self._producer = EventProducer(settings, bootstrap) if self._formats else None

    async def normalise(self, batch: Batch) -> None:
        """Write the events of `batch`; returns when they are acknowledged."""
        assert self._producer is not None  # noqa: S101
        events, refused = self._partition(batch).feed(batch)
        await self._outputs.dead_letters.write(refused)
        for key, event in events:
            self._producer.send(key, event)
        await asyncio.to_thread(self._producer.flush)

    def _partition(self, batch: Batch) -> RawPartition:
        key = (batch.topic, batch.partition)
        if key not in self._partitions:
            self._partitions[key] = RawPartition(*key, self._formats[batch.topic])
        return self._partitions[key]

    def forget(self) -> None:
        """Drop what is known of every partition: reading goes on from the commits."""
        for partition in self._partitions.values():
            partition.close()
        self._partitions.clear()

    def close(self) -> None:
        """End every partition's thread."""
        self.forget()
