"""Promise events as Kafka records.

Written once more in C (promise_records.c), which is used where the ledger is compiled too: most
calls are answered in time, and telling so took as long as finding it out.
"""

from streams.ledger.changes import Change
from streams.promise_events import record

__all__ = ["promise_batch", "promise_record", "seal"]


def promise_record(change: Change, epoch: int) -> tuple[bytes, bytes]:
    """Return key and value of the record that tells of `change`.

    `epoch` says which ownership of the partition writes it.
    """
    return record(change, epoch)


def promise_batch(
    changes: list[Change],  # noqa: ARG001
    first: int,  # noqa: ARG001
    epoch: int,  # noqa: ARG001
    time: int,  # noqa: ARG001
    room: int,  # noqa: ARG001
) -> tuple[bytearray, int] | None:
    """Return a batch (message format 2) of the records of `changes` from `first` on.

    As many as have room in so many bytes, at least one, and how many that are; `time` (epoch
    milliseconds) is when they were written. None: here is nothing but the form of one record.
    The batch can be sent once it is sealed.
    """
    return None


def seal(batch: bytearray, producer: int, epoch: int, sequence: int) -> None:
    """Say in a `batch` who writes it, and as of which number; and its checksum.

    Raises:
        ValueError: that is no batch.
    """
    raise NotImplementedError("without the kernel there are no batches")
