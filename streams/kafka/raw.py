"""The normalising agent: batches of raw topics in, canonical events on the events topic out."""

import asyncio
from collections.abc import Iterable, Mapping

from streams.kafka.batch import Batch
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.normalise import RawPartition
from streams.kafka.outputs import Outputs
from streams.kafka.produce import EventProducer
from streams.settings import Settings
from streams.wire import REASONS

__all__ = ["RawTopics", "Refusals", "no_refusals"]

Refusals = dict[str, dict[str, int]]
"""Dead letters made of raw records since the start, by topic and reason.

A live count, unlike that of the events: after a restart the last lines may be refused again.
"""


def no_refusals(topics: Iterable[str]) -> Refusals:
    """Return zero for every reason of every topic."""
    return {topic: dict.fromkeys(REASONS, 0) for topic in topics}


class RawTopics:
    """The raw partitions this worker owns, and the producer for what becomes of them.

    What is refused is added to `refusals`, which the worker's metrics tell.
    """

    def __init__(
        self,
        settings: Settings,
        bootstrap: str,
        outputs: Outputs,
        refusals: Refusals | None = None,
    ) -> None:
        self._formats: Mapping[str, str] = settings.raw_topics
        self.refusals = no_refusals(self._formats) if refusals is None else refusals
        self._outputs = outputs
        self._partitions: dict[tuple[str, int], RawPartition] = {}
        self._producer = EventProducer(settings, bootstrap) if self._formats else None

    async def normalise(self, batch: Batch) -> None:
        """Write the events of `batch`; returns when they are acknowledged."""
        assert self._producer is not None  # noqa: S101
        events, refused = self._partition(batch).feed(batch)
        await self._outputs.dead_letters.write(refused)
        self._count(refused)
        for key, event in events:
            self._producer.send(key, event)
        await asyncio.to_thread(self._producer.flush)

    def _count(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            self.refusals[letter.topic][letter.reason] += 1

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
