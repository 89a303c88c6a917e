"""The reader of the harness gets through what the harness does to the broker."""

from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from topic_tail import _ends, _partitions


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


class Young:
    """A consumer of a broker that has not heard of the partitions of a topic, twice."""

    def __init__(self) -> None:
        self.asked = 0

    def list_topics(self, topic: str, timeout: float) -> Any:
        self.asked += 1
        known = {1: None, 0: None} if self.asked > 2 else {}
        assert timeout > 0
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=known)})


def test_a_broker_that_knows_no_partition_yet_is_asked_again() -> None:
    """Without one the log was never read, and after half a minute it had no end."""
    consumer: Any = Young()
    assert _partitions(consumer, "ledger") == [0, 1]
    assert consumer.asked == 3
