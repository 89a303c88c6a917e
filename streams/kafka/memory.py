"""Memory that was freed goes back to the system, now and then."""

import ctypes
from typing import Final

__all__ = ["GIVE_BACK_SECONDS", "give_back"]

GIVE_BACK_SECONDS: Final = 60.0


def give_back() -> None:
    """Have glibc return every page of its heap in which nothing is in use.

    Fetches and snapshots come and go there, and what is kept for an hour soon lies between them:
    of 295 MiB a busy worker had 72 in use. To have each such block mapped on its own would cost
    more: its pages are new each time, and a backlog was read a sixth more slowly.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
