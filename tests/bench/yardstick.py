"""How fast plain Python is here: a figure of a benchmark is read beside it.

It tells machines apart, and builds of the interpreter: without profile-guided optimisation
(`configure --enable-optimizations`, which Debian's and the container images' have) the same
version takes half as long again.
"""

import time
from typing import Final

__all__ = ["yardstick"]

STEPS: Final = 300_000
TIMES: Final = 7


def yardstick() -> float:
    """Return the CPU milliseconds of a fixed loop, the least of some times."""
    return min(_once() for _ in range(TIMES)) * 1e3


def _once() -> float:
    begun = time.process_time()
    seen: dict[int, tuple[int, str]] = {}
    total = 0
    for step in range(STEPS):
        seen[step % 97] = step, str(step)
        total += len(seen)
    assert total > STEPS
    return time.process_time() - begun
