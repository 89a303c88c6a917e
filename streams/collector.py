"""Python's garbage collector, kept away from large amounts of what makes no garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through millions of things that make no cycles.

    What is there at the end, it never looks at again.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()
