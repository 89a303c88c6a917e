"""How fast `replay` is and what it remembers: arguments are calls (230,000) and seed (1).

The file of simulated events is made first and is not measured. Read and sort, then judge: events a
second of each and of both, and the growth of the process for each event held for the sorting. On a
machine that has other things to do, a CPU second says more than one of the clock.
Then the same events once more in order, without a list of them, for what the ledger itself keeps.
"""

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from streams import KERNEL
from streams.events import Event
from streams.instants import MINUTE
from streams.ledger import Ledger, Rules
from streams.replay import judge_told, read_told
from streams.simulate import Centre, large_centre, write_to
from streams.sources import FORMATS, Options, open_input


def resident() -> int:
    """Return the memory of this process in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def events_in(path: Path) -> Iterator[Event]:
    return FORMATS["events"](Options()).read(open_input(path))


def now() -> tuple[float, float]:
    """Seconds by the clock, and those in which this process had a processor."""
    return time.perf_counter(), time.process_time()


def tell(what: str, number: int, begun: tuple[float, float], ended: tuple[float, float]) -> None:
    wall, cpu = (number / (end - begin) for begin, end in zip(begun, ended, strict=True))
    print(f"{what:<16}{wall:>10,.0f} events/s {cpu:>10,.0f} events/CPU second")


def measure_replay(path: Path) -> None:
    """Print speed and memory of a replay of `path`."""
    before, begun = resident(), now()
    given = read_told(FORMATS["events"](Options()), open_input(path))
    was_read, held = now(), resident()
    number = given.number
    judge_told(given.told, Rules())
    judged = now()
    print(f"kernel: {KERNEL}")
    print(f"{number:,} events")
    tell("read and sorted", number, begun, was_read)
    tell("judged", number, was_read, judged)
    tell("both", number, begun, judged)
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
            owing = sum(len(due.until) for due in ledger.book.due.queues.values())
            seen = ledger.fates["applied"]
            print(f"after {seen:>9,} events: {kept / 1e6:6.1f} MB for {calls:,} calls kept", end="")
            print(f" and {owing:,} callbacks owed")
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
