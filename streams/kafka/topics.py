"""Topics on a real broker: create them, compare them, read how far a group lags behind.

kafka-python; the embedded broker does not speak its dialect and makes its topics itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)
from msgspec import Struct

from streams.kafka.errors import EdgeError, TopicsDifferError, unreachable
from streams.kafka.permissions import TopicFound
from streams.kafka.probe import reach
from streams.kafka.security import kafka_python_options
from streams.settings import Settings

__all__ = [
    "TopicPlan",
    "TopicState",
    "check_topics",
    "create_topics",
    "describe_topics",
    "group_lag",
    "plan_topics",
    "replication_advice",
    "translated",
]

_PATIENCE: Final = {"bootstrap_timeout_ms": 10_000, "request_timeout_ms": 20_000}
DEAD_LETTER_BYTES: Final = 4 * 1_048_576
"""A dead letter is as large as the record it holds, and its headers."""
LEDGER_SEGMENT_BYTES: Final = 64 * 1_048_576
"""Trimming frees whole segments, so small ones keep the disk small."""
LEDGER_BATCH_BYTES: Final = 1_048_588
"""Kafka's default. Chunks of a snapshot are at most 512 KiB, batches at most 1 MiB."""
_LARGEST: Final = "max.message.bytes"
_DAY_MS: Final = 86_400_000


class TopicPlan(Struct, frozen=True):
    """How one topic should be.

    `config` are the settings that are not the broker's defaults, `at_least` those that may be
    larger.
    """

    name: str
    partitions: int
    config: Mapping[str, str]
    at_least: Mapping[str, int] = {}


class TopicState(Struct, frozen=True):
    """How one topic is: what the broker says of it, and its settings (none: not to be seen)."""

    found: TopicFound
    config: Mapping[str, str]


