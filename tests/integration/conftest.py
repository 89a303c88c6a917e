"""Real components for the tests of this folder: skipped where missing, required in CI."""

import itertools
import os
from collections.abc import Callable, Iterator

import kafka_server
import pytest
from secured_kafka import SecuredKafka, secured_kafka

from streams.kafka.topics import create_topics
from streams.settings import Settings

_numbers = itertools.count()


def _require_kafka() -> None:
    missing = kafka_server.missing()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_server.KafkaServer]:
    """One Apache Kafka broker for all tests of the session."""
    _require_kafka()
    with kafka_server.kafka_server(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture
def fresh_settings(kafka: kafka_server.KafkaServer) -> Callable[..., Settings]:
    """Return a maker of settings whose topics nobody else uses; `create` makes the topics too."""

    def make(*, create: bool = True, **changes: object) -> Settings:
        tag = f"t{next(_numbers)}"
        names = ("events", "promises", "dead_letters", "ledger")
        topics = {f"{name}_topic": f"{tag}.{name.replace('_', '-')}" for name in names}
        common = {"broker": kafka.bootstrap, "group": tag, "metrics_port": 0, "partitions": 4}
        settings = Settings(**{**common, **topics, **changes})  # type: ignore[arg-type]
        if create:
            create_topics(settings)
        return settings

    return make


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """One broker with every kind of listener for all tests of this module."""
    _require_kafka()
    with secured_kafka(tmp_path_factory.mktemp("secured")) as server:
        yield server


@pytest.fixture
def secured_settings(secured: SecuredKafka) -> Callable[..., Settings]:
    """Return a maker of settings with topics of their own, which exist."""

    def settings(listener: str, *, host: str = "127.0.0.1", **changes: object) -> Settings:
        tag = f"s{next(_numbers)}"
        names = ("events", "promises", "dead_letters", "ledger")
        common: dict[str, object] = {
            # A rule is for every name with its prefix: no group is another one's beginning.
            "group": f"{tag}.group",
            "metrics_port": 0,
            "partitions": 2,
        }
        common |= {f"{name}_topic": f"{tag}.{name.replace('_', '-')}" for name in names}
        wanted = Settings(broker=secured.address(listener, host), **{**common, **changes})  # type: ignore[arg-type]
        common["partitions"] = wanted.partitions
        create_topics(Settings(broker=secured.address("PLAIN"), **common))  # type: ignore[arg-type]
        return wanted

    return settings
