"""The topics of a run: one filled by the simulator, and prefixes of it for the slow ones."""

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

__all__ = ["PARTITIONS", "Records", "Topics"]

PARTITIONS: Final = 4
PATIENCE_SECONDS: Final = 60.0
EVENTS_A_CALL: Final = 4.31
"""of the large centre in its busy hour"""

Records = list[list[bytes]]
"""The values of a topic by partition, in the order of their offsets."""


class Topics:
    """The topics of one broker; event times are of the past, so nothing is ever deleted by age."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def create(self, name: str) -> None:
        """Make a topic; a broker that was starved by other programs gets time to come back."""
        new = NewTopic(name, PARTITIONS, 1, config={"retention.ms": "-1"})
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._admin.create_topics([new])[name].result()
            except KafkaException as error:
                fenced = error.args[0].code() == KafkaError.INVALID_REPLICATION_FACTOR
                if not fenced or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete every topic but those of the names and Kafka's own."""
        kept = set(names)
        there = self._admin.list_topics(timeout=20).topics
        gone = [name for name in there if name not in kept and not name.startswith("__")]
        if gone:
            for deleted in self._admin.delete_topics(gone).values():
                deleted.result()

    def simulate(self, name: str, events: int, seed: int) -> None:
        """Fill a topic with about as many events of a large centre in its busy hour."""
        self.create(name)
        calls = max(1, round(events / EVENTS_A_CALL))
        command = Path(sys.executable).with_name("callsla")
        target = f"kafka://{self.bootstrap}/{name}"
        subprocess.run(
            [command, "simulate", "--centre", "large", "--calls", str(calls), "--seed", str(seed),
             "--to", target],
            check=True,
        )  # fmt: skip

    def copy(self, name: str, records: Records) -> None:
        """Fill a topic with records, each in the partition in which it is given."""
        self.create(name)
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "enable.idempotence": True,
                "linger.ms": 10,
                "queue.buffering.max.messages": 200_000,
                "log_level": 0,
            }
        )
        for partition, values in enumerate(records):
            for value in values:
                _send(producer, name, partition, value)
        if producer.flush(60):
            raise RuntimeError(f"{name}: not everything was acknowledged")

    def ends(self, name: str) -> list[int]:
        """Return the end offset of each partition."""
        consumer = self._consumer()
        try:
            return [self._end(consumer, name, number) for number in range(PARTITIONS)]
        finally:
            consumer.close()

    def _end(self, consumer: Consumer, name: str, number: int) -> int:
        bounds = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=20)
        assert bounds is not None
        return int(bounds[1])

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "bench-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )

    def read(self, name: str) -> Records:
        """Return all of a topic."""
        ends = self.ends(name)
        found: Records = [[] for _ in ends]
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(name, number, 0) for number in range(PARTITIONS)])
            while any(len(values) < end for values, end in zip(found, ends, strict=True)):
                for message in consumer.consume(10_000, 1.0):
                    number, value = message.partition(), message.value()
                    assert number is not None
                    assert isinstance(value, bytes), message.error()
                    found[number].append(value)
        finally:
            consumer.close()
        return found


def _send(producer: Producer, name: str, partition: int, value: bytes) -> None:
    while True:
        try:
            producer.produce(name, value, partition=partition)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def prefix(records: Sequence[Sequence[bytes]], events: int) -> Records:
    """Return the first records of each partition, about as many in all."""
    share = min(1.0, events / sum(map(len, records)))
    return [list(values[: round(len(values) * share)]) for values in records]
