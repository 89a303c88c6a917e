"""The usual event: what the ledger takes of it, straight from its bytes.

Written in C (plain_events.c), which is used where the ledger is compiled too: reading the event
first and asking it afterwards takes four times as long. Here is what to do without.
"""

from typing import Any

__all__ = ["read_plain", "read_record"]


def read_plain(value: bytes) -> tuple[Any, ...] | None:  # noqa: ARG001
    """Return `streams.ledger.kinds.told` of the event in `value`; None: it has to be read first.

    None for everything but plain JSON in the form in which events usually come, so also for
    whatever is to be refused.
    """
    return None


def read_record(record: Any) -> tuple[Any, ...] | None:  # noqa: ARG001
    """Return `read_plain` of the value of `record` if it has no headers, else None.

    A record of `streams.plain_records` is read where it lies.
    """
    return None
