"""`callsla dlq` on Apache Kafka: what it tells, and what it writes back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Message, Producer
from dead_letter_feed import headers, letter, write
from kafka.admin import KafkaAdminClient
from records import Raw
from topic_reader import read_all
from truths import truths
from workers import running_worker, until

from streams.events import CallOffered, encode
from streams.instants import MINUTE, SECOND, rfc3339
from streams.kafka.dead_letters import (
    HEADER_PREFIX,
    MARK_HEADER,
    ORIGIN_HEADER,
    REPLAYS_HEADER,
    VALUE_OMITTED,
)
from streams.kafka.dlq_replay import CHUNK
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]
Own = list[tuple[str, str | bytes | None]]
CALLSLA = [sys.executable, "-c", "from streams.cli import main; main()", "dlq"]


def now() -> int:
    return time.time_ns() // 1000


def environment(settings: Settings) -> dict[str, str]:
    names = ("broker", "group", "events_topic", "dead_letters_topic")
    chosen = {f"CALLSLA_{name.upper()}": str(getattr(settings, name)) for name in names}
    if settings.raw_topics:
        chosen["CALLSLA_RAW_TOPICS"] = ",".join(f"{t}={f}" for t, f in settings.raw_topics.items())
    return os.environ | chosen


def run(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*CALLSLA, *arguments], env=environment(settings), capture_output=True, check=False
    )


def rows(settings: Settings, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """Return what a command prints with `--json`."""
    done = run(settings, *arguments, "--json")
    assert done.returncode == code, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def actions(settings: Settings, *arguments: str, code: int = 0) -> dict[str, str]:
    """Return what `replay` says about each position."""
    found = rows(settings, "replay", *arguments, code=code)
    return {row["position"]: row["action"] for row in found}


def produce(settings: Settings, *values: bytes, partition: int = 2, topic: str = "") -> None:
    producer = Producer({"bootstrap.servers": settings.broker})
    for value in values:
        own: Own = [("trace", b"\xff\x00"), ("trace", b"2")]
        producer.produce(topic or settings.events_topic, value, b"k\xfe", partition, headers=own)
    producer.flush(10)


def events(settings: Settings) -> list[Message]:
    return read_all(settings.broker, settings.events_topic)


def some(settings: Settings, number: int = 6, partitions: int = 4) -> None:
    """Write dead letters about records that the events topic never had."""
    letters = [
        letter(
            Raw(offset, b"bad %d" % offset, 1000, b"key %d" % offset),
            partition=offset % partitions,
            topic=settings.events_topic,
            reason=("malformed", "bad_time")[offset % 2],
        )
        for offset in range(number)
    ]
    write(settings, [letters])


def test_a_record_is_replayed_byte_for_byte_to_its_partition(fresh_settings: Make) -> None:
    """Key, value, headers, even those of the same name; ours say how often and since where."""
    settings = fresh_settings()
    produce(settings, b"\xff{", b"")
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(2)
    assert actions(settings) == {"2:0": "replayed", "2:1": "replayed"}
    first, second, *again = events(settings)
    assert [each.partition() for each in again] == [2, 2]
    for before, after in zip((first, second), again, strict=True):
        assert (after.key(), after.value() or b"") == (before.key(), before.value() or b"")
        *own, count, origin = headers(after)
        assert own == headers(before) == [("trace", b"\xff\x00"), ("trace", b"2")]
        assert count == (REPLAYS_HEADER, b"1")
        assert origin[0] == ORIGIN_HEADER
        assert (after.timestamp()[1] or 0) > (before.timestamp()[1] or 0)
    place = f"{settings.events_topic}/2:0@{first.timestamp()[1]}"
    assert headers(again[0])[-1] == (ORIGIN_HEADER, place.encode())


def test_a_record_that_fails_again_is_marked_and_left_alone(fresh_settings: Make) -> None:
    """However often somebody replays everything, it does not go round."""
    settings = fresh_settings()
    produce(settings, b"{")
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(1)
        assert actions(settings) == {"2:0": "replayed"}
        worker.wait_for(2)
        again = rows(settings, "list")
        assert [(row["attempt"], row["replayed"]) for row in again] == [(1, True), (2, False)]
        assert again[1]["origin"] == again[0]["origin"]
        # Before or behind the note that the first one was replayed: the worker is as fast.
        second = again[1]["position"]
        for _ in range(2):
            assert actions(settings) == {"2:0": "already_replayed", second: "failed_again"}
        assert actions(settings, second, "--again") == {second: "replayed"}
        worker.wait_for(3)
        told = actions(settings, "--again", "--dry-run")
        third = rows(settings, "list")[2]["position"]
        done = dict.fromkeys(("2:0", second), "already_replayed")
        assert told == {**done, third: "replayed"}
    assert [row["attempt"] for row in rows(settings, "list")] == [1, 2, 3]
    assert len(events(settings)) == 3


def test_what_was_too_early_counts_when_its_time_has_come(fresh_settings: Make) -> None:
    """A replay is stamped anew: with its first stamp it would be refused for ever."""
    settings = fresh_settings()
    at = now() + MINUTE + 4 * SECOND
    produce(settings, encode(CallOffered(id="o", at=at, call_id="c", queue="q")))
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(1)
        (early,) = rows(settings, "list", "--reason", "future")
        assert early["stage"] == "ledger"
        until(lambda: now() > at - MINUTE, "a minute before it", 10)
        assert actions(settings, "--reason", "future") == {"2:0": "replayed"}
        worker.wait_for(2)
        assert sum(n for (_, what, _), n in truths(worker.totals()).items() if what == "offered")
    assert len(rows(settings, "list")) == 1


def test_a_line_of_a_vendor_goes_back_to_the_vendors_topic(
    fresh_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not to the events: it is no event. What fails again there is marked as well."""
    monkeypatch.setenv("CALLSLA_PSEUDONYM_KEY", "k1:0123456789abcdef")
    raw = fresh_settings(create=False).events_topic.replace("events", "raw")
    settings = fresh_settings(raw_topics={raw: "asterisk-queue-log"})
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    admin.create_topics({raw: {"num_partitions": 2}})
    admin.close()
    produce(settings, b"no queue log", partition=1, topic=raw)
    with running_worker(settings, settings.broker):
        until(lambda: len(rows(settings, "list", "--topic", raw)) == 1, "the dead letter")
        assert actions(settings, "--topic", settings.events_topic) == {}
        assert list(actions(settings, "--topic", raw).values()) == ["replayed"]
        until(lambda: len(rows(settings, "list")) == 2, "it fails again")
    assert [row["attempt"] for row in rows(settings, "list")] == [1, 2]
    assert [each.value() for each in read_all(settings.broker, raw)] == [b"no queue log"] * 2


