"""Where batches wait while the state of their partition is being written.

Only that partition stands still; the others, the ticks and the scrapes go on.
"""

import asyncio
from collections.abc import Awaitable, Callable

from streams.kafka.batch import Batch

__all__ = ["Parking"]


class Parking:
    """Batches by partition, applied in their order when the partition goes on.

    `frozen` returns what is set when a partition that stands still goes on; None: it does not
    stand still.
    """

    def __init__(
        self,
        frozen: Callable[[int], asyncio.Event | None],
        apply: Callable[[Batch], Awaitable[None]],
    ) -> None:
        self._frozen = frozen
        self._apply = apply
        self._waiting: dict[int, list[Batch]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, batch: Batch) -> bool:
        """Keep `batch` for later if its partition stands still, or others of it wait."""
        number = batch.partition
        if number not in self._waiting:
            thawed = self._frozen(number)
            if thawed is None:
                return False
            self._waiting[number] = []
            task = asyncio.ensure_future(self._release(number, thawed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting[number].append(batch)
        return True

    def clear(self) -> None:
        """Forget all: whoever owns the partitions next reads them again."""
        for task in self._tasks:
            task.cancel()
        self._waiting.clear()

    async def _release(self, number: int, thawed: asyncio.Event) -> None:
        waiting = self._waiting[number]
        await thawed.wait()
        while waiting:
            await self._apply(waiting.pop(0))
            await asyncio.sleep(0)
        del self._waiting[number]
