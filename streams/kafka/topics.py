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
    TopicAuthorizationFailedError,
)
from msgspec import Struct

from streams.kafka.errors import EdgeError, TopicsDifferError, unreachable
from streams.kafka.probe import reach
from streams.kafka.security import kafka_python_options
from streams.settings import Settings

__all__ = [
    "TopicPlan",
    "check_topics",
    "create_topics",
    "group_lag",
    "plan_topics",
    "translated",
]

_PATIENCE: Final = {"bootstrap_timeout_ms": 10_000, "request_timeout_ms": 20_000}
DEAD_LETTER_BYTES: Final = 4 * 1_048_576
"""A dead letter is as large as the record it holds, and its headers."""
_DAY_MS: Final = 86_400_000


class TopicPlan(Struct, frozen=True):
    """How one topic should be; `config` are the settings that are not the broker's defaults."""

    name: str
    partitions: int
    config: Mapping[str, str]


def plan_topics(settings: Settings) -> list[TopicPlan]:
    """Return every topic that `settings` name, raw ones excepted: those belong to the vendors."""
    number = settings.partitions
    retention = str(settings.retention_hours * 3_600_000)
    forever = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    events = {"cleanup.policy": "delete", "retention.ms": retention}
    promises = {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)}
    dead_letters = {
        "cleanup.policy": "delete",
        "retention.ms": str(30 * _DAY_MS),
        "max.message.bytes": str(DEAD_LETTER_BYTES),
    }
    return [
        TopicPlan(settings.events_topic, number, events),
        TopicPlan(settings.promises_topic, number, promises),
        TopicPlan(settings.dead_letters_topic, number, dead_letters),
        # Never compacted: a late record of a former owner would replace a valid one.
        TopicPlan(settings.ledger_topic, number, forever),
    ]


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names; existing ones stay as they are.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: the broker refuses.
    """
    with _admin(settings) as admin:
        existing = set(_described(admin, plan_topics(settings)))
        new = [plan for plan in plan_topics(settings) if plan.name not in existing]
        if new:
            admin.create_topics(
                [_new_topic(plan, settings) for plan in new], wait_for_metadata=True
            )
        return [plan.name for plan in new]


def check_topics(settings: Settings) -> None:
    """Compare the topics with what they should be.

    Raises:
        TopicsDifferError: with one line a difference, and what to do.
        UnreachableError: no broker answers.
    """
    plans = plan_topics(settings)
    with _admin(settings) as admin:
        described = _described(admin, plans)
        configs = _configs(admin, [plan.name for plan in plans if plan.name in described])
    lines = [line for plan in plans for line in _differences(plan, described, configs)]
    lines += _uneven(plans, described)
    if lines:
        raise TopicsDifferError("\n".join(lines))


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
        topic_configs=dict(plan.config),
    )


def _described(admin: Any, plans: list[TopicPlan]) -> dict[str, int]:
    """Return the number of partitions of each topic that exists."""
    return {
        topic["name"]: len(topic["partitions"])
        for topic in admin.describe_topics([plan.name for plan in plans])
        if not topic["error_code"]
    }


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in values.items()}
        for name, values in found.items()
    }


def _differences(
    plan: TopicPlan, described: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    if plan.name not in described:
        yield f"{plan.name} is missing: callsla topics create"
        return
    for name, wanted in plan.config.items():
        found = configs[plan.name].get(name)
        if found != wanted:
            yield (
                f"{plan.name}: {name} is {found}, should be {wanted}: "
                f"kafka-configs.sh --alter --topic {plan.name} --add-config {name}={wanted}"
            )


def _uneven(plans: list[TopicPlan], described: Mapping[str, int]) -> Iterator[str]:
    """The ledger's partitions belong to those of the events, so their number is the same."""
    events, ledger = plans[0].name, plans[3].name
    if events in described and ledger in described and described[events] != described[ledger]:
        yield (
            f"{ledger} has {described[ledger]} partitions and {events} {described[events]}: "
            "the numbers have to be equal; make the smaller one larger"
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
