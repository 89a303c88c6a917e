"""What the log needs from the world: one partition of the ledger topic, and one of the events."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from streams.kafka.batch import Batch

__all__ = ["AppendUnknownError", "LogStore", "Source"]


class AppendUnknownError(Exception):
    """Whether the batch was appended, will be, or never is cannot be told."""


class LogStore(Protocol):
    """One partition of the ledger topic. At most one `append` is under way at a time."""

    async def bounds(self) -> tuple[int, int]:
        """Return the first offset that is still there and the one the next record will get."""

    async def append(self, values: Sequence[bytes]) -> int:
        """Append `values` as one batch, all or none, and return the offset of the first.

        Returns once every in-sync replica has it.

        Raises:
            AppendUnknownError: no acknowledgement came; the batch may still arrive later.
        """

    def read(self, first: int, end: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """Yield the (offset, value) pairs of `first` <= offset < `end`, in order, in portions."""

    async def trim(self, below: int) -> bool:
        """Delete the records below an offset; False if the broker does not let us."""


class Source(Protocol):
    """One partition of the events topic, read outside the consumer group."""

    async def bounds(self) -> tuple[int, int]:
        """Return the first offset that is still there and the one the next record will get."""

    def read(self, first: int, end: int) -> AsyncIterator[Batch]:
        """Yield the records of `first` <= offset < `end`, in order.

        Offsets may be missing (control records, compaction); the last batch ends at `end` or
        beyond it.
        """
