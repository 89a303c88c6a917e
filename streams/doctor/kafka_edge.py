"""What is asked of Kafka: every question of the doctor reads only."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from aiokafka.errors import KafkaError
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from msgspec import Struct

from streams.instants import MILLISECOND
from streams.kafka.batch import Batch
from streams.kafka.errors import EdgeError, UnreachableError
from streams.kafka.permissions import READ, TopicsRequest, worker_needs
from streams.kafka.probe import ask, reach
from streams.kafka.refusals import connect, explain
from streams.kafka.security import kafka_python_options
from streams.kafka.topics import group_lag, translated
from streams.settings import Settings

__all__ = [
    "COMMITS",
    "Arrival",
    "GroupState",
    "Refusal",
    "arrivals",
    "barred_operations",
    "group_state",
    "may_read_commits",
    "read_tails",
    "refused_listeners",
    "refused_servers",
]

COMMITS: Final = "__consumer_offsets"
"""Where brokers note what groups commit, with their own time."""
MAX_TAIL: Final = 500
"""Records in all that a sample holds at most."""
READ_SECONDS: Final = 15.0
ASIDE_SECONDS: Final = 2.5
"""Longer than the second after which a worker commits what it has read."""
_POLL_MS: Final = 500
_PATIENCE: Final = {"bootstrap_timeout_ms": 10_000, "request_timeout_ms": 20_000}
_MAX_LISTENERS: Final = 50
_FAULTS: Final = (OSError, TimeoutError, KafkaError, ValueError)

Refusal = tuple[str, EdgeError]
"""An address and why it does not let us in."""


class GroupState(Struct, frozen=True):
    """A consumer group: its members, and how many records each partition is behind."""

    state: str
    members: int
    lag: Mapping[int, int]


class Arrival(Struct, frozen=True):
    """The first record that came while we watched; all in microseconds since 1970.

    Its writer's clock said `stamped`; it was written between `asked` and `arrived` of ours.
    """

    stamped: int
    asked: int
    arrived: int


def refused_servers(settings: Settings) -> list[Refusal]:
    """Ask every address of `broker`; return those that do not let us in."""
    refusals = []
    for server in settings.broker.split(","):
        try:
            reach(settings, server.strip())
        except EdgeError as error:
            refusals.append((server.strip(), error))
    return refusals


def refused_listeners(settings: Settings, server: str) -> tuple[list[str], list[Refusal]]:
    """Return the addresses that `server` sends its clients to, and those that let nobody in."""
    return asyncio.run(_refused_listeners(settings, server))


async def _refused_listeners(settings: Settings, server: str) -> tuple[list[str], list[Refusal]]:
    try:
        connection = await connect(settings, server)
        try:
            answer = await connection.send(TopicsRequest([]))
        finally:
            await connection.close()
    except _FAULTS as error:
        return [], [(server, await explain(settings, server, error))]
    told = [f"{host}:{port}" for _, host, port, _ in answer.brokers][:_MAX_LISTENERS]
    found = await asyncio.gather(*(_refusal(settings, each) for each in told))
    return told, [(each, error) for each, error in zip(told, found, strict=True) if error]


async def _refusal(settings: Settings, server: str) -> EdgeError | None:
    try:
        connection = await connect(settings, server)
    except _FAULTS as error:
        return await explain(settings, server, error)
    await connection.close()
    return None


def barred_operations(settings: Settings) -> list[str]:
    """Return what a worker with these settings needs and may not do, `READ on topic x`.

    Raises:
        EdgeError: nobody answers, or nobody lets us in.
    """
    needs = worker_needs(settings)
    return asyncio.run(ask(settings, settings.broker, needs, settings.group))[1]


def may_read_commits(settings: Settings) -> bool:
    """Return whether the brokers' own topic of commits is there and may be read."""
    found = asyncio.run(ask(settings, settings.broker, {COMMITS: (READ,)}))[0][COMMITS]
    return bool(found.partitions) and not found.lacks((READ,))


