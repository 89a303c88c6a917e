"""Everything that is ever written to a topic, kept as it comes: the log is trimmed meanwhile."""

import threading
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.kafka.ledgerlog.records import Epoch, LogDamagedError, decode

__all__ = ["LogTail", "Stored", "TailError", "read_topic", "topic_ends"]

POLL_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 60.0

Stored = Message


class TailError(RuntimeError):
    """The reader missed a record or could not come to the end: the run proves nothing."""


def _consumer(bootstrap: str, topic: str) -> tuple[Consumer, list[int]]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "chaos-reader-without-commits",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    partitions = _partitions(consumer, topic)
    consumer.assign([TopicPartition(topic, each, 0) for each in partitions])
    return consumer, partitions


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    """Ask until there is an answer: of a topic that is quite new a broker may know none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = sorted(consumer.list_topics(topic, timeout=20).topics[topic].partitions)
        if found:
            return found
        if time.monotonic() > deadline:
            raise TailError(f"nobody tells of a partition of {topic}")
        time.sleep(POLL_SECONDS)


def _ends(consumer: Consumer, topic: str, partitions: list[int]) -> dict[int, int]:
    return {each: _end(consumer, TopicPartition(topic, each)) for each in partitions}


def _end(consumer: Consumer, tp: TopicPartition) -> int:
    """Ask until there is an answer: a leader that has just changed is told as an error."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            end: int = consumer.get_watermark_offsets(tp, timeout=20)[1]
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise TailError(f"nobody tells where {tp.topic} ends: {error}") from None
            time.sleep(POLL_SECONDS)
        else:
            return end


def read_topic(bootstrap: str, topic: str) -> dict[int, list[Stored]]:
    """Return every record of `topic` by partition, in offset order."""
    consumer, partitions = _consumer(bootstrap, topic)
    ends = _ends(consumer, topic, partitions)
    found: dict[int, list[Stored]] = {each: [] for each in partitions}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(end and _next(found[each]) < end for each, end in ends.items()):
        if time.monotonic() > deadline:
            raise TailError(f"{topic} cannot be read to its end")
        for message in consumer.consume(5000, POLL_SECONDS):
            if message.error() is None:
                found[message.partition() or 0].append(message)
    consumer.close()
    return found


def topic_ends(bootstrap: str, topic: str) -> dict[int, int]:
    """Return where each partition of `topic` ends now."""
    consumer, partitions = _consumer(bootstrap, topic)
    ends = _ends(consumer, topic, partitions)
    consumer.close()
    return ends


def _next(messages: list[Stored]) -> int:
    return (messages[-1].offset() or 0) + 1 if messages else 0


class LogTail:
    """Follows the ledger topic from its first record on; `records` are kept by partition."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.records: dict[int, list[tuple[int, bytes]]] = {}
        self.missed: list[str] = []
        self._bootstrap, self._topic = bootstrap, topic
        self._watchers: list[Callable[[str, Epoch], bool]] = []
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._consumer, partitions = _consumer(bootstrap, topic)
        self.records = {each: [] for each in partitions}
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def on_epoch(self, watcher: Callable[[str, Epoch], bool]) -> None:
        """Call `watcher` with the writer of each epoch from now on, until it returns True."""
        with self._lock:
            self._watchers.append(watcher)

    def next_offsets(self) -> dict[int, int]:
        """Return the offset up to which each partition was read."""
        return {n: known[-1][0] + 1 if known else 0 for n, known in self.records.items()}

    def ends(self) -> dict[int, int]:
        """Return where each partition ends now."""
        # By another consumer: this one is busy in its thread.
        return topic_ends(self._bootstrap, self._topic)

    def close(self) -> None:
        """Stop following."""
        if not self._end.is_set():
            self._end.set()
            self._thread.join()
            self._consumer.close()

    def _follow(self) -> None:
        while not self._end.is_set():
            for message in self._consumer.consume(1000, POLL_SECONDS):
                value = message.value()
                if message.error() is None and isinstance(value, bytes):
                    self._keep(message.partition() or 0, message.offset() or 0, value)

    def _keep(self, partition: int, offset: int, value: bytes) -> None:
        known = self.records[partition]
        expected = known[-1][0] + 1 if known else 0
        if offset != expected:
            self.missed.append(f"partition {partition}: offset {offset} follows {expected - 1}")
        known.append((offset, value))
        if self._watchers:
            self._tell(value)

    def _tell(self, value: bytes) -> None:
        try:
            record = decode(value)
        except LogDamagedError:
            return
        if isinstance(record, Epoch):
            with self._lock:
                watchers = list(self._watchers)
                self._watchers = [each for each in watchers if not each(record.writer, record)]
