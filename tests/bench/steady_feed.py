"""A steady feed in a process of its own: calls in real time, one small send after the other.

Each event's time is the moment at which it is handed to the producer, so the worker's
`callcenter_event_latency_seconds` is the time from produce to applied. Of ten calls nine are
answered after three seconds and end five seconds later; one is given up: a callback is owed.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

from confluent_kafka import Producer

__all__ = ["EVENTS_A_CALL", "feeding", "offered", "produced", "producer"]

EVENTS_A_CALL: Final = 4
QUEUES: Final = 50
_ANSWER_AFTER: Final = 3.0
_END_AFTER: Final = 8.0
_SLEEP: Final = 0.001


def producer(bootstrap: str, linger_ms: float) -> Producer:
    """Return a producer that keeps the order of what is sent."""
    options = {
        "bootstrap.servers": bootstrap,
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "linger.ms": linger_ms,
        "queue.buffering.max.messages": 1_000_000,
    }
    return Producer(options)


def offered(call: str, customer: str, queue: str, at: int, kind: str = "call.offered") -> bytes:
    """Return an event about a call that needs nothing more; `at` in milliseconds."""
    return json.dumps(
        {"kind": kind, "id": f"{call}-{kind}", "at": at, "source": "pbx", "call_id": call,
         "queue": queue, "customer": customer}
    ).encode()  # fmt: skip


class _Calls:
    """Events of endless calls in turn; every second one takes what is due of an older call."""

    def __init__(self, run: str, rate: float) -> None:
        a_second = rate / EVENTS_A_CALL
        self._run = run
        self._answer_lag = max(1, int(a_second * _ANSWER_AFTER))
        self._end_lag = max(2, int(a_second * _END_AFTER))

    def event(self, step: int, at: int) -> tuple[str, str]:
        """Return key and value of event number `step` at `at` (milliseconds)."""
        call, turn = divmod(step, EVENTS_A_CALL)
        if turn == 0:
            return self._event(call, "call.offered", at)
        if turn == 1:
            return self._event(call, "call.queued", at)
        if turn == 2:
            return self._decided(call, call - self._answer_lag, at)
        if call < self._end_lag:
            return self._event(call, "call.transferred", at, '"reason":"later",')
        return self._event(call - self._end_lag, "call.ended", at, '"ended_by":"customer",')

    def _decided(self, call: int, older: int, at: int) -> tuple[str, str]:
        if older < 0:
            return self._event(call, "call.transferred", at)
        if older % 10:
            return self._event(older, "call.answered", at, '"answered_by":"human","agent":"a7",')
        return self._event(older, "call.abandoned", at)

    def _event(self, call: int, kind: str, at: int, more: str = "") -> tuple[str, str]:
        who = f"2026a:{self._run}{call:028x}"
        value = (
            f'{{"kind":"{kind}","id":"{self._run}-{kind[5:9]}{len(more)}-{call}","at":{at},{more}'
            f'"source":"pbx-north","call_id":"{self._run}-{call}",'
            f'"queue":"queue-{call % QUEUES:02}","customer":"{who}"}}'
        )
        return who, value


def produced(bootstrap: str, topic: str, events: int, run: str, rate: float = 4000.0) -> None:
    """Write `events` as fast as they go, as if they had come at `rate` until now."""
    calls, sending = _Calls(run, rate), producer(bootstrap, 20)
    begun = time.time() - events / rate
    for step in range(events):
        key, value = calls.event(step, int((begun + step / rate) * 1000))
        while True:
            try:
                sending.produce(topic, value, key)
                break
            except BufferError:
                sending.poll(0.1)
        if step % 1000 == 0:
            sending.poll(0)
    assert sending.flush(60) == 0


def feed(bootstrap: str, topic: str, rate: float, run: str, linger_ms: float) -> None:
    """Write `rate` events a second until the process is ended."""
    calls, sending = _Calls(run, rate), producer(bootstrap, linger_ms)
    begun, step = time.perf_counter(), 0
    while True:
        due = int((time.perf_counter() - begun) * rate)
        at = time.time_ns() // 1_000_000
        for _ in range(min(due - step, 1000)):
            key, value = calls.event(step, at)
            sending.produce(topic, value, key)
            step += 1
        sending.poll(0)
        if step >= due:
            time.sleep(_SLEEP)


@contextmanager
def feeding(
    bootstrap: str, topic: str, rate: float, run: str = "aaaa", linger_ms: float = 0
) -> Iterator[None]:
    """Feed for the time of the block; nothing at all at a rate of 0."""
    if rate <= 0:
        yield
        return
    # A fork would share the broker's pipes and locks with this process.
    arguments = (bootstrap, topic, rate, run, linger_ms)
    process = get_context("spawn").Process(target=feed, args=arguments, daemon=True)
    process.start()
    try:
        yield
        if process.exitcode is not None:
            sys.exit(f"the feed ended by itself: {process.exitcode}")
    finally:
        process.terminate()
        process.join()
