"""Python's garbage collector, kept away from large amounts of what makes no garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected(*, for_good: bool = False) -> Iterator[None]:
    """Keep the garbage collector from looking through millions of things that make no cycles.

    With `for_good` it never looks at what is there at the end, garbage included: for a program
    that does one thing and ends.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if for_good:
                gc.freeze()
            gc.enable()
