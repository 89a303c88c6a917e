"""What the C library does with memory that was freed: kept for the next fetch, and not for ever.

Fetches and snapshots come and go, megabytes at a time. glibc would have each such block mapped on
its own, or cut the end of its heap off as soon as it is free, and then the pages of the next one
are new: a backlog was read by a twelfth more slowly, and by a sixth with every one mapped.
"""

import ctypes
from typing import Any, Final

__all__ = ["GIVE_BACK_SECONDS", "give_back", "keep_blocks"]

GIVE_BACK_SECONDS: Final = 60.0
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST: Final = 32 << 20
"""Bytes of the largest block that glibc can be told to take from its heap."""
_END: Final = 64 << 20
"""So many bytes may be free at the end of a heap until the next `give_back`: some fetches."""


def keep_blocks() -> None:
    """Have glibc take large blocks from its heap and keep what is freed at its end."""
    tune = _of_glibc("mallopt")
    if tune is not None:
        tune(_MMAP_THRESHOLD, _LARGEST)
        tune(_TRIM_THRESHOLD, _END)


def give_back() -> None:
    """Have glibc return every page of its heap in which nothing is in use.

    What is kept for an hour soon lies between what comes and goes: of 295 MiB a busy worker had
    72 in use.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(function: str) -> Any:
    """Return a function of the C library; None if it is another one."""
    return getattr(ctypes.CDLL(None), function, None)
