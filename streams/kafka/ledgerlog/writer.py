"""The appender of one partition of the log, and how it learns that it was replaced.

The only writer of a partition knows the next offset. An acknowledged offset other than the
expected one means that somebody else wrote: a new owner's epoch among the records between fences
this one; anything else is the late record of a ghost, ignored by everyone.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

from streams._version import __version__
from streams.kafka.ledgerlog.history import History
from streams.kafka.ledgerlog.ports import LogStore
from streams.kafka.ledgerlog.records import Chunk, End, Epoch, LogDamagedError, Tick, encode
from streams.ledger.rules import Rules

__all__ = ["CHUNK_BYTES", "FencedError", "LogWriter", "claim"]

CHUNK_BYTES: Final = 512 * 1024


class FencedError(Exception):
    """Another worker owns the partition now."""


async def claim(store: LogStore, rules: Rules, writer: str) -> int:
    """Take the partition over and return the new epoch.

    Raises:
        AppendUnknownError: nobody knows whether it is ours.
    """
    return await store.append([encode(Epoch(rules, __version__, writer))])


class LogWriter:
    """Appends under `epoch`; the next record is expected at `next_offset`.

    `snapshots` are the epochs of the newest complete snapshots, oldest first.
    """

    def __init__(
        self, store: LogStore, writer: str, epoch: int, next_offset: int, snapshots: Sequence[int]
    ) -> None:
        self.epoch = epoch
        self.next_offset = next_offset
        self._store = store
        self._writer = writer
        self._snapshots = list(snapshots)[-2:]
        self._looked = next_offset
        """the log below this was ours, or was known, when it was last looked at"""

    async def tick(self, tick: Tick) -> None:
        """Append `tick`; when this returns it is durable and counts.

        Raises:
            FencedError: another worker owns the partition; the tick counts for nothing.
            AppendUnknownError: nobody knows whether it counts.
            LogDamagedError: the log has become shorter than what was acknowledged.
        """
        await self._append([encode(tick)])

    async def snapshot(self, rules: Rules, data: bytes) -> bool:
        """Append a snapshot of the state at the last tick; False if a ghost came between.

        Raises: as `tick`.
        """
        claimed = self.next_offset
        await self._append([encode(Epoch(rules, __version__, self._writer, claimed))])
        if self.next_offset != claimed + 1:
            return False
        self.epoch = claimed
        count = 0
        for chunk in _chunks(claimed, data):
            await self._append([encode(chunk)])
            count += 1
        await self._append([encode(End(claimed, count, crc32(data)))])
        self._snapshots = [*self._snapshots, claimed][-2:]
        self._looked = self.next_offset
        return True

    async def trim(self) -> bool:
        """Delete what lies below the last but one complete snapshot; False if we may not."""
        if len(self._snapshots) < 2:
            return True
        return await self._store.trim(self._snapshots[0])

    async def is_mine(self) -> bool:
        """Return whether nobody took the partition over since the last append.

        Raises:
            LogDamagedError: the log has become shorter than what was acknowledged.
        """
        _, end = await self._store.bounds()
        try:
            await self._pass_ghosts(end)
            # Contiguous appends prove nothing after an unclean election of a leader: a new owner's
            # epoch may lie where a lost record of ours was.
            await self._look(self._looked, end)
        except FencedError:
            return False
        self._looked = end
        return True

    async def _append(self, values: Sequence[bytes]) -> None:
        offset = await self._store.append(values)
        await self._pass_ghosts(offset)
        self.next_offset = offset + len(values)

    async def _pass_ghosts(self, end: int) -> None:
        """Look at the records between the expected offset and `end`, which others wrote."""
        if end < self.next_offset:
            msg = f"the log ends at offset {end} although {self.next_offset} was acknowledged"
            raise LogDamagedError(msg)
        if end == self.next_offset:
            return
        await self._look(self.next_offset, end)
        self.next_offset = end

    async def _look(self, start: int, end: int) -> None:
        """Read the log from `start` to `end` for a new owner."""
        if end == start:
            return
        first, _ = await self._store.bounds()
        if first > start:
            # This one trims below its own snapshots only.
            raise FencedError(f"another owner has trimmed the log below offset {first}")
        between = History(start, epoch=self.epoch)
        async for portion in self._store.read(start, end):
            for offset, value in portion:
                between.read(offset, value)
        if between.epoch != self.epoch:
            raise FencedError(f"replaced at offset {between.epoch}")


def _chunks(epoch: int, data: bytes) -> Iterator[Chunk]:
    for index, start in enumerate(range(0, len(data), CHUNK_BYTES)):
        yield Chunk(epoch, index, data[start : start + CHUNK_BYTES])
