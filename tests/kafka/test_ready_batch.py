"""A ready batch is taken by aiokafka's producer like one it built itself."""

import asyncio
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder, MessageBatch
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition

from streams import KERNEL
from streams.instants import EARLIEST
from streams.kafka.ready_batch import ReadyBatch
from streams.ledger import Change
from streams.promise_records import promise_batch, promise_record

pytestmark = pytest.mark.skipif(KERNEL.name == "python", reason="nothing is in C here")

TP = TopicPartition("promises", 0)
CHANGE = Change(EARLIEST, "c1", "ann", None, "c1", "sales", 1, "kept", "answer", wait=7_000_000)


def _ready() -> ReadyBatch:
    made = promise_batch([CHANGE, CHANGE], 0, 5, 1_767_571_200_000, 10_000)
    assert made is not None
    return ReadyBatch(*made)


def test_it_is_sent_as_it_was_the_first_time() -> None:
    """A batch whose answer was lost is sent again under the same writer and number."""
    asyncio.run(_send_twice(_ready()))


async def _send_twice(ready: ReadyBatch) -> None:
    batch: Any = MessageBatch(TP, ready, 30, 0)
    assert (batch.record_count, batch.is_empty()) == (2, False)
    assert batch.append(b"k", b"v", None) is None
    batch.set_producer_state(77, 3, 12)
    first = bytes(batch.get_data_buffer())
    sent = DefaultRecordBatch(first)
    assert sent.validate_crc()
    assert (sent.producer_id, sent.producer_epoch, sent.base_sequence) == (77, 3, 12)
    assert [(record.key, record.value) for record in sent] == [promise_record(CHANGE, 5)] * 2
    assert bytes(batch.get_data_buffer()) == first


def test_it_has_what_aiokafka_asks_of_its_own() -> None:
    """Every name of the builder that it stands for."""
    missing = {name for name in vars(BatchBuilder) if not name.startswith("__")} - set(
        dir(ReadyBatch)
    )
    assert missing == {"_serialize"}
    assert _ready().size() > 100
    assert _ready().closed()