def test_a_dry_run_says_the_same_and_writes_nothing(fresh_settings: Make) -> None:
    """Neither a record nor a mark."""
    settings = fresh_settings()
    some(settings)
    told = actions(settings, "--reason", "bad_time", "--dry-run")
    assert told == {"1:0": "replayed", "1:1": "replayed", "3:0": "replayed"}
    assert not events(settings)
    assert len(read_all(settings.broker, settings.dead_letters_topic)) == 6
    assert actions(settings, "--reason", "bad_time") == told
    assert len(events(settings)) == 3


def test_filters_positions_and_limits_choose(fresh_settings: Make) -> None:
    """For `list` and `replay` alike; `list` shows the newest, `replay` takes the oldest."""
    settings = fresh_settings()
    some(settings, 4)
    time.sleep(0.05)
    middle = rfc3339(now())
    time.sleep(0.05)
    some(settings, 4)

    def listed(*arguments: str) -> list[str]:
        return [row["position"] for row in rows(settings, "list", *arguments)]

    assert listed() == ["0:0", "0:1", "1:0", "1:1", "2:0", "2:1", "3:0", "3:1"]
    assert listed("--until", middle) == ["0:0", "1:0", "2:0", "3:0"]
    assert listed("--since", middle) == ["0:1", "1:1", "2:1", "3:1"]
    assert listed("--since", "1h", "--partition", "3") == ["3:0", "3:1"]
    assert listed("--since", "1ms") == listed("--until", "1h") == []
    assert listed("--reason", "bad_time") == ["1:0", "1:1", "3:0", "3:1"]
    assert set(listed("--limit", "4")) == {"0:1", "1:1", "2:1", "3:1"}
    # Each refusal was written twice, as a worker does that starts again: one of them counts.
    assert actions(settings, "--partition", "0") == {"0:0": "replayed", "0:1": "already_replayed"}
    assert actions(settings, "1:1", "1:0") == {"1:1": "replayed", "1:0": "already_replayed"}
    assert actions(settings, "--partition", "2", "--limit", "1") == {"2:0": "replayed"}
    assert actions(settings, "--force", "2:1", "2:0") == {
        "2:1": "replayed",
        "2:0": "already_replayed",
    }
    assert [each.value() for each in events(settings)] == [b"bad 0", b"bad 1", b"bad 2", b"bad 2"]


