"""A worker that takes records in lets everything else have its turn."""

import asyncio

from records import TOPIC

from streams.events import CallOffered, encode
from streams.kafka.batch import Batch
from streams.kafka.worker import PART_RECORDS, Worker
from streams.ledger import Rules
from streams.settings import Settings


class OneRecord:
    """A record as a consumer hands it on."""

    timestamp, key, headers = 0, None, ()
    value = encode(CallOffered(id="o", at=0, call_id="c"))

    def __init__(self, offset: int) -> None:
        self.offset = offset


def batch(size: int) -> Batch:
    return Batch(TOPIC, 0, [OneRecord(offset) for offset in range(size)], size)


def between_turns(sizes: list[int]) -> list[int]:
    """How many records were applied from one turn of the others to the next."""
    worker = Worker(Settings(), Rules())
    found = [0]

    def apply(part: Batch) -> None:
        found[-1] += len(part.records)

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            found.append(0)

    async def work() -> None:
        other = asyncio.ensure_future(others())
        await asyncio.sleep(0)
        await worker.on_events([batch(size) for size in sizes])
        other.cancel()

    setattr(worker.assignment, "apply", apply)  # noqa: B010
    asyncio.run(work())
    return [number for number in found if number]


def test_a_large_batch_is_taken_in_parts() -> None:
    """As many records as fit between two turns."""
    assert between_turns([PART_RECORDS * 3 + 1]) == [PART_RECORDS] * 3 + [1]


def test_small_batches_are_taken_in_one_go() -> None:
    """A turn for each would cost more than it takes to apply them."""
    small = PART_RECORDS // 12
    assert between_turns([small] * 12) == [small * 12]
    assert max(between_turns([small] * 40)) <= PART_RECORDS


def test_the_ticks_are_told_that_there_may_be_news() -> None:
    """Once a fetch: what came may have let deadlines fire."""
    worker = Worker(Settings(), Rules())

    async def work() -> bool:
        await worker.on_events([batch(1)])
        return worker.assignment.news.is_set()

    assert asyncio.run(work())
