"""The reader of the harness gets through what the harness does to the broker."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from topic_tail import _ends


class Moved:
    """A consumer for which the leader of partition 1 has just changed, twice."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def get_watermark_offsets(self, tp: Any, timeout: float) -> tuple[int, int]:
        self.asked.append(tp.partition)
        if self.asked.count(1) in (1, 2) and tp.partition == 1:
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        assert timeout > 0
        return 0, 10 + tp.partition


def test_a_leader_that_has_just_changed_is_asked_again() -> None:
    """In seed 4 it was, when everything was still, and that ended the run."""
    consumer: Any = Moved()
    assert _ends(consumer, "events", [0, 1, 2]) == {0: 10, 1: 11, 2: 12}
    assert consumer.asked == [0, 1, 1, 1, 2]
