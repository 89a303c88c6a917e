"""Writing canonical events to Kafka fast, each where the rest about its customer is."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.events import Event, encode
from streams.kafka.errors import EdgeError, UnreachableError
from streams.kafka.permissions import WRITE
from streams.kafka.probe import reach
from streams.kafka.security import confluent_options
from streams.settings import Settings

__all__ = ["EventProducer", "Row", "produce"]

FLUSH_SECONDS: Final = 60.0
_POLL_EVERY: Final = 1000
_UNAUTHORIZED: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)

Row = tuple[str | None, Event]
"""Key (customer, else call id) and event; without a key the event goes to every partition."""


class EventProducer:
    """Writes events to one topic; idempotent, acknowledged by all replicas.

    The partition of a key is that of the Java client and of aiokafka (murmur2), so several
    producers agree on it.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: the topic does not exist, or a record was refused.
    """

    def __init__(self, settings: Settings, bootstrap: str, topic: str | None = None) -> None:
        self.topic = topic or settings.events_topic
        self.written = 0
        self._settings = settings
        self._bootstrap = bootstrap
        self._failed: KafkaError | None = None
        self.partitions = self._count_partitions()
        self._producer = Producer({**_options(settings, bootstrap), "logger": _SILENT})

    def _count_partitions(self) -> int:
        # Asked by librdkafka, a broker that makes topics by itself would make this one.
        found = reach(self._settings, self._bootstrap, {self.topic: (WRITE,)})[self.topic]
        if found.missing:
            raise EdgeError(f"the topic {self.topic} does not exist: callsla topics create")
        return found.partitions

    def send(self, key: str | None, event: Event, timestamp_ms: int | None = None) -> None:
        """Queue one event; waits for room when the broker is slower than the caller."""
        value = encode(event)
        if key is None:
            for partition in range(self.partitions):
                self._queue(value, timestamp_ms, partition=partition)
        else:
            self._queue(value, timestamp_ms, key=key.encode())
        if self.written % _POLL_EVERY == 0:
            self.poll()

    def _queue(self, value: bytes, timestamp_ms: int | None, **where: Any) -> None:
        if timestamp_ms is not None:
            where["timestamp"] = timestamp_ms
        while True:
            try:
                self._producer.produce(self.topic, value, on_delivery=self._note, **where)
            except BufferError:
                self._serve(self._producer.poll, 0.1)
            else:
                self.written += 1
                return

    def _note(self, error: KafkaError | None, _: Any) -> None:
        self._failed = self._failed or error

    def _serve(self, work: Callable[[float], int], seconds: float) -> int:
        """Poll or flush, and raise what went wrong in a way that the user understands."""
        left = 0
        try:
            left = work(seconds)
        except (KafkaException, SystemError) as error:
            # A fatal error is raised here; passing through a callback makes a SystemError of it.
            cause = error if isinstance(error, KafkaException) else error.__cause__
            if not isinstance(cause, KafkaException):
                raise
            # What is queued fails because of it, and may have told so before.
            self._failed = cause.args[0]
        self._check()
        return left

    def _check(self) -> None:
        if self._failed is not None:
            if self._failed.code() in _UNAUTHORIZED:
                reach(self._settings, self._bootstrap, {self.topic: (WRITE,)})
            raise EdgeError(f"cannot write to {self.topic}: {self._failed.str()}")

    def poll(self) -> None:
        """Let acknowledgements come in; for callers that wait between events."""
        self._serve(self._producer.poll, 0)

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until every event is acknowledged."""
        left = self._serve(self._producer.flush, seconds)
        if left:
            raise UnreachableError(f"{left:,} events are not acknowledged after {seconds:.0f} s")


def produce(
    settings: Settings, bootstrap: str, rows: Iterable[Row], topic: str | None = None
) -> int:
    """Write `rows` to the events topic (or `topic`) and return the number of records written.

    An event without a key is one record for each partition.
    """
    producer = EventProducer(settings, bootstrap, topic)
    for key, event in rows:
        producer.send(key, event)
    producer.flush()
    return producer.written


def _options(settings: Settings, bootstrap: str) -> dict[str, Any]:
    return {
        **confluent_options(settings),
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "linger.ms": 10,
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": 200_000,
        "log_level": 0,
    }


_SILENT: Final = logging.Logger("librdkafka")
"""Errors are raised; librdkafka would write the fatal ones on stderr as well."""
_SILENT.addHandler(logging.NullHandler())
