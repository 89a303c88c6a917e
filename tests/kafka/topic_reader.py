"""Everything that is in a topic, read with a client that is not the worker's."""

import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

__all__ = ["committed", "headers_of", "read_all", "value_of"]

_NOT_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART)


def _consumer(bootstrap: str, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )


def read_all(bootstrap: str, topic: str) -> list[Message]:
    """Return every record of `topic`, partition by partition."""
    consumer = _consumer(bootstrap, "a-reader-without-commits")
    try:
        found: list[Message] = []
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            low, high = _bounds(consumer, place)
            consumer.assign([TopicPartition(topic, partition, low)])
            position = low
            while position < high:
                message = consumer.poll(10)
                assert message is not None, f"{topic}/{partition}: {position} of {high}"
                assert message.error() is None, message.error()
                position = (message.offset() or 0) + 1
                found.append(message)
        return found
    finally:
        consumer.close()


def _bounds(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """A broker that is busy leads a partition only some time after it was created."""
    deadline = time.monotonic() + 20
    while True:
        try:
            found: Any = consumer.get_watermark_offsets(place, timeout=10)
        except KafkaException as error:
            if error.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            low, high = found
            return low, high


def value_of(message: Message) -> bytes:
    """Return the value of a record that has one."""
    value = message.value()
    assert isinstance(value, bytes)
    return value


def headers_of(message: Message) -> list[tuple[str, str]]:
    """Return the headers of a record as text."""
    found = message.headers()
    assert isinstance(found, list)
    return [
        (name, value.decode() if isinstance(value, bytes) else str(value)) for name, value in found
    ]


def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """Return the committed offset of each partition; -1001 is none."""
    consumer = _consumer(bootstrap, group)
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        found = consumer.committed([TopicPartition(topic, each) for each in partitions], timeout=10)
        return {each.partition: each.offset for each in found}
    finally:
        consumer.close()