def plan_topics(settings: Settings) -> list[TopicPlan]:
    """Return every topic that `settings` name, raw ones excepted: those belong to the vendors."""
    number = settings.partitions
    retention = str(settings.retention_hours * 3_600_000)
    forever = {
        # Never compacted: a late record of a former owner would replace a valid one.
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        # What was acknowledged must not vanish with a leader.
        "unclean.leader.election.enable": "false",
        "segment.bytes": str(LEDGER_SEGMENT_BYTES),
    }
    events = {"cleanup.policy": "delete", "retention.ms": retention}
    promises = {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)}
    dead_letters = {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}
    large, small = ({_LARGEST: number} for number in (DEAD_LETTER_BYTES, LEDGER_BATCH_BYTES))
    return [
        TopicPlan(settings.events_topic, number, events),
        TopicPlan(settings.promises_topic, number, promises, small),
        TopicPlan(settings.dead_letters_topic, number, dead_letters, large),
        TopicPlan(settings.ledger_topic, number, forever, small),
    ]


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names; existing ones stay as they are.

    May run in several processes at the same time: each topic is made by one of them.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: the broker refuses.
    """
    with _admin(settings) as admin:
        found = reach(settings, settings.broker)
        new = [plan for plan in plan_topics(settings) if found[plan.name].missing]
        return [plan.name for plan in new if _create(admin, _new_topic(plan, settings))]


def _create(admin: Any, topic: Any) -> bool:
    """Create one topic; False: somebody else was faster."""
    try:
        admin.create_topics([topic], wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return False
    return True


def check_topics(settings: Settings) -> list[str]:
    """Compare the topics with what they should be; return advice, one line each.

    Raises:
        TopicsDifferError: with one line a difference, and what to do.
        UnreachableError: no broker answers.
    """
    plans, states = plan_topics(settings), describe_topics(settings)
    lines = [
        line
        for plan in plans
        for line in _differences(plan, states[plan.name].found, states[plan.name].config)
    ]
    lines += _uneven(states[settings.events_topic].found, states[settings.ledger_topic].found)
    if lines:
        raise TopicsDifferError("\n".join(lines))
    own = [states[plan.name] for plan in plans]
    insync = [int(state.config["min.insync.replicas"]) for state in own]
    return [
        line
        for state, least in zip(own, insync, strict=True)
        for line in replication_advice(state.found, least)
    ]


def describe_topics(settings: Settings) -> dict[str, TopicState]:
    """Return how every topic of `settings` is; the settings of raw ones are their vendors'.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: the broker refuses.
    """
    with _admin(settings) as admin:
        found = reach(settings, settings.broker)
        seen = [name for name in found if not (found[name].missing or found[name].hidden)]
        configs = _configs(admin, [name for name in seen if name not in settings.raw_topics])
    return {name: TopicState(found[name], configs.get(name, {})) for name in found}


def replication_advice(topic: TopicFound, insync: int) -> Iterator[str]:
    """Say what a lost broker would do to `topic`, if that can be bettered."""
    replicas, name = topic.replicas, topic.name
    if replicas < min(3, topic.brokers):
        yield (
            f"{name} has {replicas} replica{'s' * (replicas != 1)} on {topic.brokers} brokers: "
            "losing one may lose it; kafka-reassign-partitions.sh makes it 3"
        )
    elif replicas > 1 and insync >= replicas:
        yield (
            f"{name}: min.insync.replicas is {insync} of {replicas} replicas: one broker that is "
            f"away stops the workers; set it to {replicas - 1}"
        )
    elif replicas > 2 and insync < 2:
        yield (
            f"{name}: min.insync.replicas is 1: what one broker alone acknowledged is lost with "
            "it; set it to 2"
        )


def group_lag(settings: Settings) -> dict[int, int]:
    """Return, for each partition of the events topic, how many records its group is behind.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: the topic does not exist.
    """
    topic = settings.events_topic
    with translated(settings):
        consumer = KafkaConsumer(
            **kafka_python_options(settings),
            group_id=settings.group,
            enable_auto_commit=False,
            bootstrap_timeout_ms=_PATIENCE["bootstrap_timeout_ms"],
        )
        try:
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                raise EdgeError(f"the topic {topic} does not exist: callsla topics create")
            tps = [TopicPartition(topic, number) for number in sorted(numbers)]
            ends, starts = consumer.end_offsets(tps), consumer.beginning_offsets(tps)
            done = {tp: consumer.committed(tp) for tp in tps}
            return {tp.partition: ends[tp] - (done[tp] or starts[tp]) for tp in tps}
        finally:
            consumer.close()


def _new_topic(plan: TopicPlan, settings: Settings) -> Any:
    return NewTopic(
        plan.name,
        num_partitions=plan.partitions,
        replication_factor=settings.replication,
        topic_configs={**plan.config, **{key: str(n) for key, n in plan.at_least.items()}},
    )


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in values.items()}
        for name, values in found.items()
    }


def _differences(plan: TopicPlan, found: TopicFound, config: Mapping[str, str]) -> Iterator[str]:
    if found.missing:
        yield f"{plan.name} is missing: callsla topics create"
    elif found.hidden:
        yield f"{plan.name} cannot be seen: have DESCRIBE and DESCRIBE_CONFIGS on it granted"
    elif not config:
        yield f"the settings of {plan.name} cannot be seen: have DESCRIBE_CONFIGS on it granted"
    else:
        for name, wanted in plan.config.items():
            if config.get(name) != wanted:
                yield _difference(plan.name, name, config.get(name), wanted)
        for name, least in plan.at_least.items():
            if int(config.get(name, 0)) < least:
                yield _difference(plan.name, name, config.get(name), str(least))


def _difference(topic: str, name: str, found: str | None, wanted: str) -> str:
    return (
        f"{topic}: {name} is {found}, should be {wanted}: "
        f"kafka-configs.sh --alter --topic {topic} --add-config {name}={wanted}"
    )


def _uneven(events: TopicFound, ledger: TopicFound) -> Iterator[str]:
    """The ledger's partitions belong to those of the events, so their number is the same."""
    if events.partitions and ledger.partitions and events.partitions != ledger.partitions:
        yield (
            f"{ledger.name} has {ledger.partitions} partitions and {events.name} "
            f"{events.partitions}: the numbers have to be equal; make the smaller one larger"
        )


@contextmanager
def _admin(settings: Settings) -> Iterator[Any]:
    if settings.embedded:
        raise EdgeError("the embedded broker makes its topics itself: set `broker` to a real one")
    with translated(settings):
        admin = KafkaAdminClient(**kafka_python_options(settings), **_PATIENCE)
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def translated(settings: Settings) -> Iterator[None]:
    """Say what kafka-python's errors mean; first see that the broker answers and lets us in."""
    reach(settings, settings.broker)
    try:
        yield
    except (KafkaConnectionError, KafkaTimeoutError):
        raise unreachable(settings.broker) from None
    except (
        TopicAuthorizationFailedError,
        GroupAuthorizationFailedError,
        ClusterAuthorizationFailedError,
    ) as error:
        what = type(error).__name__.removesuffix("AuthorizationFailedError").lower()
        raise EdgeError(
            f"{settings.broker} does not allow this on a {what}: have it granted "
            "(kafka-acls.sh --add)"
        ) from None
    except KafkaError as error:
        reason = str(error) or type(error).__name__
        raise EdgeError(f"the broker at {settings.broker} refuses: {reason}") from None
