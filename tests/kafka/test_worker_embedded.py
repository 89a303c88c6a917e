"""The whole edge on the embedded broker: produce, read, judge, write, commit, stop."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace
from topic_reader import committed, headers_of, read_all, value_of
from truths import plain_truths, truths
from workers import running_worker, until

from streams import promise_events
from streams.events import REASONS, CallOffered, Event, encode
from streams.instants import SECOND
from streams.kafka.dead_letters import HEADER_PREFIX, HEADERS
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.errors import EdgeError
from streams.kafka.frames import JoiningReader
from streams.kafka.pace import FetchPace, FetchWait
from streams.kafka.produce import EventProducer, produce
from streams.kafka.worker import Worker
from streams.keys import CallKeys
from streams.settings import Settings
from streams.simulate import Centre, small_centre

SETTINGS = Settings(metrics_port=0, partitions=4)
EARLIER = (("trace", "7"), (f"{HEADER_PREFIX}reason", "of an earlier round"))
EVENTS = list(Centre(small_centre(), seed=11).events(400))


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """An embedded broker with the worker's topics."""
    with EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 4)) as running:
        yield running


def produced(broker: EmbeddedBroker, events: list[Event] = EVENTS) -> int:
    keys = CallKeys()
    rows = ((keys.key(event), event) for event in events)
    return produce(SETTINGS, broker.bootstrap, rows)


def now() -> int:
    return time.time_ns() // 1000


def test_totals_are_those_of_a_plain_ledger(broker: EmbeddedBroker) -> None:
    """What goes over Kafka in four partitions counts as what a single ledger is told."""
    written = produced(broker)
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(written)
        assert truths(worker.totals()) == plain_truths(EVENTS, now())


