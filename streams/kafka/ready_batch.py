"""A batch of records that is ready, as aiokafka's producer takes the ones it builds itself.

The private names are those of aiokafka 0.14 (`BatchBuilder`).
"""

from streams.promise_records import seal

__all__ = ["ReadyBatch"]

_NOBODY = -1


class ReadyBatch:
    """`data` with `count` records, to be sent by `AIOKafkaProducer.send_batch`."""

    def __init__(self, data: bytearray, count: int) -> None:
        self._data = data
        self._count = count
        self._writer = (_NOBODY, _NOBODY, 0)
        self._is_sealed = False

    def append(self, **_: object) -> None:
        """Take no more records."""

    def close(self) -> None:
        """Stay closed."""

    def closed(self) -> bool:
        """Return that nothing can be appended."""
        return True

    def record_count(self) -> int:
        """Return the number of records."""
        return self._count

    def size(self) -> int:
        """Return the size in bytes."""
        return len(self._data)

    def _set_producer_state(self, producer: int, epoch: int, sequence: int) -> None:
        self._writer = producer, epoch, sequence

    def _build(self) -> bytearray:
        # Once: sent again it has to be the same, whoever writes by then.
        if not self._is_sealed:
            seal(self._data, *self._writer)
            self._is_sealed = True
        return self._data
