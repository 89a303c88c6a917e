"""The records of usual batches as a worker looks at them, straight from what was fetched.

Written in C (plain_records.c), which is used where the ledger is compiled too: aiokafka makes four
objects of each record, and a worker looks at one of them. Here is what to do without.
"""

from typing import Any

__all__ = ["read_batches"]


def read_batches(
    fetched: bytes,  # noqa: ARG001
    place: int,
    next_offset: int,
    checked: bool,  # noqa: ARG001
) -> tuple[list[Any], int, int]:
    """Return the records of the usual batches from `place` on, where they end, the next offset.

    A usual batch is sound, of message format 2, holds data, uncompressed and without headers; if
    `checked`, its checksum is right. Reading ends before the first one that is not, or not all
    there. Without any, `place` and `next_offset` come back as they are.

    A record has `offset`, `timestamp` (milliseconds), `key` and `value` (bytes or None) and
    `headers` (none). It is as light as that: key and value are cut out of the fetched bytes when
    asked for, anew each time. Form: https://kafka.apache.org/documentation/#recordbatch

    Raises:
        TypeError: `fetched` is no bytes (in C).
        ValueError: `place` lies outside of it (in C).
    """
    return [], place, next_offset
