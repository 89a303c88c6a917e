"""What an authorizer does not allow: named before the start, told when it is taken away."""

import asyncio
import time
from collections.abc import Callable

import msgspec
import pytest
from secured_kafka import PASSWORDS, SecuredKafka
from secured_settings import grant, offers, scram, told_by, told_by_worker
from workers import running_worker, until

from streams.kafka.errors import EdgeError
from streams.kafka.permissions import worker_needs
from streams.kafka.probe import require_topics
from streams.kafka.produce import produce
from streams.kafka.topics import check_topics
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]


def test_everything_that_is_not_allowed_is_named_at_once(
    secured: SecuredKafka, secured_settings: Make
) -> None:
    """A worker says all it lacks before it starts; granting all of it is enough."""
    settings = secured_settings(
        "SCRAM", **scram(secured, sasl_username="guest", sasl_password=PASSWORDS["guest"])
    )
    s = settings
    barred = [f"READ on topic {s.events_topic}", f"WRITE on topic {s.promises_topic}"]
    barred += [f"WRITE on topic {s.dead_letters_topic}"]
    barred += [f"{each} on topic {s.ledger_topic}" for each in ("READ", "WRITE", "DELETE")]
    barred += [f"READ on group {s.group}"]
    assert told_by_worker(settings) == (
        f"{s.broker} does not allow the user 'guest': {'; '.join(barred)}: "
        "have it granted (kafka-acls.sh --add)"
    )
    grant(secured, settings, "guest")
    secured.forbid("guest", "topic", settings.ledger_topic, "DELETE")
    until(lambda: _bars(settings) == [f"DELETE on topic {s.ledger_topic}"], "one is left")
    secured.allow("guest", "topic", settings.ledger_topic, "DELETE")
    until(lambda: not _bars(settings), "nothing is left")
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(0)


def _bars(settings: Settings) -> list[str]:
    """Return what the broker bars a worker from."""
    needs = worker_needs(settings)
    try:
        asyncio.run(require_topics(settings, settings.broker, needs, settings.group))
    except EdgeError as error:
        return str(error).partition("': ")[2].rpartition(": have")[0].split("; ")
    return []


def test_who_may_not_write_or_ask_is_told(secured: SecuredKafka, secured_settings: Make) -> None:
    """The producer and the administration name what is to be granted."""
    settings = secured_settings("SCRAM", **scram(secured))
    barred = f"does not allow the user 'worker': WRITE on topic {settings.events_topic}: have it"
    assert barred in told_by(lambda: produce(settings, settings.broker, offers(0, 1)))
    secured.allow("worker", "topic", settings.events_topic, "READ")
    until(lambda: not _bars_only_read(settings), "it may read")
    assert barred in told_by(lambda: produce(settings, settings.broker, offers(0, 1)))
    assert told_by(lambda: check_topics(settings)).splitlines() == [
        f"the settings of {settings.events_topic} cannot be seen: "
        "have DESCRIBE_CONFIGS on it granted",
        *(
            f"{topic} cannot be seen: have DESCRIBE and DESCRIBE_CONFIGS on it granted"
            for topic in settings.topics[1:]
        ),
    ]


def _bars_only_read(settings: Settings) -> bool:
    return any(each == f"READ on topic {settings.events_topic}" for each in _bars(settings))


@pytest.mark.parametrize(
    ("kind", "name", "operation"),
    [
        ("topic", "events_topic", "READ"),
        ("topic", "promises_topic", "WRITE"),
        ("group", "group", "READ"),
    ],
)
def test_a_permission_that_is_taken_away_stops_the_worker(
    secured: SecuredKafka, secured_settings: Make, kind: str, name: str, operation: str
) -> None:
    """It does not go on as if nothing came; the line says what is missing."""
    settings = secured_settings("SCRAM", **scram(secured))
    grant(secured, settings)
    secured.allow("worker", "topic", settings.events_topic, "WRITE")
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(0)
        secured.forbid("worker", kind, getattr(settings, name), operation)
        secured.allow("worker", "topic", settings.events_topic, "DESCRIBE")
        time.sleep(1)
        with_admin = msgspec.structs.replace(
            settings, sasl_username="admin", sasl_password=PASSWORDS["admin"]
        )
        produce(with_admin, settings.broker, offers(0, 50))
        worker.join(30)
        assert isinstance(worker.error, EdgeError), worker.error
        assert "AuthorizationFailed" in str(worker.error)
        assert "granted" in str(worker.error)
        assert "\n" not in str(worker.error)


def test_asking_makes_no_topic(secured: SecuredKafka, secured_settings: Make) -> None:
    """Not even on a broker that makes whatever is asked for; all three clients tell the lack."""
    there = secured_settings("PLAIN")
    names = ("events", "promises", "dead_letters", "ledger")
    gone = {f"{name}_topic": f"gone.{name}" for name in names}
    settings = msgspec.structs.replace(there, **gone)
    for _ in range(2):
        missing = ", ".join(gone.values())
        assert told_by_worker(settings) == (
            f"the topic {missing} does not exist at {settings.broker}: callsla topics create"
        )
        assert told_by(lambda: check_topics(settings)).splitlines() == [
            f"{name} is missing: callsla topics create" for name in gone.values()
        ]
        assert told_by(lambda: produce(settings, settings.broker, offers(0, 1))) == (
            "the topic gone.events does not exist: callsla topics create"
        )


def test_a_worker_needs_as_many_partitions_for_its_ledger_as_for_events(
    secured_settings: Make,
) -> None:
    """Otherwise a partition of the events would have no log; said before anything is read."""
    two, four = secured_settings("PLAIN"), secured_settings("PLAIN", partitions=4)
    settings = msgspec.structs.replace(two, ledger_topic=four.ledger_topic)
    assert told_by_worker(settings) == (
        f"{four.ledger_topic} has 4 partitions and {two.events_topic} 2: "
        "the numbers have to be equal; callsla topics check"
    )
