"""What CPU time the state of one partition takes to write: of so many calls (12,000), a seed (1).

A snapshot holds the worker up for as long. It is written once for each minute of event time while
a large centre is at work, as a worker does; CALLSLA_KERNEL=python or compiled chooses the kernel.
"""

import gc
import sys
import time
from collections.abc import Iterator
from statistics import median

from streams import KERNEL
from streams.instants import MINUTE, SECOND
from streams.ledger import Ledger, Rules, dump, load
from streams.simulate import Centre, large_centre


def snapshots(calls: int, seed: int) -> Iterator[tuple[float, bytes, Ledger]]:
    """Yield milliseconds, state and ledger at each minute of a large centre's event time."""
    ledger = Ledger(Rules())
    tick_at = dump_at = 0
    for event in Centre(large_centre(), seed).events(calls):
        if event.at >= tick_at:
            tick_at = event.at + SECOND // 4
            ledger.advance(event.at - ledger.rules.grace)
            ledger.drain()
        if event.at >= dump_at:
            dump_at = event.at + MINUTE
            begun = time.process_time()
            state = dump(ledger)
            yield (time.process_time() - begun) * 1e3, state, ledger
        ledger.apply(event)


def main(calls: int = 12_000, seed: int = 1) -> None:
    """Print what the fullest snapshot of all took to write and to read, and the longest."""
    gc.disable()
    longest, fullest, held = 0.0, (0.0, b""), (0, 0, 0)
    for took, state, ledger in snapshots(calls, seed):
        longest = max(longest, took)
        if len(state) >= len(fullest[1]):
            fullest = took, state
            book, queues = ledger.book, ledger.totals.queues
            held = len(book.calls), len(book.callers.by_key), len(queues)
    took, state = fullest
    begun = time.process_time()
    again = load(Rules(), state)
    read = (time.process_time() - begun) * 1e3
    whole = []
    for _ in range(9):
        begun = time.process_time()
        dump(again)
        whole.append((time.process_time() - begun) * 1e3)
    print(f"kernel: {KERNEL}")
    print("{:,} calls, {:,} customers, {:,} queues: {:,} bytes".format(*held, len(state)))
    print(f"written by a worker at work {took:6.1f} ms, the longest of all {longest:6.1f} ms")
    print(f"written again               {median(whole):6.1f} ms, the first time {whole[0]:6.1f} ms")
    print(f"read                        {read:6.1f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
