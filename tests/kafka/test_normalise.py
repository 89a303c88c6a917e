"""Raw vendor topics: lines in, canonical events out."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from records import Raw, batch
from topic_reader import headers_of, read_all, value_of
from truths import truths
from workers import running_worker, until

from streams.events import CallAnswered, EventDecoder
from streams.kafka.batch import Batch
from streams.kafka.dead_letters import HEADER_PREFIX
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.normalise import RawPartition, check_formats
from streams.kafka.outputs import Outputs
from streams.kafka.raw import RawTopics, no_refusals
from streams.settings import Settings, SettingsError
from streams.wire import REASONS

RAW = "pbx.queue-log"
SETTINGS = Settings(metrics_port=0, partitions=4, raw_topics={RAW: "asterisk-queue-log"})


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for pseudonyms, as an operator gives it."""
    monkeypatch.setenv("CALLSLA_PSEUDONYM_KEY", "k1:0123456789abcdef")


def queue_log(at: float) -> list[bytes]:
    """Return one call that is answered after 4 s and ended by the agent after 30 s more."""
    second = int(at)
    return [
        b"%d|100.1|sales|NONE|ENTERQUEUE||5550100|1" % second,
        b"%d|100.1|sales|SIP/7|CONNECT|4|100.2|3" % (second + 4),
        b"%d|100.1|sales|SIP/7|COMPLETEAGENT|4|30|1" % (second + 34),
    ]


def raws(lines: list[bytes], first: int = 0) -> list[Raw]:
    return [Raw(number, line) for number, line in enumerate(lines, first)]


@pytest.fixture
def partition() -> Iterator[RawPartition]:
    """A raw partition with its thread."""
    one = RawPartition(RAW, 0, "asterisk-queue-log")
    yield one
    one.close()


def test_a_call_may_be_spread_over_batches(partition: RawPartition) -> None:
    """What the format remembers of a line is there for the next batch; its key stays."""
    found = []
    for number, line in enumerate(queue_log(1_772_445_600)):
        events, refused = partition.feed(batch(raws([line], number)))
        assert not refused
        found += events
    kinds = [event.kind for _, event in found]
    assert {"call.queued", "call.answered", "call.ended"} <= set(kinds)
    assert len({key for key, _ in found}) == 1
    assert all(event.source == RAW for _, event in found)


def test_a_line_that_is_none_is_refused_with_its_own_record(partition: RawPartition) -> None:
    """The dead letter holds that record; the lines around it count."""
    lines = queue_log(1_772_445_600)
    events, refused = partition.feed(batch(raws([lines[0], b"no queue log", lines[1]])))
    assert [(each.record.offset, each.reason, each.stage) for each in refused] == [
        (1, "malformed", "normalise")
    ]
    assert any(isinstance(event, CallAnswered) for _, event in events)


def test_records_fed_twice_count_once(partition: RawPartition) -> None:
    """A batch that begins again is cut."""
    rows = raws(queue_log(1_772_445_600))
    first, _ = partition.feed(batch(rows[:2]))
    again, _ = partition.feed(batch(rows))
    kinds = [event.kind for _, event in [*first, *again]]
    assert kinds.count("call.answered") == 1


def test_a_closed_partition_leaves_no_thread() -> None:
    """Every rebalance closes and opens them."""
    one = RawPartition(RAW, 3, "asterisk-queue-log")
    one.feed(batch(raws(queue_log(1_772_445_600))))
    name = f"raw-{RAW}-3"
    assert any(thread.name == name for thread in threading.enumerate())
    one.close()
    until(lambda: not any(t.name == name for t in threading.enumerate()), "the thread ends", 5)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("asterisk", "raw_topics: t: there is no format asterisk: one of events, "),
        ("call-records", "raw_topics: t: call-records begins with a header line"),
    ],
)
def test_a_format_that_cannot_be_read_from_a_topic_is_told(form: str, message: str) -> None:
    """Before anything starts."""
    with pytest.raises(SettingsError) as caught:
        check_formats({"t": form})
    assert str(caught.value).startswith(message)


def test_a_missing_or_wrong_key_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a random key a customer would have another name after each restart."""
    monkeypatch.setenv("CALLSLA_PSEUDONYM_KEY", "short")
    with pytest.raises(SettingsError, match=r"^CALLSLA_PSEUDONYM_KEY, line 1: a key is"):
        check_formats(SETTINGS.raw_topics)
    monkeypatch.delenv("CALLSLA_PSEUDONYM_KEY")
    with pytest.raises(SettingsError, match=r"set CALLSLA_PSEUDONYM_KEY_FILE$"):
        check_formats(SETTINGS.raw_topics)
    check_formats({"t": "events"})


def test_refused_raw_records_are_counted_by_topic_and_reason() -> None:
    """Once they are among the dead letters, which nobody counts otherwise."""
    refusals = no_refusals(SETTINGS.raw_topics)
    assert refusals == {RAW: dict.fromkeys(REASONS, 0)}
    lines = [b"rubbish", *queue_log(time.time() - 60), b"", b"more rubbish"]
    with EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 4)) as broker:

        async def run() -> None:
            outputs = Outputs(SETTINGS, broker.bootstrap)
            await outputs.start()
            raw = RawTopics(SETTINGS, broker.bootstrap, outputs, refusals)
            await raw.normalise(Batch(RAW, 0, raws(lines), len(lines)))
            raw.close()
            await outputs.stop()

        asyncio.run(run())
        letters = read_all(broker.bootstrap, SETTINGS.dead_letters_topic)
    assert refusals[RAW]["malformed"] == len(letters) >= 2
    assert sum(refusals[RAW].values()) == len(letters)


def test_raw_records_become_events_and_are_judged_by_the_same_worker() -> None:
    """Vendor's lines in; events on the events topic; totals; a bad line among the dead letters."""
    with EmbeddedBroker(dict.fromkeys(SETTINGS.topics, 4)) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        for line in [*queue_log(time.time() - 60), b"rubbish"]:
            producer.produce(RAW, line, partition=1)
        producer.flush(10)
        with running_worker(SETTINGS, broker.bootstrap) as worker:
            until(lambda: truths(worker.totals())["sales", "answer", "kept"] == 1, "kept", 20)
        decode = EventDecoder().decode
        messages = read_all(broker.bootstrap, SETTINGS.events_topic)
        assert "call.ended" in {decode(value_of(message)).kind for message in messages}
        assert b"5550100" not in b"".join(map(value_of, messages))
        (letter,) = read_all(broker.bootstrap, SETTINGS.dead_letters_topic)
        headers = dict(headers_of(letter))
        assert (letter.value(), headers[f"{HEADER_PREFIX}stage"]) == (b"rubbish", "normalise")
        assert headers[f"{HEADER_PREFIX}topic"] == RAW
