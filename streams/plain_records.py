"""The records of the usual batch as a worker looks at them, straight from what was fetched.

Written in C (plain_records.c), which is used where the ledger is compiled too: aiokafka makes four
objects of each record, and a worker looks at one of them. Here is what to do without.
"""

from typing import Any

__all__ = ["read_records"]


def read_records(batch: memoryview) -> list[Any] | None:  # noqa: ARG001
    """Return the records of a whole batch (message format 2); None: they have to be parsed first.

    Each has `offset`, `timestamp` (milliseconds), `key` and `value` (bytes or None) and `headers`
    (none). It is as light as that: key and value are cut out of the fetched bytes when asked for,
    anew each time.

    None for everything but an uncompressed batch of data without headers that is sound to its end.
    The checksum is not looked at.
    Form: https://kafka.apache.org/documentation/#recordbatch

    Raises:
        TypeError: `batch` is no memoryview (in C).
    """
    return None