def group_state(settings: Settings) -> GroupState:
    """Return how the group of the workers is.

    Raises:
        EdgeError: the broker refuses, or the events topic does not exist.
    """
    with translated(settings):
        admin = KafkaAdminClient(**kafka_python_options(settings), **_PATIENCE)
        try:
            told = admin.describe_groups([settings.group])[settings.group]
        finally:
            admin.close()
    return GroupState(told["group_state"], len(told["members"]), group_lag(settings))


def read_tails(settings: Settings, topic: str) -> list[Batch]:
    """Return the newest records of every partition of `topic`, `MAX_TAIL` in all at most.

    Raises:
        EdgeError: the broker refuses, the topic does not exist, or nothing is handed out.
    """
    with _consumer(settings) as consumer:
        tps = _partitions(consumer, topic)
        starts, ends = consumer.beginning_offsets(tps), consumer.end_offsets(tps)
        each = max(1, MAX_TAIL // len(tps))
        firsts = {tp: max(starts[tp], ends[tp] - each) for tp in tps}
        records = _read(consumer, firsts, ends)
    return [Batch(topic, tp.partition, records[tp], ends[tp]) for tp in tps]


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise EdgeError(f"the topic {topic} does not exist: callsla topics create")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _read(
    consumer: Any, firsts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, list[Any]]:
    records: dict[TopicPartition, list[Any]] = {tp: [] for tp in firsts}
    missing = {tp for tp, first in firsts.items() if first < ends[tp]}
    consumer.assign(list(missing))
    for tp in missing:
        consumer.seek(tp, firsts[tp])
    deadline = time.monotonic() + READ_SECONDS
    while missing:
        for tp, found in consumer.poll(_POLL_MS).items():
            records[tp] += [each for each in found if each.offset < ends[tp]]
        missing = {tp for tp in missing if consumer.position(tp) < ends[tp]}
        if missing and time.monotonic() > deadline:
            name = min(missing).topic
            raise UnreachableError(
                f"the broker does not hand out {name} within {READ_SECONDS:g} s: see its log"
            )
    return records


def arrivals(
    settings: Settings, topic: str, seconds: float, *, also: str | None = None
) -> tuple[dict[int, Arrival | None], dict[int, Arrival | None]]:
    """Watch `topic` for `seconds`; return the first new record of each partition, if any came.

    Those of the topic `also` come second; it is not waited for beyond `ASIDE_SECONDS`.

    Raises:
        EdgeError: the broker refuses, or a topic does not exist.
    """
    with _consumer(settings) as consumer:
        first = _partitions(consumer, topic)
        second = [] if also is None else _partitions(consumer, also)
        found: dict[TopicPartition, Arrival | None] = dict.fromkeys([*first, *second])
        consumer.assign(list(found))
        asked, began = time.time_ns() // 1000, time.monotonic()
        for tp, end in consumer.end_offsets(list(found)).items():
            consumer.seek(tp, end)
        while _is_worth_waiting(found, first, time.monotonic() - began, seconds):
            for tp, stamped, arrived in _stamps(consumer):
                found[tp] = found[tp] or Arrival(stamped, asked, arrived)
    return _by_number(found, first), _by_number(found, second)


def _by_number(
    found: Mapping[TopicPartition, Arrival | None], tps: Iterable[TopicPartition]
) -> dict[int, Arrival | None]:
    return {tp.partition: found[tp] for tp in tps}


def _is_worth_waiting(
    found: Mapping[TopicPartition, Arrival | None],
    first: Iterable[TopicPartition],
    waited: float,
    seconds: float,
) -> bool:
    if waited < min(seconds, ASIDE_SECONDS):
        return not all(found.values())
    return waited < seconds and not all(found[tp] for tp in first)


def _stamps(consumer: Any) -> Iterator[tuple[TopicPartition, int, int]]:
    records = consumer.poll(100)
    arrived = time.time_ns() // 1000
    for tp, found in records.items():
        if found:
            yield tp, found[0].timestamp * MILLISECOND, arrived


@contextmanager
def _consumer(settings: Settings) -> Iterator[Any]:
    with translated(settings):
        consumer = KafkaConsumer(
            **kafka_python_options(settings),
            client_id=f"{settings.group}-doctor",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=_PATIENCE["bootstrap_timeout_ms"],
        )
        try:
            yield consumer
        finally:
            with suppress(Exception):
                consumer.close()
