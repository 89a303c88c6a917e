"""Which records of a log count: its newest complete snapshot, and what its owners did since.

Pure. A record of a former owner that arrives late lies behind the epoch of its successor and is
passed over by everyone in the same way.
"""

from typing import NamedTuple, TypeAlias
from zlib import crc32

from streams.kafka.ledgerlog.records import (
    Chunk,
    End,
    Epoch,
    LogDamagedError,
    LogRecord,
    NewerFormatError,
    Tick,
    decode,
)
from streams.ledger.rules import Rules

__all__ = ["Entry", "Footprint", "History", "Snapshot"]


class Snapshot(NamedTuple):
    """A complete snapshot: the offset of its epoch, the rules it was made under, its bytes."""

    epoch: int
    rules: Rules
    data: bytes


class Footprint(NamedTuple):
    """A complete snapshot that is not begun with, but compared with."""

    epoch: int
    checksum: int
    """CRC-32 of its bytes"""


Entry: TypeAlias = Epoch | Tick | Footprint
"""What a replay follows in order: changes of rules, ticks, and snapshots to compare with."""


class History:
    """Reads a log in offset order from `first`, the first record that is still there.

    For an audit (`whole`) it begins with the oldest state there is instead of the newest. `epoch`
    is the one in force before `first`, if that is known.
    """

    def __init__(self, first: int, *, whole: bool = False, epoch: int | None = None) -> None:
        self.first = first
        self._whole = whole
        self.epoch = epoch
        """the epoch in force"""
        self.snapshot: Snapshot | None = None
        """the newest complete one"""
        self.before_last: int | None = None
        """the epoch of the complete snapshot before it"""
        self.entries: list[Entry] = []
        """the valid ones since that snapshot (without one: since `first`)"""
        self.damage: str | None = None
        """why it could not be followed to its end; None: it could"""
        self.ignored = 0
        """records of owners that had been replaced"""
        self._chunks: list[bytes] = []
        self._rules: Rules | None = None

    @property
    def rules(self) -> Rules | None:
        """What the owner in force was told; None: there was none."""
        return self._rules

    def read(self, offset: int, value: bytes | None) -> None:
        """Take in the next record.

        Raises:
            NewerFormatError: a newer version wrote it.
            LogDamagedError: it is no record of this log.
        """
        try:
            record = decode(value)
        except NewerFormatError as error:
            raise NewerFormatError(f"offset {offset}: {error}") from None
        except LogDamagedError as error:
            raise LogDamagedError(f"offset {offset}: {error}") from None
        self._take(offset, record)

    def break_off(self, why: str) -> None:
        """Note that the log cannot be followed any further, unless a snapshot comes after this.

        What cannot be read may have been the epoch of a new owner, so nobody's records count
        until the next one.
        """
        self.damage = self.damage or why
        self.epoch = None
        self._chunks = []

    def _take(self, offset: int, record: LogRecord) -> None:
        if isinstance(record, Epoch):
            self._begin(offset, record)
        elif record.epoch != self.epoch:
            self._pass(offset, record.epoch)
        elif isinstance(record, Tick):
            self._enter(record)
        elif isinstance(record, Chunk):
            self._collect(record)
        else:
            self._complete(record)

    def _pass(self, offset: int, epoch: int) -> None:
        """Ignore a record of an owner that had been replaced, not one of an owner to come."""
        known = self.first - 1 if self.epoch is None else self.epoch
        if epoch > known:
            raise LogDamagedError(f"offset {offset}: the beginning of its epoch {epoch} is missing")
        self.ignored += 1

    def _begin(self, offset: int, epoch: Epoch) -> None:
        if epoch.claimed is not None and epoch.claimed != offset:
            self.ignored += 1
            return
        self.epoch = offset
        self._rules = epoch.rules
        self._chunks = []
        self._enter(epoch)

    def _enter(self, entry: Entry) -> None:
        if self.damage is None:
            self.entries.append(entry)

    def _collect(self, chunk: Chunk) -> None:
        if chunk.index == len(self._chunks):
            self._chunks.append(chunk.data)

    def _complete(self, end: End) -> None:
        data = b"".join(self._chunks)
        if self._rules is None or len(self._chunks) != end.chunks or crc32(data) != end.checksum:
            raise LogDamagedError(f"the snapshot of epoch {end.epoch} is not what was written")
        if self._whole and (self.first == 0 or self.snapshot is not None):
            self._enter(Footprint(end.epoch, end.checksum))
            self._chunks = []
            return
        self.before_last = self.snapshot.epoch if self.snapshot else None
        self.snapshot = Snapshot(end.epoch, self._rules, data)
        self._chunks = []
        # No tick is appended while a snapshot is, so whatever follows comes after it.
        self.entries = []
        self.damage = None
