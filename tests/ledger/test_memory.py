"""What a ledger remembers takes no more memory than it must: there may be millions of calls."""

import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from streams import KERNEL
from streams.events import Event, EventDecoder
from streams.instants import HOUR, MINUTE, SECOND
from streams.ledger import Ledger, Rules, dump, load
from streams.ledger.writing import prepare

T0 = 1_790_000_000 * SECOND
CALLS = 4000
MOST_BYTES = {"compiled": 460, "python": 720}
"""of a call that waits, with a customer of 38 characters and an id of 11"""


def wire(kind: str, call: int, at: int) -> Event:
    """An event as it is read from Kafka: every name in it is a copy of its own."""
    fields = {
        "kind": kind, "id": f"5f1c-{kind}-{call}", "at": at // 1000, "source": "pbx-north",
        "call_id": f"5f1c-{call:06}", "queue": f"queue-{call % 50:02}",
        "customer": f"2026a:{call:032x}",
    }  # fmt: skip
    return EventDecoder().decode(json.dumps(fields).encode())


def waiting(calls: int) -> Ledger:
    """A ledger in which so many callers wait."""
    ledger = Ledger(Rules())
    for call in range(calls):
        ledger.apply(wire("call.offered", call, T0 + call))
        ledger.apply(wire("call.queued", call, T0 + call))
    ledger.advance(T0 + SECOND)
    ledger.drain()
    return ledger


def traced(make: Callable[[], Any]) -> int:
    """How many bytes what is made holds."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = make()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if kept else 0
    finally:
        tracemalloc.stop()


def test_a_call_that_waits_is_small() -> None:
    """With its customer, its deadline and its places in every index."""
    waiting(100)
    assert traced(lambda: waiting(CALLS)) / CALLS < MOST_BYTES[KERNEL.name]


def test_a_ledger_that_was_loaded_is_as_small() -> None:
    """Bytes hold a copy of each name for each call; memory does not."""
    state = dump(waiting(CALLS))
    load(Rules(), state)
    assert traced(lambda: load(Rules(), state)) / CALLS < MOST_BYTES[KERNEL.name]


def busy_hour() -> Ledger:
    """A ledger in which something happened in a queue every five seconds of an hour."""
    ledger = Ledger(Rules())
    for at in range(T0, T0 + HOUR, 5 * SECOND):
        ledger.windows.answered_in_target("sales", 3 * SECOND, at)
        ledger.windows.advance(at)
        ledger.windows.fold()
        if at % MINUTE == 0:
            for _ in prepare(ledger):
                pass
    return ledger


def test_an_hour_of_a_queue_is_small() -> None:
    """There are as many as queues times partitions, and an hour has 720 slices of five seconds."""
    busy_hour()
    assert len(busy_hour().windows.queues["sales"].fine) == 720
    assert traced(busy_hour) < 100_000


def looked_at(calls: int) -> int:
    """How many objects the collector looks at because of a ledger with so many calls."""
    gc.collect()
    before = len(gc.get_objects())
    ledger = waiting(calls)
    gc.collect()
    assert len(ledger.book.calls) == calls
    return len(gc.get_objects()) - before


@pytest.mark.skipif(KERNEL.name != "compiled", reason="written in Python all objects are looked at")
def test_the_collector_passes_a_compiled_ledger_by() -> None:
    """A look at a million calls would stop the worker for seconds."""
    few, many = looked_at(CALLS // 10), looked_at(CALLS)
    assert many - few < CALLS // 100
