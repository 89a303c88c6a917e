"""A record whose header has a name that is no text: read like any other, on the real client."""

import asyncio
import gzip
import struct
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from topic_reader import headers_of, read_all
from workers import running_worker

from streams.events import CallOffered, encode
from streams.instants import SECOND
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.header_names import tolerate_odd_header_names
from streams.settings import Settings

SETTINGS = Settings(metrics_port=0, partitions=1)
LENGTH_AT = 8
CRC_AT = 17
AFTER_CRC = 21
RECORDS_AT = 61
GZIP = 1
AT = 1_795_461_801 * SECOND


async def _produce(bootstrap: str, values: Sequence[bytes], *, packed: bool = False) -> None:
    """Write `values` as one batch; the second has a header with a name in Latin-1."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    batch = producer.create_batch()
    for number, value in enumerate(values):
        headers = [("WXYZ", b"grey")] if number == 1 else [("trace", b"7")]
        batch.append(timestamp=None, key=b"k", value=value, headers=headers)
    batch.close()
    raw = bytearray(batch._build())
    raw[bytes(raw).index(b"WXYZ")] = 0xFC
    if packed:
        raw[RECORDS_AT:] = gzip.compress(raw[RECORDS_AT:])
        struct.pack_into(">h", raw, AFTER_CRC, GZIP)
        struct.pack_into(">i", raw, LENGTH_AT, len(raw) - LENGTH_AT - 4)
    struct.pack_into(">I", raw, CRC_AT, calc_crc32c(bytes(raw[AFTER_CRC:])))
    batch._buffer = bytes(raw)
    await (await producer.send_batch(batch, SETTINGS.events_topic, partition=0))
    await producer.stop()


def test_a_worker_reads_the_record_and_its_neighbours() -> None:
    """All three count, and the one that is no event becomes a dead letter with the name shown."""
    offers = [encode(CallOffered(id=f"o{n}", at=AT, call_id=f"c{n}")) for n in range(2)]
    with EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 1)) as broker:
        asyncio.run(_produce(broker.bootstrap, [offers[0], b"{", offers[1]]))
        with running_worker(SETTINGS, broker.bootstrap) as worker:
            worker.wait_for(3)
            (partition,) = worker.worker.state.partitions.values()
            assert partition.exported.fates["applied"] == 2
            assert partition.exported.dead_letters["malformed"] == 1
        (letter,) = read_all(broker.bootstrap, SETTINGS.dead_letters_topic)
        assert headers_of(letter)[0] == ("\\xfcXYZ", "grey")


@pytest.mark.parametrize("packed", [False, True])
def test_the_records_are_otherwise_the_same(packed: bool) -> None:
    """Offsets, keys, values and the other headers, also of a compressed batch."""

    async def read(bootstrap: str) -> list[tuple[int, bytes, bytes, tuple[tuple[str, bytes], ...]]]:
        tolerate_odd_header_names()
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition(SETTINGS.events_topic, 0)])
        found = [await consumer.getone() for _ in range(4)]
        await consumer.stop()
        return [(each.offset, each.key, each.value, each.headers) for each in found]

    with EmbeddedBroker({SETTINGS.events_topic: 1}) as broker:
        asyncio.run(_produce(broker.bootstrap, [b"a", b"b", b"c"], packed=packed))
        asyncio.run(_produce(broker.bootstrap, [b"d", b"e"]))
        found = asyncio.run(read(broker.bootstrap))
    trace = (("trace", b"7"),)
    odd = (("\\xfcXYZ", b"grey"),)
    assert found == [
        (0, b"k", b"a", trace),
        (1, b"k", b"b", odd),
        (2, b"k", b"c", trace),
        (3, b"k", b"d", trace),
    ]
