"""How fast `replay` is and what it remembers: arguments are calls (230,000) and seed (1).

The file of simulated events is made first and is not measured. Read and sort, then judge: events a
second of each and of both, and the growth of the process for each event held for the sorting.
Then the same events once more in order, without a list of them, for what the ledger itself keeps.
"""

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from streams.events import Event
from streams.instants import MINUTE
from streams.ledger import Ledger, Rules
from streams.replay import judge, read
from streams.simulate import Centre, large_centre, write_to
from streams.sources import FORMATS, Options, open_input


def resident() -> int:
    """Return the memory of this process in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def events_in(path: Path) -> Iterator[Event]:
    return FORMATS["events"](Options()).read(open_input(path))


def measure_replay(path: Path) -> None:
    """Print speed and memory of a replay of `path`."""
    before, begun = resident(), time.perf_counter()
    given = read(FORMATS["events"](Options()), open_input(path))
    was_read, held = time.perf_counter(), resident()
    number = len(given.events)
    judge(given.events, Rules())
    judged = time.perf_counter()
    print(f"{number:,} events")
    print(f"read and sorted {number / (was_read - begun):>10,.0f} events/s")
    print(f"judged          {number / (judged - was_read):>10,.0f} events/s")
    print(f"both            {number / (judged - begun):>10,.0f} events/s")
    print(f"held            {(held - before) / number:>10,.0f} bytes/event")


def measure_ledger(path: Path) -> None:
    """Print what the ledger keeps, halfway and at the end: open calls, not calls seen."""
    size = sum(1 for _ in events_in(path))
    tracemalloc.start()
    ledger = Ledger(Rules(), windows=False)
    tick_at = 0
    for number, event in enumerate(events_in(path), 1):
        if event.at >= tick_at:
            ledger.advance(event.at - ledger.rules.grace)
            ledger.drain()
            tick_at = event.at + MINUTE
        ledger.apply(event)
        if number in (size // 2, size * 3 // 4, size):
            kept, calls = tracemalloc.get_traced_memory()[0], len(ledger.book.calls)
            owing, seen = len(ledger.book.owing), ledger.fates["applied"]
            print(f"after {seen:>9,} events: {kept / 1e6:6.1f} MB for {calls:,} calls kept", end="")
            print(f" and {owing:,} customers owed a callback")
    tracemalloc.stop()


def main(calls: int = 230_000, seed: int = 1) -> None:
    """Measure both on as many calls of a large centre."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        write_to(str(path), Centre(large_centre(), seed).events(calls))
        measure_replay(path)
        measure_ledger(path)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
