"""Dead letters on Apache Kafka: written whole, or the worker ends and says why."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from dead_letter_feed import headers, letter, write
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka_server import KafkaServer, kafka_server
from records import Raw
from topic_reader import read_all
from workers import running_worker, until

from streams.kafka import dead_letter_writer
from streams.kafka.dead_letters import HEADER_PREFIX, VALUE_OMITTED, DeadLetter
from streams.kafka.errors import OutputError, UnreachableError
from streams.kafka.topics import create_topics
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]


def admin(settings: Settings) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=settings.broker)


def alter(settings: Settings, **configs: str) -> None:
    """Change settings of the dead letters' topic, dots written as underscores."""
    values = {name.replace("_", "."): value for name, value in configs.items()}
    client = admin(settings)
    client.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, settings.dead_letters_topic, configs=values)]
    )
    client.close()


def delete(settings: Settings) -> None:
    """Delete the topic of the dead letters; returns when the broker has forgotten it."""
    client = admin(settings)
    client.delete_topics([settings.dead_letters_topic])
    until(lambda: settings.dead_letters_topic not in client.list_topics(), "the topic is gone")
    client.close()
    # What the controller has deleted, the broker takes from its disk a moment later.
    time.sleep(1)


def one_after_another(record: Raw) -> Iterator[list[DeadLetter]]:
    """The broker takes a moment to do what it was told."""
    for _ in range(100):
        yield [letter(record)]
        time.sleep(0.1)


def test_a_record_of_nothing_is_a_dead_letter_like_any_other(fresh_settings: Make) -> None:
    """A key, a value or a header's value that is null stays null, and stops no worker."""
    settings = fresh_settings()
    own = [("trace", None), ("empty", b"")]
    bare = Raw(7, None, 1000, None, own)  # type: ignore[arg-type]  # Kafka has null there
    write(settings, [[letter(bare), letter(Raw(8, None, 1000, b"k")), letter(Raw(9, b""))]])
    found = read_all(settings.broker, settings.dead_letters_topic)
    assert [(each.key(), each.value()) for each in found if each.key()] == [(b"k", None)]
    (first,) = [each for each in found if headers(each)[0][0] == "trace"]
    assert (first.key(), first.value(), headers(first)[:2]) == (None, None, own)
    assert len(found) == 3


def test_what_is_wrong_and_where_it_was_is_in_the_headers(fresh_settings: Make) -> None:
    """Each of ours is there once, after the record's own."""
    settings = fresh_settings()
    write(settings, [[letter(Raw(41, b"{", 1234, b"k", [("a", b"b")]), partition=3)]])
    (found,) = read_all(settings.broker, settings.dead_letters_topic)
    assert (found.partition(), found.key(), found.value()) == (3, b"k", b"{")
    own, *ours = headers(found)
    assert own == ("a", b"b")
    told = {name.removeprefix(HEADER_PREFIX): (value or b"").decode() for name, value in ours}
    version = told.pop("version")
    assert version
    assert told == {
        "reason": "malformed", "stage": "decode", "message": "not JSON", "topic": "events",
        "partition": "3", "offset": "41", "timestamp": "1234", "attempt": "1",
        "app": settings.group,
    }  # fmt: skip


def test_an_outage_longer_than_any_time_out_costs_no_value(
    kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letters wait for the broker and are whole when it is back."""
    monkeypatch.setattr(dead_letter_writer, "REQUEST_TIMEOUT_MS", 1000)
    with kafka_server(tmp_path) as server:
        settings = Settings(broker=server.bootstrap, partitions=1)
        create_topics(settings)

        def rounds() -> Iterable[list[DeadLetter]]:
            yield [letter(Raw(0, b"before"))]
            server.kill()
            threading.Timer(6, server.start).start()
            yield [letter(Raw(1, b"during")), letter(Raw(2, None, 0, b"k"))]

        write(settings, rounds())
        found = read_all(settings.broker, settings.dead_letters_topic)
    # At least once: the client cannot know whether the broker took what it did not acknowledge.
    assert {each.value() for each in found} == {b"before", b"during", None}
    assert not any(name == VALUE_OMITTED for each in found for name, _ in headers(each))


def test_a_topic_that_was_deleted_ends_the_writing_with_one_clear_line(
    fresh_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within seconds, and not before the broker itself says that it is gone."""
    monkeypatch.setattr(dead_letter_writer, "REQUEST_TIMEOUT_MS", 2000)
    settings = fresh_settings()

    def rounds() -> Iterable[list[DeadLetter]]:
        yield [letter(Raw(0, b"before"))]
        delete(settings)
        yield [letter(Raw(1, b"after")), letter(Raw(2, b"after"), partition=1)]
        yield from one_after_another(Raw(3, b"after"))

    began = time.monotonic()
    with pytest.raises(OutputError) as caught:
        write(settings, rounds())
    assert time.monotonic() - began < 20
    expected = f"the topic {settings.dead_letters_topic} does not exist any more: the worker stops"
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_a_topic_too_small_for_any_letter_ends_the_writing(fresh_settings: Make) -> None:
    """Without its value it is still too large: nothing can be kept there."""
    settings = fresh_settings()
    alter(settings, max_message_bytes="100")
    with pytest.raises(OutputError, match=r"max\.message\.bytes is too small for any dead letter"):
        write(settings, one_after_another(Raw(0, b"x" * 500)))


def test_a_topic_that_refuses_records_ends_the_writing(fresh_settings: Make) -> None:
    """A compacted topic takes no record without a key: waiting would never end."""
    settings = fresh_settings()
    alter(settings, cleanup_policy="compact")

    with pytest.raises(OutputError) as caught:
        write(settings, one_after_another(Raw(0, b"x")))
    assert str(caught.value).startswith(f"cannot write to {settings.dead_letters_topic} (")


def test_nobody_there_is_told_as_such() -> None:
    """Exit code 4, as for every part that cannot be reached."""
    with pytest.raises(UnreachableError, match=r"^no broker answers at 127\.0\.0\.1:1: start it"):
        write(Settings(broker="127.0.0.1:1"), [])


def test_a_worker_whose_dead_letters_topic_is_gone_stops_and_loses_none(
    fresh_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why; the worker after it writes what could not be written."""
    monkeypatch.setattr(dead_letter_writer, "REQUEST_TIMEOUT_MS", 2000)
    settings = fresh_settings()
    producer = Producer({"bootstrap.servers": settings.broker})
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(0)
        delete(settings)
        producer.produce(settings.events_topic, b"{", b"k", 2)
        producer.flush(10)
        worker.join(40)
        assert isinstance(worker.error, OutputError), worker.error
        assert f"the topic {settings.dead_letters_topic} does not exist any more" in str(
            worker.error
        )
    assert create_topics(settings) == [settings.dead_letters_topic]
    with running_worker(settings, settings.broker) as again:
        again.wait_for(1)
    (found,) = read_all(settings.broker, settings.dead_letters_topic)
    assert (found.key(), found.value(), found.partition()) == (b"k", b"{", 2)
    assert dict(headers(found))[f"{HEADER_PREFIX}offset"] == b"0"