def test_what_cannot_be_replayed_says_why_and_stops_nothing(fresh_settings: Make) -> None:
    """Exit code 1; a header cannot send a record to a topic that is not ours."""
    settings = fresh_settings()
    own = settings.events_topic
    large = letter(Raw(4, b"", 1, b"k", [(VALUE_OMITTED, b"true")]), topic=own)
    letters = [
        letter(Raw(1, b"x"), topic="somebody.elses"),
        letter(Raw(2, b"x"), partition=8, topic=own),
        letter(Raw(3, b"x"), topic=own),
    ]
    write(settings, [letters])
    producer = Producer({"bootstrap.servers": settings.broker})
    producer.produce(settings.dead_letters_topic, b"foreign", partition=0)
    omitted: Own = [*large.headers(), (VALUE_OMITTED, b"true")]
    producer.produce(settings.dead_letters_topic, b"", b"k", 0, headers=omitted)
    producer.flush(10)
    found = rows(settings, "replay", code=1)
    why = [row["why"] for row in found if row["action"] == "impossible"]
    assert why[0] == "somebody.elses is neither the events topic nor a raw topic of these settings"
    assert why[1] == f"{own} has no partition 8 any more"
    assert why[2] == "its headers do not say where it came from: no worker wrote it"
    assert why[3].startswith(f"its value was too large for {settings.dead_letters_topic}; ")
    assert [each.value() for each in events(settings)] == [b"x"]
    done = run(settings, "replay")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "callsla: error: 4 of them cannot be replayed"


def test_a_record_that_does_not_fit_with_its_headers_stays(fresh_settings: Make) -> None:
    """Its neighbours go; it is not noted as replayed."""
    settings = fresh_settings()
    size = 1_048_588 - 100
    letters = [
        letter(Raw(n, value, 1, b"k"), topic=settings.events_topic)
        for n, value in enumerate((b"a", b"x" * size, b"b"))
    ]
    write(settings, [letters])
    found = actions(settings, code=1)
    assert sorted(found.values()) == ["impossible", "replayed", "replayed"]
    assert {each.value() for each in events(settings)} == {b"a", b"b"}
    assert Counter(row["replayed"] for row in rows(settings, "list")) == {True: 2, False: 1}


