"""Changes as the log hashes them.

Written once more in C (packed_changes.c), which is used where the ledger is compiled too.
"""

from typing import Final

import msgspec

from streams.ledger.changes import Change

__all__ = ["packed"]

_encode: Final = msgspec.msgpack.Encoder().encode


def packed(changes: list[Change]) -> bytes:
    """Return `changes` in MessagePack: an array of maps, their keys in the order of the fields."""
    return _encode(changes)