def test_only_the_end_of_what_is_there_is_waited_for(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that was given as much as is given at a time says that there is more."""
    told: list[bool] = []
    after = FetchPace.after

    def noted(pace: FetchPace, at: int, **how: bool) -> FetchWait:
        told.append(how["behind"])
        return after(pace, at, **how)

    monkeypatch.setattr(FetchPace, "after", noted)
    call = CallOffered(id="o", at=now(), call_id="c" * 200)
    written = produced(broker, [replace(call, id=f"{n:0200}") for n in range(3000)])
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(written)
        until(lambda: bool(told) and not told[-1], "the end")
    assert any(told)


def test_frames_of_all_its_connections_are_joined(broker: EmbeddedBroker) -> None:
    """Of those it reads by and of those it writes by."""
    produced(broker)

    def readers(worker: Worker) -> list[Any]:
        consumer = worker._app.reader.thread._ensure_consumer()
        clients = consumer._client, worker.outputs._producer.client
        return [conn._reader for client in clients for conn in client._conns.values()]

    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(len(EVENTS))
        found = worker.read(readers)
    assert len(found) >= 2
    assert {type(reader) for reader in found} == {JoiningReader}


def test_a_restarted_worker_counts_the_same_and_repeats_no_output(broker: EmbeddedBroker) -> None:
    """It reads the topic again; the outputs of committed records stay single."""
    written = produced(broker)
    for _ in range(2):
        with running_worker(SETTINGS, broker.bootstrap) as worker:
            worker.wait_for(written)
            assert truths(worker.totals()) == plain_truths(EVENTS, now())
    ids = [
        promise_events.decode(value_of(m)).id
        for m in read_all(broker.bootstrap, SETTINGS.promises_topic)
    ]
    answers = plain_truths(EVENTS, now())
    decided = sum(n for (_, verdict, _), n in answers.items() if verdict == "answer")
    assert len({each for each in ids if each.startswith("answer/")}) == decided
    assert (
        sum(committed(broker.bootstrap, SETTINGS.group, SETTINGS.events_topic).values()) == written
    )


def test_a_breach_is_counted_at_its_deadline_without_a_further_event(
    broker: EmbeddedBroker,
) -> None:
    """One caller waits and nothing else happens: the promise breaks at 10 s plus grace."""
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(0)
        offered_at = now() - 9 * SECOND
        produced(broker, [CallOffered(id="o", at=offered_at, call_id="c", queue="sales")])
        worker.wait_for(1)
        assert truths(worker.totals())["sales", "answer", "broken"] == 0
        until(lambda: truths(worker.totals())["sales", "answer", "broken"] == 1, "the breach", 10)
        late = (now() - offered_at) / SECOND - 12
        assert 0 <= late < 2


def test_a_bad_record_is_passed_on_untouched_with_its_reason(broker: EmbeddedBroker) -> None:
    """Key, value and headers stay; ours are added; the neighbours count."""
    good = encode(CallOffered(id="o", at=now(), call_id="c"))
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for value in (good, b"\xff{", good):
        producer.produce(SETTINGS.events_topic, value, b"k", partition=2, headers=dict(EARLIER))
    producer.flush(10)
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(3)
        (processor,) = [p for p in worker.worker.state.partitions.values() if p.next_offset]
        assert processor.exported.dead_letters == {**dict.fromkeys(REASONS, 0), "malformed": 1}
        assert (processor.exported.fates["applied"], processor.exported.fates["duplicate"]) == (
            1,
            1,
        )
    # At least once: a starved worker that loses its partition writes it again, the same bytes.
    letter, *again = read_all(broker.bootstrap, SETTINGS.dead_letters_topic)
    assert all(headers_of(one) == headers_of(letter) for one in again)
    assert (letter.key(), letter.value(), letter.partition()) == (b"k", b"\xff{", 2)
    first, *added = headers_of(letter)
    ours = {name.removeprefix(HEADER_PREFIX): text for name, text in added}
    assert first == EARLIER[0]
    assert (ours["reason"], ours["stage"], ours["offset"]) == ("malformed", "decode", "1")
    assert (ours["topic"], ours["partition"]) == (SETTINGS.events_topic, "2")
    assert [name for name, _ in added] == [HEADER_PREFIX + name for name in HEADERS]


def test_promise_events_say_what_became_of_each_promise(broker: EmbeddedBroker) -> None:
    """One record a change, on the partition of its source."""
    written = produced(broker)
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(written)
    events = [
        promise_events.decode(value_of(m))
        for m in read_all(broker.bootstrap, SETTINGS.promises_topic)
    ]
    last = {(e.verdict, e.key): e.state for e in sorted(events, key=lambda e: e.revision)}
    expected = plain_truths(EVENTS, now())
    for state in ("kept", "broken", "excluded"):
        said = sum(v == "answer" and s == state for (v, _), s in last.items())
        assert said == sum(n for (_, v, s), n in expected.items() if (v, s) == ("answer", state))


def test_a_worker_stops_within_two_seconds_and_commits(broker: EmbeddedBroker) -> None:
    """The last stretch is written and committed; its metrics are gone."""
    written = produced(broker)
    with running_worker(SETTINGS, broker.bootstrap) as worker:
        worker.wait_for(written)
        assert worker.stop() < 2
    found = committed(broker.bootstrap, SETTINGS.group, SETTINGS.events_topic)
    assert sum(found.values()) == written


def test_a_missing_topic_stops_the_worker_with_one_line() -> None:
    """Starting without an output topic would lose records later."""
    settings = Settings(metrics_port=0, raw_topics={"no.such.topic": "events"})
    with (
        EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 4)) as broker,
        running_worker(settings, broker.bootstrap) as worker,
    ):
        worker.join()
        assert isinstance(worker.error, EdgeError)
        assert "the topic no.such.topic does not exist" in str(worker.error)


def test_a_worker_waits_for_a_missing_broker_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing answers at the address: one line tells it, and a stop ends the waiting at once."""
    said = "no broker answers at 127.0.0.1:1: start it, or set `broker` (waiting for it)"
    with running_worker(SETTINGS, "127.0.0.1:1") as worker:
        until(lambda: said in caplog.messages, "the line that says so")
        assert worker.stop() < 2
    assert worker.error is None
    told = [each for each in caplog.records if each.name.startswith("streams")]
    assert [each.getMessage() for each in told] == [said]


def test_a_worker_of_its_own_broker_starts_and_stops() -> None:
    """Without any setting the broker is the embedded one, with every topic."""
    with running_worker(SETTINGS, "") as worker:
        worker.wait_for(0)
        bootstrap = worker.read(lambda w: w.state.bootstrap)
        assert EventProducer(SETTINGS, bootstrap).partitions == SETTINGS.partitions