def interrupt(settings: Settings, number: signal.Signals, after: float) -> int:
    """Begin to replay, send a signal so many seconds after the first chunk; return the code."""
    with subprocess.Popen(
        [*CALLSLA, "replay"],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(number)
        process.stdout.read()
        return process.wait(60)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_replay_goes_on_where_it_was(
    fresh_settings: Make, number: signal.Signals, code: int
) -> None:
    """Every record arrives; after Ctrl-C none twice, after a kill those of one chunk at most."""
    settings = fresh_settings()
    total = 120 * CHUNK
    some(settings, total, partitions=1)
    moments = (0.02, 0.06, 0.1)
    for after in moments:
        assert interrupt(settings, number, after) == code
    arrived = len(events(settings))
    # Where processors are scarce a later signal may find nothing sent since the one before.
    assert CHUNK <= arrived < total, "the signals came too late to say anything"
    assert run(settings, "replay").returncode == 0
    values = Counter(each.value() for each in events(settings))
    assert len(values) == total
    twice = sum(values.values()) - total
    assert twice <= (CHUNK * len(moments) if number == signal.SIGKILL else 0)
    done = run(settings, "replay")
    assert done.stderr.startswith(b"0 replayed, ")
    assert len(events(settings)) == total + twice


def test_a_list_tells_where_from_and_why_but_nothing_of_the_record(fresh_settings: Make) -> None:
    """What is in a record may be personal; a list ends up in tickets."""
    settings = fresh_settings()
    secret = b"+44 20 7946 0000"
    write(settings, [[letter(Raw(5, secret, 1000, secret, [("h", secret)]), partition=1)]])
    for arguments in ([], ["--json"]):
        done = run(settings, "list", *arguments)
        assert done.returncode == 0
        assert b"malformed" in done.stdout
        assert b"7946" not in done.stdout + done.stderr
    position, refused, reason, source, attempt, state, *message = (
        run(settings, "list").stdout.decode().splitlines()[1].split()
    )
    assert (position, reason, source, attempt, state) == (
        "1:0",
        "malformed",
        "events/1:5",
        "1",
        "new",
    )
    assert refused.startswith("20")
    assert message == ["not", "JSON"]


def test_show_tells_everything_and_steers_no_terminal(fresh_settings: Make) -> None:
    """Text as text, control characters written out, bytes only by `--raw`."""
    settings = fresh_settings()
    binary = bytes(range(256))
    write(settings, [[
        letter(Raw(5, b'{"a":\x1b]0;x\x07\n1', 1000, b"k\x9b", [("h", b"v")])),
        letter(Raw(6, binary, 2000)),
        letter(Raw(7, None, 2000, b"k")),
    ]])  # fmt: skip
    shown = run(settings, "show", "0:0").stdout.decode()
    assert '{"a":\\x1b]0;x\\x07\n1' in shown
    assert "malformed: not JSON" in shown
    assert "\x1b" not in shown
    assert run(settings, "show", "0:1", "--raw").stdout == binary
    assert b"256 bytes, no text" in run(settings, "show", "0:1").stdout
    assert b"value     none" in run(settings, "show", "0:2").stdout
    (row,) = rows(settings, "show", "0:0")
    assert (row["value"], row["key"], row["key_base64"]) == ('{"a":\x1b]0;x\x07\n1', None, "a5s=")
    assert row["headers"] == [{"name": "h", "value": "v", "value_base64": None}]


def test_wrong_positions_are_told_in_one_line(fresh_settings: Make) -> None:
    """And one that is wrong among several keeps the others from being replayed."""
    settings = fresh_settings()
    some(settings, 1)
    assert actions(settings, "0:0") == {"0:0": "replayed"}
    for arguments, expected in (
        (["show", "0:9"], "there is no dead letter at 0:9: partition 0 holds 0 to 1"),
        (["show", "0:1"], "there is no dead letter at 0:1: a mark, or removed"),
        (["show", "1:0"], "there is no dead letter at 1:0: partition 1 is empty"),
        (["show", "7:0"], f"{settings.dead_letters_topic} has no partition 7, only 0 to 3"),
        (
            ["replay", "--force", "0:0", "0:9"],
            "there is no dead letter at 0:9: partition 0 holds 0 to 1",
        ),
    ):
        done = run(settings, *arguments)
        assert (done.returncode, done.stderr.decode().splitlines()[-1]) == (
            1, f"callsla: error: {expected}",
        )  # fmt: skip
    assert len(events(settings)) == 1
    assert run(settings, "replay", "0:0", "--reason", "future").returncode == 2


def test_marks_are_no_dead_letters(fresh_settings: Make) -> None:
    """They are in the topic so that they are kept as long as what they are about."""
    settings = fresh_settings()
    some(settings, 2)
    run(settings, "replay")
    messages = read_all(settings.broker, settings.dead_letters_topic)
    marks = [each for each in messages if (MARK_HEADER, b"1") in headers(each)]
    assert [each.partition() for each in marks] == [0, 1]
    assert not any(name.startswith(HEADER_PREFIX) for each in marks for name, _ in headers(each))
    assert [row["replayed"] for row in rows(settings, "list")] == [True, True]


def test_a_missing_topic_is_told_in_one_line(fresh_settings: Make) -> None:
    """With what to do."""
    settings = fresh_settings(create=False)
    done = run(settings, "list")
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"callsla: error: the topic {settings.dead_letters_topic} does not exist: "
        "callsla topics create\n",
    )
