"""The embedded broker starts, has the topics it is told, and leaves nothing."""

import socket

import pytest
from confluent_kafka import Producer

from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.errors import EdgeError


def partitions(bootstrap: str) -> dict[str, int]:
    found = Producer({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=10)
    return {name: len(topic.partitions) for name, topic in found.topics.items()}


def test_it_has_the_topics_it_is_told_with_their_partitions() -> None:
    """At the start and later."""
    with EmbeddedBroker({"one": 1, "twelve": 12}) as broker:
        broker.create_topic("three", 3)
        assert partitions(broker.bootstrap) == {"one": 1, "twelve": 12, "three": 3}


def test_a_topic_that_exists_is_not_made_again() -> None:
    """One line, not another topic."""
    with EmbeddedBroker({"one": 1}) as broker, pytest.raises(EdgeError, match=r"one: it exists"):
        broker.create_topic("one", 2)


def test_it_listens_on_loopback_only_and_not_after_its_end() -> None:
    """Nothing is left behind; closing twice is fine."""
    broker = EmbeddedBroker()
    host, _, port = broker.bootstrap.rpartition(":")
    assert host == "127.0.0.1"
    socket.create_connection((host, int(port)), 5).close()
    broker.close()
    broker.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
    with pytest.raises(EdgeError, match=r"is closed"):
        broker.create_topic("late")
