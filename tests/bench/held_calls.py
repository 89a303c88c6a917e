"""Ledgers full of calls of one kind: what each takes of memory, and what it costs.

`python held_calls.py KIND NUMBER [traced]` fills one in a process of its own and prints what it
measured as one line of JSON. Kinds: `open` (waits), `owed` (gave up, waits for a callback),
`done` (answered and ended, remembered while it may matter).
"""

import gc
import json
import sys
import time
import tracemalloc
from typing import Any, Final

from measuring import resident_bytes

from streams import KERNEL
from streams.events import Event, EventDecoder
from streams.instants import MINUTE, SECOND
from streams.kafka.memory import give_back
from streams.kafka.worker import calm_collector
from streams.ledger import Ledger, Rules, dump
from streams.ledger.writing import prepare

__all__ = ["KINDS", "filled"]

KINDS: Final = ("open", "owed", "done")
QUEUES: Final = 50
SPREAD: Final = 50 * MINUTE
T0: Final = 1_790_000_000 * SECOND
_decode: Final = EventDecoder().decode


def event(kind: str, call: int, at: int, **more: Any) -> Event:
    """Return an event as it comes from Kafka: every string is a copy of its own."""
    fields = {
        "kind": kind, "id": f"5f1c-{kind[5:9]}-{call}", "at": at // 1000, "source": "pbx-north",
        "call_id": f"5f1c-{call}", "queue": f"queue-{call % QUEUES:02}",
        "customer": f"2026a:{call:032x}", **more,
    }  # fmt: skip
    return _decode(json.dumps(fields).encode())


def events(kind: str, call: int, at: int) -> list[Event]:
    """Return what happened to a call that reached the centre at `at`."""
    if kind == "open":
        more = [event("call.queued", call, at + SECOND // 100)]
    elif kind == "owed":
        more = [event("call.abandoned", call, at + 9 * SECOND)]
    else:
        more = [
            event("call.answered", call, at + 9 * SECOND, answered_by="human"),
            event("call.ended", call, at + 29 * SECOND, ended_by="customer"),
        ]
    return [event("call.offered", call, at), *more]


def filled(kind: str, number: int) -> Ledger:
    """Return a ledger that holds so many calls, the last tick 30 s after the newest.

    Every minute it prepares a snapshot, as a worker does, so what has been counted in windows is
    kept as bytes: what a queue takes is another figure (`held_queues.py`).
    """
    ledger = Ledger(Rules())
    for call in range(number):
        at = T0 + call * SPREAD // number
        for each in events(kind, call, at):
            ledger.apply(each)
        if call % 1000 == 0:
            ledger.advance(at - 2 * SECOND)
            ledger.drain()
        if at // MINUTE != (at + SPREAD // number) // MINUTE:
            for _ in prepare(ledger):
                pass
    ledger.advance(T0 + SPREAD + 30 * SECOND)
    ledger.drain()
    return ledger


def cost_of_events(ledger: Ledger, number: int = 20_000) -> float:
    """Return CPU seconds an event of a stream of calls that come and go, ticks included."""
    calls = [events("done", 10**9 + call, T0 + SPREAD) for call in range(number // 3)]
    now, begun = ledger.now, time.process_time()
    for position, some in enumerate(calls):
        for each in some:
            ledger.apply(each)
        if position % 100 == 0:
            ledger.advance(now)
            ledger.drain()
    ledger.advance(now)
    ledger.drain()
    return (time.process_time() - begun) / (3 * len(calls))


def seconds(work: Any) -> float:
    """Return the CPU seconds of `work`."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measured(kind: str, number: int, traced: bool) -> dict[str, Any]:
    """Fill a ledger and measure; bytes and seconds."""
    filled(kind, 100)
    gc.collect()
    calm_collector()
    give_back()
    if traced:
        tracemalloc.start()
    before = resident_bytes("self")
    ledger = filled(kind, number)
    gc.collect()
    give_back()  # as a worker does every minute
    found: dict[str, Any] = {"kernel": KERNEL.name, "kind": kind, "number": number}
    if traced:
        return {**found, "traced": tracemalloc.get_traced_memory()[0] / number}
    found["resident"] = (resident_bytes("self") - before) / number
    found["collection"] = seconds(gc.collect)
    found["event"] = cost_of_events(ledger)
    found["live"] = seconds(lambda: ledger.live(ledger.now))
    found["snapshot"] = seconds(lambda: dump(ledger))
    return found


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]), len(sys.argv) > 3)))
