"""The known stream: a simulated centre, sent as it happens, with what can be wrong with it."""

import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from confluent_kafka import Producer
from msgspec.structs import replace

from streams.events import encode
from streams.instants import DAY, HOUR, MINUTE, SECOND, rfc3339
from streams.simulate import (
    DEMO_HOUR,
    Centre,
    CentreConfig,
    Delivery,
    FaultRates,
    demo_centre,
    inject,
)

__all__ = ["CALLBACK_SECONDS", "LiveFeed"]

RATES: Final = FaultRates(
    duplicate=0.02,
    duplicate_delay=(0, 20 * SECOND),
    disorder=0.05,
    disorder_delay=(0, 5 * SECOND),
    late=0.005,
    late_delay=(4 * SECOND, 20 * SECOND),
    very_late=0.0,
    lost=0.002,
    restart_every=15 * SECOND,
    skew=(1 * SECOND, 3 * SECOND),
)
CALLBACK_SECONDS: Final = 20
"""What the callback promise of a run allows instead of an hour."""
POISON_PER_SECOND: Final = 4.0
BUFFER_SECONDS: Final = 5.0


def _centre(calls_per_second: int, start: int) -> CentreConfig:
    """Return the demo's centre on a larger scale: agents follow from the calls."""
    small = demo_centre(start, outage=False).scaled(delays=CALLBACK_SECONDS * SECOND / DEMO_HOUR)
    queues = tuple(replace(queue, max_waiting=2000) for queue in small.queues)
    return replace(
        small,
        queues=queues,
        calls_per_hour=calls_per_second * 3600.0,
        callers=replace(small.callers, customers=20_000),
        desk=replace(small.desk, agents=40),
        heartbeat=2 * SECOND,
    )


class LiveFeed:
    """Sends the stream of a seed to a topic, in a thread of its own, for `seconds`."""

    def __init__(
        self, bootstrap: str, topic: str, *, seed: int, seconds: float, calls: int,
        faults: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.sent = 0
        self.errors: list[str] = []
        self._seed, self._seconds, self._calls, self._faults = seed, seconds, calls, faults
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 10,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 500_000,
                "message.timeout.ms": 300_000,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; the first call comes at once."""
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end and for the acknowledgement of every record."""
        self._thread.join()
        left = self._producer.flush(90)
        if left:
            self.errors.append(f"{left} records of the stream are not acknowledged")

    def _run(self) -> None:
        start = time.time_ns() // 1000
        for at, key, value in self._records(start):
            early = (at - time.time_ns() // 1000) / SECOND
            if early > 0:
                self._producer.flush(0)
                time.sleep(early)
            self._send(key, value)

    def _records(self, start: int) -> Iterator[tuple[int, str | int | None, bytes]]:
        """Yield when to send, the key (a number: the partition) and the bytes."""
        made = Centre(_centre(self._calls, start), self._seed).deliveries(None)
        end = start + round(self._seconds * SECOND)
        wanted = [name for name in self._faults if name not in ("poison", "buffer")]
        before = itertools.takewhile(lambda each: each.at < end, made)
        faulty = inject(before, wanted, self._seed, RATES)
        # What would arrive after the end never does.
        arriving = itertools.takewhile(lambda each: each.at < end, faulty)
        records = ((d.at, d.key, encode(d.event)) for d in self._buffered(arriving, start))
        if "poison" in self._faults:
            return heapq.merge(records, self._poison(start, end), key=lambda each: each[0])
        return records

    def _buffered(self, deliveries: Iterator[Delivery], start: int) -> Iterator[Delivery]:
        """Have the sources keep everything back for a while, then send it all at once."""
        if "buffer" not in self._faults:
            return deliveries
        begin = start + round(self._seconds * SECOND * Random(self._seed).uniform(0.3, 0.7))
        end = begin + round(BUFFER_SECONDS * SECOND)
        return (d._replace(at=end) if begin <= d.at < end else d for d in deliveries)

    def _poison(self, start: int, end: int) -> Iterator[tuple[int, str | int | None, bytes]]:
        rng = Random(f"poison {self._seed}")
        at = float(start)
        for number in itertools.count():
            at += rng.expovariate(POISON_PER_SECOND) * SECOND
            if at >= end:
                return
            yield round(at), rng.randrange(1 << 16), _poisoned(rng, round(at), number)

    def _send(self, key: str | int | None, value: bytes) -> None:
        if isinstance(key, int):
            self._queue(value, partition=key % self._partitions)
        elif key is not None:
            self._queue(value, key=key.encode())
        else:
            for partition in range(self._partitions):
                self._queue(value, partition=partition)

    @property
    def _partitions(self) -> int:
        if not hasattr(self, "_known"):
            topics = self._producer.list_topics(self._topic, timeout=20).topics
            self._known = len(topics[self._topic].partitions)
        return self._known

    def _queue(self, value: bytes, **where: Any) -> None:
        while True:
            try:
                self._producer.produce(self._topic, value, on_delivery=self._note, **where)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self.sent += 1
                if self.sent % 200 == 0:
                    self._producer.poll(0)
                return

    def _note(self, error: Any, _: Any) -> None:
        if error is not None:
            self.errors.append(str(error))


def _poisoned(rng: Random, at: int, number: int) -> bytes:
    """Return a record that is no event, or one whose time cannot be."""
    offered = '{"id": "p%d", "kind": "%s", "at": "%s", "source": "poison", '
    offered += '"call_id": "p%d", "queue": "poison"}'
    choices = (
        b"",
        b"\xff\xfe not text",
        b'{"id": "p", "kind": "call.offered", "at": ',
        b"[1, 2, 3]",
        (offered % (number, "call.vanished", rfc3339(at), number)).encode(),
        (offered % (number, "call.offered", "yesterday", number)).encode(),
        (offered % (number, "call.offered", rfc3339(at + 10 * MINUTE), number)).encode(),
        (offered % (number, "call.offered", rfc3339(at + 3 * SECOND), number)).encode(),
        (offered % (number, "call.offered", rfc3339(at - 8 * DAY), number)).encode(),
        (offered % (number, "call.offered", rfc3339(at - HOUR - MINUTE), number)).encode(),
        b'{"id": "' + b"x" * 5_000 + b'"}',
    )
    return rng.choice(choices)
