"""What a partition remembers of a queue that was busy in each slice of the last hour.

Prints one line of JSON. Calls are answered and forgotten again as fast as may be (the lateness is a
second), so that what is left belongs to the queue: totals, windows, and the copies that are shown.
"""

import gc
import json
from typing import Any, Final

from held_calls import T0, event
from measuring import resident_bytes

from streams.instants import SECOND
from streams.kafka.exported import copied
from streams.ledger import Ledger, Rules
from streams.ledger.rules import QueueRules
from streams.ledger.writing import prepare

QUEUES: Final = 40
EVERY: Final = 5
SNAPSHOT_EVERY: Final = 60 // EVERY
"""slices between two snapshots, as shipped"""
RULES: Final = Rules(
    default=QueueRules(repeat_window=SECOND, callback_target=SECOND, late_horizon=SECOND),
    lateness=SECOND,
)


def busy(ledger: Ledger, queues: int) -> None:
    """Have a call answered in each queue in each slice of an hour."""
    for slice_ in range(3600 // EVERY):
        at = T0 + slice_ * EVERY * SECOND
        for queue in range(queues):
            name = slice_ * queues + queue
            for kind, later, more in (
                ("call.offered", 0, {}),
                ("call.answered", 1, {"answered_by": "human"}),
                ("call.ended", 2, {"resolved": True}),
            ):
                fields: dict[str, Any] = {"queue": f"queue-{queue:03}", **more}
                ledger.apply(event(kind, name, at + later * SECOND, **fields))
        ledger.advance(at + EVERY * SECOND)
        ledger.drain()
        ledger.windows.fold()
        if slice_ % SNAPSHOT_EVERY == 0:
            for _ in prepare(ledger):
                pass


def main() -> None:
    """Measure and print."""
    warm = Ledger(RULES)
    busy(warm, 1)
    gc.collect()
    before = resident_bytes("self")
    ledger = Ledger(RULES)
    busy(ledger, QUEUES)
    shown = copied(ledger.totals, ledger.rules, {})
    gc.collect()
    grown = resident_bytes("self") - before
    print(json.dumps({"resident": grown / QUEUES, "queues": len(shown.queues)}))


if __name__ == "__main__":
    main()
