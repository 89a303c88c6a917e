"""Fetched records as they are parsed, a whole batch at a time.

aiokafka itself goes from one record to the next in Python and makes a `ConsumerRecord` of each,
with a dozen fields of which we need five. The private names are those of aiokafka 0.14.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from streams.kafka.header_names import TolerantRecords, ToleratedBatch

__all__ = ["hand_on_as_parsed", "parsed"]


def hand_on_as_parsed(fetched: Mapping[Any, Any]) -> None:
    """Have `fetched` results hand on what the parser makes (they are errors in part)."""
    for result in fetched.values():
        if isinstance(result, FetchResult) and "getall" not in vars(result):
            records = result._partition_records  # noqa: SLF001
            # Who reads committed records only has to know which ones were aborted.
            if records is not None and records._isolation_level == READ_UNCOMMITTED:  # noqa: SLF001
                result.getall = partial(_getall, result)


def _getall(result: Any, max_records: int | None = None) -> list[Any]:
    """Return all records of `result` (aiokafka's `FetchResult.getall`)."""
    if max_records is not None:
        # From here on one by one: what is left begins within a batch.
        result.getall = partial(FetchResult.getall, result)
        return list(result.getall(max_records))
    tp = result._topic_partition  # noqa: SLF001
    if not result.has_more() or not result.check_assignment(tp):
        return []
    # Given up first: after an error everything is fetched again.
    records, result._partition_records = result._partition_records, None  # noqa: SLF001
    # Both refer to themselves: only the collector would free what was fetched.
    result.getall, records._records_iterator = _nothing, None  # noqa: SLF001
    found = parsed(records)
    result._assignment.state_value(tp).consumed_to(records.next_fetch_offset)  # noqa: SLF001
    return found


def _nothing(max_records: int | None = None) -> list[Any]:  # noqa: ARG001
    """Return no records: all were handed on."""
    return []


def parsed(records: PartitionRecords) -> list[Any]:
    """Return what is left of `records`, and move its `next_fetch_offset` past it.

    Raises:
        CorruptRecordException: a checksum is wrong.
    """
    found: list[Any] = []
    parser = records._records  # noqa: SLF001
    while True:
        _take_usual(records, found)
        if not parser.has_next():
            return found
        batch = parser.next_batch()
        if records._check_crcs and not batch.validate_crc():  # noqa: SLF001
            raise CorruptRecordException(f"Invalid CRC - {records._tp}")  # noqa: SLF001
        if not batch.is_control_batch:
            some = batch.whole() if isinstance(batch, ToleratedBatch) else list(batch)
            found += _wanted(records, some)
        # Also past what compaction took from the end of a batch.
        records.next_fetch_offset = batch.next_offset


def _take_usual(records: PartitionRecords, found: list[Any]) -> None:
    """Add the records of the batches that come next, as long as they are usual ones."""
    parser = records._records  # noqa: SLF001
    if isinstance(parser, TolerantRecords):
        checked = records._check_crcs  # noqa: SLF001
        some, next_offset = parser.usual(records.next_fetch_offset, checked=checked)
        found += _wanted(records, some)
        records.next_fetch_offset = next_offset


def _wanted(records: PartitionRecords, some: list[Any]) -> list[Any]:
    """Return those of `some` that were asked for; a batch comes whole, also to its middle."""
    first = records.next_fetch_offset
    if some and some[0].offset < first:
        return [record for record in some if record.offset >= first]
    return some
