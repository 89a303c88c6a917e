"""`callsla doctor` on real brokers: each cross of Kafka's part provoked once."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from doctor_chain import examined, said, stands
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka_server import KafkaServer, free_ports
from msgspec.structs import replace
from secured_kafka import PASSWORDS, SecuredKafka
from secured_settings import bearer, grant, mutual, scram, told_and_code
from workers import until

from streams.doctor import Finding
from streams.doctor.kafka_checks import ask_broker, ask_check
from streams.doctor.kafka_edge import may_read_commits, refused_servers
from streams.events import SourceHeartbeat
from streams.events import encode as encode_event
from streams.instants import SECOND, rfc3339
from streams.kafka.ledgerlog.records import FORMAT, Tick, encode
from streams.settings import Settings
from streams.slo import Objective

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

Make = Callable[..., Settings]


def asked(check: str, settings: Settings) -> list[Finding]:
    """Return what one check alone finds."""
    return list(ask_check(check, settings, Objective()))


def write(settings: Settings, topic: str, *values: bytes, stamp: int = 0) -> None:
    """Append `values` to partition 0; `stamp` in milliseconds, 0: now."""
    producer = Producer({"bootstrap.servers": settings.broker})
    for value in values:
        producer.produce(topic, value, partition=0, timestamp=stamp)
    producer.flush(10)


def alter(settings: Settings, topic: str, **config: str) -> None:
    """Change the settings of a topic, and wait until the broker shows them."""
    changes = {name.replace("_", "."): value for name, value in config.items()}
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    kind = ConfigResourceType.TOPIC
    admin.alter_configs([ConfigResource(kind, topic, configs=changes)])

    def shown() -> bool:
        found = admin.describe_configs([ConfigResource(kind, topic)])["topic"][topic]
        return all(str(found[name]["value"]) == value for name, value in changes.items())

    until(shown, "the changed settings")
    admin.close()


def test_a_broker_that_is_away_ends_with_4(tmp_path: Path) -> None:
    """Nothing else is asked of Kafka, and the command says so in its exit code."""
    settings = Settings(broker=f"127.0.0.1:{free_ports(1)[0]}")
    findings = examined(settings)
    stands(findings, "broker.reach", "unreachable", "no broker answers at 127.0.0.1:")
    assert said(findings, "topics.all") == [("not_asked", "no broker lets us in")]
    lines, code = told_and_code(settings, tmp_path / "log", "doctor")
    assert code == 4
    assert "  → start it, or set `broker`" in [line[2:] for line in lines]


def test_one_address_of_two_that_is_away_is_a_warning(fresh_settings: Make) -> None:
    """The other lets everybody in; who reads the list should know."""
    settings = fresh_settings()
    away = f"127.0.0.1:{free_ports(1)[0]}"
    findings = examined(replace(settings, broker=f"{away},{settings.broker}"))
    stands(findings, "broker.reach", "warning", away)
    stands(findings, "broker.reach", "ok", settings.broker)


def test_a_broker_that_sends_its_clients_astray_is_told(tmp_path: Path) -> None:
    """`advertised.listeners`: the address asked lets us in, the one it names does not."""
    port, nowhere = free_ports(2)
    server = KafkaServer(tmp_path, doors={"ASTRAY": (port, nowhere)})
    try:
        server.start()
        settings = Settings(broker=f"127.0.0.1:{port}")
        until(lambda: asks_first(settings), "the second door is open")
        findings = list(ask_broker(settings, []))
        told = stands(findings, "broker.listeners", "unreachable", f"to 127.0.0.1:{nowhere}")
        assert told.remedy == "correct advertised.listeners of that broker, or open the way to it"
    finally:
        server.kill()


def asks_first(settings: Settings) -> bool:
    """Return whether the address in `broker` itself lets us in."""
    return refused_servers(settings) == []


def test_reasons_of_tls_and_sasl_are_told_apart(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path
) -> None:
    """Wrong password, wrong CA, no certificate, no TLS, a token that is refused: each its own."""
    right = scram(secured)
    stranger = str(secured.stranger.ca)
    (tmp_path / "foreign").write_text(secured.issuer.token("worker", audience="another"))
    wrong = {
        "refuses the user 'worker' (SCRAM-SHA-512)": ("SCRAM", {**right, "sasl_password": "no"}),
        "is not signed by an authority we trust": ("SCRAM", {**right, "tls_ca_file": stranger}),
        "demands a client certificate": (
            "MUTUAL",
            {"security_protocol": "SSL", "tls_ca_file": str(secured.authority.ca)},
        ),
        "speaks TLS": ("TLS", {}),
        "speaks no TLS": ("CLEAR", right),
        "demands a login": ("CLEAR", {}),
        "refuses the bearer token": (
            "BEARER",
            bearer(secured, tmp_path / "token") | {"oauth_token_file": str(tmp_path / "foreign")},
        ),
    }
    for words, (listener, changes) in wrong.items():
        settings = Settings(broker=secured.address(listener), **changes)  # type: ignore[arg-type]
        stands(list(ask_broker(settings, [])), "broker.reach", "wrong", words)
    for listener, changes in (("SCRAM", right), ("MUTUAL", mutual(secured))):
        findings = list(ask_broker(secured_settings(listener, **changes), []))
        assert {each.status for each in findings} == {"ok"}, findings


def test_every_missing_right_is_named_and_no_secret(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path
) -> None:
    """As a worker needs them; granting them is enough, and the settings stay unseen: a warning."""
    guest = {"sasl_username": "guest", "sasl_password": PASSWORDS["guest"]}
    settings = secured_settings("SCRAM", **scram(secured, **guest))
    lines, code = told_and_code(settings, tmp_path / "log", "doctor", "--json")
    assert code == 3
    assert PASSWORDS["guest"] not in "".join(lines)
    checks = json.loads(lines[0])["checks"]
    barred = [each for each in checks if each["check"] == "rights.worker"]
    assert {each["status"] for each in barred} == {"wrong"}
    assert barred[0]["reason"] == f"'guest' may not READ on topic {settings.events_topic}"
    assert "--operation READ --topic" in barred[0]["remedy"]
    assert len(barred) == 7
    assert "‼" not in "".join(lines)
    grant(secured, settings, "guest")
    until(lambda: asked("rights.worker", settings)[0].status == "ok", "all is granted")
    findings = asked("topics.all", settings)
    assert [e.status for e in findings if e.check == "topics.settings"] == ["warning"] * 4
    assert not may_read_commits(settings)


@pytest.mark.parametrize(
    ("topic", "config", "check", "status", "words"),
    [
        ("ledger", {"cleanup_policy": "compact"}, "compaction", "wrong", "policy is compact"),
        ("ledger", {"retention_ms": "86400000"}, "retention", "wrong", "for 1 d only"),
        ("ledger", {"retention_bytes": "1000000"}, "retention", "wrong", "1,000,000 bytes"),
        ("events", {"retention_ms": "3600000"}, "retention", "wrong", "keeps records for 1 h"),
        ("events", {"retention_ms": "604800001"}, "retention", "ok", "events for 168 h"),
        ("promises", {"retention_ms": "3600000"}, "retention", "warning", "for 1 h only"),
        ("ledger", {"max_message_bytes": "1000"}, "settings", "wrong", "max.message.bytes is 1000"),
        ("ledger", {"segment_bytes": "1048576"}, "settings", "warning", "segment.bytes"),
    ],
)
def test_a_topic_that_would_lose_something_is_told(
    fresh_settings: Make, topic: str, config: dict[str, str], check: str, status: str, words: str
) -> None:
    """With the command that mends it; what is kept longer than needed is no fault."""
    settings = fresh_settings(partitions=1)
    assert {each.status for each in asked("topics.all", settings)} == {"ok"}
    name = getattr(settings, f"{topic}_topic")
    alter(settings, name, **config)
    told = stands(asked("topics.all", settings), f"topics.{check}", status, words)
    assert status == "ok" or f"--alter --topic {name}" in (told.remedy or "")


def test_missing_topics_and_uneven_partitions_are_told(fresh_settings: Make) -> None:
    """A worker would not start on either."""
    settings = fresh_settings(create=False, partitions=4)
    findings = asked("topics.all", settings)
    stands(findings, "topics.exist", "wrong", f"{settings.ledger_topic} does not exist")
    other = fresh_settings(partitions=2)
    uneven = replace(fresh_settings(partitions=4), ledger_topic=other.ledger_topic)
    told = stands(asked("topics.all", uneven), "topics.partitions", "wrong", "has 2 partitions")
    assert told.remedy == f"kafka-topics.sh --alter --topic {other.ledger_topic} --partitions 4"


def test_no_worker_is_told_from_three_sides(fresh_settings: Make) -> None:
    """Nobody in the group, an empty log, no tick; and whoever lags is told how far."""
    settings = fresh_settings(partitions=2, ready_lag=5)
    event = b'{"id":"1","kind":"source.heartbeat","at":"%s","source":"pbx"}'
    write(settings, settings.events_topic, *[event % _now().encode()] * 9)
    group = asked("workers.group", settings)
    stands(group, "workers.group", "wrong", f"no worker is a member of the group {settings.group}")
    stands(group, "workers.lag", "wrong", "more than 5 records behind (partition 0: 9)")
    stands(asked("workers.log", settings), "workers.log", "warning", "is empty")
    ticks = asked("workers.ticks", settings)
    stands(ticks, "workers.ticks", "wrong", "nobody decides deadlines: no tick within 6 s")


def test_a_log_that_cannot_be_read_is_told(fresh_settings: Make, tmp_path: Path) -> None:
    """What is no record of ours, and what a newer version wrote; the audit finds it, too."""
    settings = fresh_settings(partitions=1)
    write(settings, settings.ledger_topic, b"not ours")
    told = stands(asked("workers.log", settings), "workers.log", "wrong", "did not write")
    assert told.remedy == "callsla ledger audit says more"
    assert told_and_code(settings, tmp_path / "log", "ledger", "audit")[1] == 3
    newer = fresh_settings(partitions=1)
    write(newer, newer.ledger_topic, b"CL" + bytes([FORMAT + 1]) + b"x")
    told = stands(asked("workers.log", newer), "workers.log", "wrong", f"format {FORMAT + 1}")
    assert told.remedy == "run the newer version"


def test_a_worker_whose_clock_is_ahead_is_told(fresh_settings: Make) -> None:
    """By the time in its ticks: the bounds of what can be known contain the truth."""
    settings = fresh_settings(partitions=1)
    with ticks_ahead(settings, 5 * SECOND):
        findings = asked("workers.ticks", settings)
    stands(findings, "workers.ticks", "ok", "each of 1 partitions")
    told = stands(findings, "clocks.workers", "wrong", "one of the two is wrong")
    least, most = (float(word) for word in told.reason.split() if word[:1] in "+-")
    # How wide apart they are depends on how long the broker takes.
    assert 2.5 < least <= 5.0 <= most


@contextmanager
def ticks_ahead(settings: Settings, ahead: int) -> Iterator[None]:
    """Append ticks whose writer's clock is `ahead` (microseconds)."""
    end = threading.Event()
    value = encode(Tick(1, 0, ((0, 0),), 0))

    def run() -> None:
        while not end.wait(0.25):
            stamp = (time.time_ns() // 1000 + ahead) // 1000
            write(settings, settings.ledger_topic, value, stamp=stamp)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _now(ahead: float = 0) -> str:
    return rfc3339(time.time_ns() // 1000 + int(ahead * SECOND))


def test_a_sample_of_the_events_is_decoded(fresh_settings: Make) -> None:
    """What is refused by reason, the clock of a source that is ahead, fields nobody knows."""
    settings = fresh_settings(partitions=2)
    stands(asked("events.sample", settings), "events.sample", "warning", "holds no record")
    beat = '{"id":"%d","kind":"source.heartbeat","at":"%s","source":"pbx"%s}'
    good = [(beat % (n, _now(), "")).encode() for n in range(30)]
    write(settings, settings.events_topic, *good)
    stands(asked("events.sample", settings), "events.sample", "ok", "30 of the newest 30 records")
    extra = (beat % (40, _now(), ',"colour":"red"')).encode()
    write(settings, settings.events_topic, b"{oops", extra)
    findings = asked("events.sample", settings)
    stands(findings, "events.sample", "warning", "31 of the newest 32 records")
    stands(findings, "events.fields", "warning", "1 fields in 32 records are not known")
    ahead = [(beat % (n, _now(90), "")).encode() for n in range(50, 58)]
    write(settings, settings.events_topic, *ahead)
    findings = asked("events.sample", settings)
    stands(findings, "events.sample", "wrong", "31 of the newest 40 records")
    stands(findings, "events.clock", "wrong", "up to 1 min 29 s ahead of ours")


def test_raw_topics_are_read_in_their_vendors_format(
    fresh_settings: Make,
) -> None:
    """One that holds something else is told."""
    settings = fresh_settings(partitions=1)
    beat = encode_event(SourceHeartbeat(id="1", at=time.time_ns() // 1000, source="pbx"))
    other = fresh_settings(partitions=1)
    raw = replace(settings, raw_topics={other.events_topic: "events"})
    write(raw, other.events_topic, beat, b"what is this")
    findings = asked("events.sample", raw)
    stands(findings, "events.raw", "wrong", f"1 of the newest 2 records of {other.events_topic}")
