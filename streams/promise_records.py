"""Promise events as Kafka records.

Written once more in C (promise_records.c), which is used where the ledger is compiled too: most
calls are answered in time, and telling so took as long as finding it out.
"""

from streams.ledger.changes import Change
from streams.promise_events import record

__all__ = ["promise_record"]


def promise_record(change: Change, epoch: int) -> tuple[bytes, bytes]:
    """Return key and value of the record that tells of `change`.

    `epoch` says which ownership of the partition writes it.
    """
    return record(change, epoch)
