"""The worker on Apache Kafka: totals, outputs, commits, stops, crashes, several workers."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer
from edge_facts import now, produced, promise_ids, promise_states, stated
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka_server import KafkaServer, kafka_server
from topic_reader import committed, headers_of, read_all
from truths import plain_truths, truths
from worker_processes import sums, worker_process
from workers import running_worker, until

from streams.events import CallAnswered, CallOffered, encode
from streams.instants import SECOND
from streams.kafka.dead_letters import HEADER_PREFIX
from streams.kafka.errors import OutputError
from streams.kafka.produce import EventProducer
from streams.kafka.topics import create_topics, group_lag
from streams.settings import Settings
from streams.simulate import Centre, small_centre

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]
EVENTS = list(Centre(small_centre(), seed=21).events(1500))


def test_totals_promises_and_commits_on_four_partitions(fresh_settings: Make) -> None:
    """Everything counts once; the promises say the same; the group is not behind at the end."""
    settings = fresh_settings()
    written = produced(settings, EVENTS)
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(written)
        found = truths(worker.totals())
    expected = plain_truths(EVENTS, now())
    assert found == expected
    assert (
        sum(committed(settings.broker, settings.group, settings.events_topic).values()) == written
    )
    assert set(group_lag(settings).values()) == {0}
    assert promise_states(settings) == stated(expected)


def test_records_of_a_megabyte_and_of_no_sense_are_dead_letters(fresh_settings: Make) -> None:
    """None is lost, none stops the worker, and the neighbours count."""
    settings = fresh_settings()
    good = [encode(CallOffered(id=f"o{n}", at=now(), call_id=f"c{n}")) for n in range(2)]
    bad = [b"", b"{", b"\xff\xfe", b'{"kind":"call.flown"}', b'{"x":"' + b"y" * 1_000_000 + b'"}']
    producer = Producer({"bootstrap.servers": settings.broker, "message.max.bytes": 2_000_000})
    for value in (good[0], *bad, good[1]):
        producer.produce(settings.events_topic, value, b"k", partition=1)
    producer.flush(10)
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(7)
        shown = worker.worker.state.partitions[1].exported
        assert shown.fates["applied"] == 2
        assert sum(shown.dead_letters.values()) == 5
    letters = {
        dict(headers_of(each))[f"{HEADER_PREFIX}offset"]: each
        for each in read_all(settings.broker, settings.dead_letters_topic)
    }
    in_order = [letters[str(offset)] for offset in range(1, 6)]
    assert [letter.value() or b"" for letter in in_order] == bad
    reasons = [dict(headers_of(letter))[f"{HEADER_PREFIX}reason"] for letter in in_order]
    assert reasons == ["malformed", "malformed", "malformed", "unknown_kind", "too_long"]


def alter(settings: Settings, topic: str, **configs: str) -> None:
    """Change settings of a topic, dots written as underscores."""
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    values = {name.replace("_", "."): value for name, value in configs.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=values)])
    admin.close()


def test_a_dead_letter_too_large_for_its_topic_goes_without_its_value(
    fresh_settings: Make,
) -> None:
    """It still says where the record is; its neighbours in the same request are whole."""
    settings = fresh_settings()
    alter(settings, settings.dead_letters_topic, max_message_bytes="50000")
    producer = Producer({"bootstrap.servers": settings.broker})
    for value in (b"{", b"x" * 100_000, b"["):
        producer.produce(settings.events_topic, value, partition=0)
    producer.flush(10)
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(3)
    letters = read_all(settings.broker, settings.dead_letters_topic)
    found = {dict(headers_of(each))[f"{HEADER_PREFIX}offset"]: each for each in letters}
    assert (found["0"].value(), found["2"].value()) == (b"{", b"[")
    assert not found["1"].value()
    assert (f"{HEADER_PREFIX}value_omitted", "true") in headers_of(found["1"])


def test_a_promises_topic_that_refuses_stops_the_worker_and_none_is_lost(
    fresh_settings: Make,
) -> None:
    """It says why; once the topic accepts again, the next worker writes whatever is missing."""
    settings = fresh_settings()
    alter(settings, settings.promises_topic, max_message_bytes="10")
    written = produced(settings, EVENTS)
    with running_worker(settings, settings.broker) as worker:
        worker.join(30)
        assert isinstance(worker.error, OutputError)
        assert f"cannot write to {settings.promises_topic}" in str(worker.error)
    assert not promise_ids(settings)
    alter(settings, settings.promises_topic, max_message_bytes="1000000")
    with running_worker(settings, settings.broker) as again:
        again.wait_for(written)
        expected = plain_truths(EVENTS, now())
        # Nobody had the partitions for long, so the clock is held back for a while.
        until(lambda: truths(again.totals()) == expected, "everything is decided", 30)
    # Each at least once: of a tick whose owner changes at that moment twice.
    assert promise_states(settings) == stated(expected)


def test_sigterm_ends_a_process_within_two_seconds_with_everything_committed(
    fresh_settings: Make, tmp_path: Path
) -> None:
    """Exit code 0, the group not behind, the totals on `/metrics` right before."""
    settings = fresh_settings()
    written = produced(settings, EVENTS)
    expected = plain_truths(EVENTS, now())
    with worker_process(settings, tmp_path) as worker:
        until(worker.ready, "ready", 30)
        offered = sum(n for (_, verdict, _), n in expected.items() if verdict == "offered")
        until(lambda: sums([worker], "callcenter_calls_offered_total") == offered, "all offered")
        began = time.monotonic()
        assert worker.terminate(10) == 0, worker.log.read_text()
        assert time.monotonic() - began < 2
    assert (
        sum(committed(settings.broker, settings.group, settings.events_topic).values()) == written
    )


def test_two_workers_share_the_partitions_and_one_takes_over(
    fresh_settings: Make, tmp_path: Path
) -> None:
    """Join and leave: at any rest the sum over the workers is everything, counted once."""
    settings = fresh_settings()
    produced(settings, EVENTS)
    expected = plain_truths(EVENTS, now())
    offered = sum(n for (_, verdict, _), n in expected.items() if verdict == "offered")
    name = "callcenter_calls_offered_total"
    with worker_process(settings, tmp_path) as first:
        until(lambda: sums([first], name) == offered, "all on one worker")
        with worker_process(settings, tmp_path) as second:
            until(lambda: sums([second], name) > 0, "the second one has its share")
            until(lambda: sums([first, second], name) == offered, "all on two workers")
            assert sums([first], name) > 0
            assert second.terminate(10) == 0, second.log.read_text()
        until(lambda: sums([first], name) == offered, "all on one worker again")


def test_live_events_are_applied_within_a_fraction_of_a_second(fresh_settings: Make) -> None:
    """From produce to exported total in less than a second and a half at 50 events a second."""
    settings = fresh_settings()
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(0)
        producer = EventProducer(settings, settings.broker)
        for number in range(100):
            event = CallOffered(id=f"o{number}", at=now(), call_id=f"c{number}")
            producer.send(event.call_id, event)
            producer.poll()
            time.sleep(0.02)
        producer.flush()
        worker.wait_for(100, seconds=1.5)
        latencies = [each.latency for each in worker.worker.state.partitions.values()]
        assert sum(each.count for each in latencies) == 100
        assert sum(each.sum for each in latencies) / 100 < 0.5


def test_after_an_outage_a_promise_is_not_broken_while_its_answer_is_on_the_way(
    kafka: KafkaServer, tmp_path: Path
) -> None:
    """The source buffers while the broker is away: the topic looks complete but is not."""
    with kafka_server(tmp_path) as server:
        settings = Settings(broker=server.bootstrap, metrics_port=0, partitions=1)
        create_topics(settings)
        with running_worker(settings, settings.broker) as worker:
            worker.wait_for(0)
            began = now()
            produced(settings, [CallOffered(id="o", at=began, call_id="c", queue="q")])
            worker.wait_for(1)
            server.kill()
            until(lambda: worker.read(lambda w: w.assignment.watch.holds(now())), "the outage")
            server.start()
            back = now()
            until(lambda: worker.read(lambda w: w.assignment.watch.last_success) > back, "fetches")
            time.sleep(max(0, (began - now()) / SECOND + 13) + 1)
            assert truths(worker.totals())["q", "answer", "broken"] == 0
            answer = CallAnswered(id="a", at=began + 8 * SECOND, call_id="c", answered_by="human")
            produced(settings, [answer])
            worker.wait_for(2)
            assert truths(worker.totals())["q", "answer", "kept"] == 1
            assert not worker.totals()[0].queues["q"].corrections
