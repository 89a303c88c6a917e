"""What stands in the log. Offsets are Kafka's; instants are microseconds of event time."""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from streams.ledger.rules import Rules

__all__ = [
    "FORMAT",
    "Chunk",
    "End",
    "Epoch",
    "LogDamagedError",
    "LogRecord",
    "NewerFormatError",
    "Tick",
    "decode",
    "encode",
]

FORMAT: Final = 1
_MAGIC: Final = b"CL"


class LogDamagedError(ValueError):
    """A record of the log cannot be what an owner wrote; the text says why."""


class NewerFormatError(LogDamagedError):
    """The log was written by a newer version than this one."""


class Epoch(Struct, array_like=True, frozen=True, tag="epoch"):
    """An owner begins here; the offset of this record is its epoch.

    Take-overs (`claimed` None) are always valid. An owner that goes on, with a snapshot, knows the
    offset in advance and says it in `claimed`; anywhere else the record counts for nothing, so
    that one who was replaced without knowing it cannot claim the partition back.
    """

    rules: Rules
    """what is in force from here on"""
    version: str
    """of the program"""
    writer: str
    """which worker"""
    claimed: int | None = None


class Tick(Struct, array_like=True, frozen=True, tag="tick"):
    """What the ledger did since the tick before.

    `steps` are (to_offset, now): apply the records of the source below `to_offset`, then
    `advance(now)`. More than one only when a backlog was read in strides.
    """

    number: int
    epoch: int
    steps: Annotated[tuple[tuple[int, int], ...], Meta(min_length=1)]
    hash: int
    """the rolling hash afterwards: equal inputs, equal hash"""


class Chunk(Struct, array_like=True, frozen=True, tag="chunk"):
    """One part of a snapshot, in order from 0."""

    epoch: int
    index: int
    data: bytes


class End(Struct, array_like=True, frozen=True, tag="end"):
    """Completes a snapshot: without it there is none."""

    epoch: int
    chunks: int
    checksum: int
    """CRC-32 of all data"""


LogRecord: TypeAlias = Epoch | Tick | Chunk | End

# Not sorted: of the patterns of queues in the rules the first that matches counts.
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(LogRecord).decode


def encode(record: LogRecord) -> bytes:
    """Return `record` as the value of a Kafka record."""
    return _MAGIC + bytes([FORMAT]) + _encode(record)


def decode(value: bytes | None) -> LogRecord:
    """Return what `encode` was given.

    Raises:
        NewerFormatError: a newer version wrote it.
        LogDamagedError: it is no record of this log.
    """
    if value is None or value[:2] != _MAGIC or len(value) < 4:
        raise LogDamagedError("a record that callsla did not write")
    if value[2] > FORMAT:
        told = f"it has format {value[2]}, this version reads {FORMAT}"
        raise NewerFormatError(f"{told}: start the newer callsla again")
    try:
        record: LogRecord = _decode(memoryview(value)[3:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The text of a value may have more than one line.
        raise LogDamagedError(f"a damaged record: {' '.join(str(error).split())}") from None
    return record
