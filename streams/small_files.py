"""Files that people write by hand, read to their end unless they have none."""

import errno
from pathlib import Path
from typing import Final

__all__ = ["MOST_BYTES", "read_small", "read_small_text"]

MOST_BYTES: Final = 16_000_000


def read_small(path: str | Path) -> bytes:
    """Return what is in the file at `path`.

    Raises:
        OSError: it cannot be read, or is larger than `MOST_BYTES`, as a device may be for ever.
        ValueError: this is no path.
    """
    with Path(path).open("rb") as file:
        found = file.read(MOST_BYTES + 1)
    _require_small(len(found), path)
    return found


def read_small_text(path: str | Path) -> str:
    """Return the text in the file at `path`, with line feeds as its line ends.

    Raises:
        OSError: it cannot be read, or has more than `MOST_BYTES` characters.
        ValueError: it is not UTF-8, or this is no path.
    """
    with Path(path).open(encoding="utf-8") as file:
        found = file.read(MOST_BYTES + 1)
    _require_small(len(found), path)
    return found


def _require_small(size: int, path: str | Path) -> None:
    if size > MOST_BYTES:
        raise OSError(errno.EFBIG, f"more than {MOST_BYTES // 1_000_000} megabytes", str(path))
