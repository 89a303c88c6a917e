"""Topics on a real broker: made, compared, and how far a group lags."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka_server import KafkaServer
from workers import until

from streams.events import CallOffered
from streams.kafka.errors import EdgeError, TopicsDifferError, UnreachableError
from streams.kafka.produce import produce
from streams.kafka.topics import check_topics, create_topics, group_lag
from streams.settings import Settings

pytestmark = pytest.mark.integration

AT = 1_772_445_600_000_000
Make = Callable[..., Settings]


def differences(settings: Settings) -> list[str]:
    try:
        check_topics(settings)
    except TopicsDifferError as error:
        return str(error).splitlines()
    return []


def test_missing_topics_are_named_and_created_once(fresh_settings: Make) -> None:
    """`check` names them, `create` makes them as they should be, and makes none twice."""
    settings = fresh_settings(create=False)
    with pytest.raises(TopicsDifferError) as caught:
        check_topics(settings)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{settings.events_topic} is missing: callsla topics create"
    assert len(lines) == 4
    assert create_topics(settings) == list(settings.topics)
    assert check_topics(settings) == []
    assert create_topics(settings) == []


def test_workers_that_start_together_make_each_topic_once(fresh_settings: Make) -> None:
    """Each of them goes on, whoever was faster."""
    settings = fresh_settings(create=False)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: create_topics(settings), range(4)))
    assert sorted(name for names in made for name in names) == sorted(settings.topics)
    assert check_topics(settings) == []


def test_creating_waits_for_a_broker_that_is_not_there_yet(
    kafka: KafkaServer, tmp_path: Path
) -> None:
    """With --wait; without, it says so and ends with 4."""
    later = KafkaServer(tmp_path)
    environment = {**os.environ, "CALLSLA_BROKER": later.bootstrap}
    command = [sys.executable, "-c", "from streams.cli import main; main()", "topics", "create"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    said = tmp_path / "said"
    with said.open("w") as out:
        waiting = subprocess.Popen([*command, "--wait"], env=environment, stdout=out, stderr=out)
    try:
        until(lambda: "(waiting for it)" in said.read_text(), "it waits", 30)
        later.start()
        assert waiting.wait(60) == 0, said.read_text()
    finally:
        waiting.kill()
        waiting.wait()
        later.stop()
    topics = Settings().topics
    assert said.read_text().split()[-len(topics) :] == list(topics)


def test_a_topic_with_another_retention_is_told_with_the_command_that_mends_it(
    fresh_settings: Make,
) -> None:
    """The ledger's topic must keep everything."""
    settings = fresh_settings()
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    resource = ConfigResource(
        ConfigResourceType.TOPIC, settings.ledger_topic, configs={"retention.ms": "1000"}
    )
    admin.alter_configs([resource])
    admin.close()
    # The broker takes a moment to show what it was told.
    until(lambda: bool(differences(settings)), "the other retention", 10)
    told = differences(settings)
    assert len(told) == 1
    assert told[0].startswith(f"{settings.ledger_topic}: retention.ms is 1000, should be -1: ")
    assert told[0].endswith("--add-config retention.ms=-1")


def test_the_ledger_keeps_small_segments_and_takes_whole_batches(fresh_settings: Make) -> None:
    """Trimming frees whole segments; a batch of the log is up to 1 MiB; more is no difference."""
    settings = fresh_settings()
    ledger, dead = settings.ledger_topic, settings.dead_letters_topic
    configure(settings, dead, {"max.message.bytes": "9000000"})
    configure(settings, ledger, {"segment.bytes": "1073741824", "max.message.bytes": "500000"})
    until(lambda: len(differences(settings)) > 1, "the other settings", 10)
    assert [line.partition(": kafka-configs")[0] for line in differences(settings)] == [
        f"{ledger}: segment.bytes is 1073741824, should be 67108864",
        f"{ledger}: max.message.bytes is 500000, should be 1048588",
    ]


def configure(settings: Settings, topic: str, config: dict[str, str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])
    finally:
        admin.close()


def test_events_and_ledger_need_the_same_number_of_partitions(fresh_settings: Make) -> None:
    """Each partition of the ledger belongs to one of the events."""
    settings = fresh_settings()
    other = fresh_settings(partitions=2)
    mixed = msgspec.structs.replace(settings, ledger_topic=other.ledger_topic)
    with pytest.raises(TopicsDifferError, match=r"has 2 partitions and .* 4: the numbers have to"):
        check_topics(mixed)


def test_lag_is_what_the_group_has_not_committed(fresh_settings: Make) -> None:
    """A group that never read is behind by everything."""
    settings = fresh_settings()
    rows = [(f"k{n}", CallOffered(id=f"{n}", at=AT, call_id=f"c{n}")) for n in range(50)]
    assert produce(settings, settings.broker, rows) == 50
    assert sum(group_lag(settings).values()) == 50
    assert list(group_lag(settings)) == [0, 1, 2, 3]


def test_source_events_reach_every_partition(fresh_settings: Make) -> None:
    """An event without a key is written once for each partition."""
    settings = fresh_settings()
    row = (None, CallOffered(id="1", at=AT, call_id="c"))
    assert produce(settings, settings.broker, [row]) == 4
    assert group_lag(settings) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_what_cannot_be_reached_or_does_not_exist_is_told(fresh_settings: Make) -> None:
    """One line each, with what to do."""
    missing = fresh_settings(create=False)
    with pytest.raises(EdgeError, match=r"does not exist: callsla topics create"):
        group_lag(missing)
    with pytest.raises(EdgeError, match=r"does not exist: callsla topics create"):
        produce(missing, missing.broker, [])
    nobody = msgspec.structs.replace(missing, broker="127.0.0.1:1")
    with pytest.raises(UnreachableError, match=r"^no broker answers at 127.0.0.1:1: start it"):
        check_topics(nobody)
    with pytest.raises(UnreachableError, match=r"^no broker answers at 127.0.0.1:1: start it"):
        produce(nobody, nobody.broker, [])
