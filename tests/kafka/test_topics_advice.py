"""What `callsla topics check` says about replicas: pure, so that no cluster is needed."""

import pytest

from streams.kafka.permissions import TopicFound
from streams.kafka.topics import replication_advice


def advice(replicas: int, brokers: int, insync: int) -> str:
    topic = TopicFound("t", 0, 12, replicas, brokers, None)
    return "; ".join(replication_advice(topic, insync))


@pytest.mark.parametrize(
    ("replicas", "brokers", "insync", "said"),
    [
        (1, 1, 1, ""),
        (2, 2, 1, ""),
        (3, 3, 2, ""),
        (3, 5, 2, ""),
        (1, 3, 1, "t has 1 replica on 3 brokers: losing one may lose it"),
        (2, 3, 1, "t has 2 replicas on 3 brokers: losing one may lose it"),
        (2, 2, 2, "min.insync.replicas is 2 of 2 replicas: one broker that is away stops"),
        (3, 3, 3, "set it to 2"),
        (3, 3, 4, "min.insync.replicas is 4 of 3 replicas"),
        (3, 3, 1, "what one broker alone acknowledged is lost with it; set it to 2"),
    ],
)
def test_replicas_are_advised_on(replicas: int, brokers: int, insync: int, said: str) -> None:
    """Three replicas of which two acknowledge survive a broker; one broker is nobody's fault."""
    told = advice(replicas, brokers, insync)
    assert said in told if said else told == ""
