"""The rendered containers, started as they stand against real Kafka."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kafka_server
import pytest
from chart_helm import one, program, render
from chart_pods import Container, Machine
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from secured_kafka import PASSWORDS, SecuredKafka, secured_kafka
from token_endpoint import token_endpoint

from streams.events import CallOffered
from streams.instants import SECOND
from streams.kafka.produce import produce
from streams.settings import Settings

pytestmark = pytest.mark.integration

Values = dict[str, Any]
SERVICE = "callsla.calls.svc"
START_SECONDS = 60
"""What a loaded machine may need; the worker itself needs some two."""


def values(brokers: str, **kafka: Any) -> Values:
    """Return the values of an installation on this machine."""
    (port,) = kafka_server.free_ports(1)
    topics = {"partitions": 2, "replication": 1, **kafka.pop("topics", {})}
    return {
        "kafka": {"brokers": brokers, "topics": topics, **kafka},
        "worker": {"host": "127.0.0.1", "port": port},
    }


def assert_well(machine: Machine) -> None:
    """`helm test` finds nothing wrong: its Pod's command, as it stands."""
    pod = one(machine.objects, "Pod", "callsla-doctor")["spec"]
    code, said = machine.run(pod, "doctor", pod["activeDeadlineSeconds"])
    assert code == 0, said


def workers_pod(objects: list[Values]) -> Values:
    pod: Values = one(objects, "StatefulSet")["spec"]["template"]["spec"]
    return pod


def offered(container: Container) -> float:
    """Return how many calls the worker shows."""
    with urllib.request.urlopen(f"{container.url}/metrics", timeout=10) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    shown = [line for line in lines if line.startswith("callcenter_calls_offered_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in shown)


def until_offered(container: Container, number: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while offered(container) != number:
        assert time.monotonic() < deadline, (offered(container), container.said())
        time.sleep(0.1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_server.KafkaServer]:
    if kafka_server.missing() is not None:
        program("Kafka's jars")
    with kafka_server.kafka_server(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    if kafka_server.missing() is not None:
        program("Kafka's jars")
    with secured_kafka(tmp_path_factory.mktemp("secured")) as server:
        yield server


def test_an_installation_counts_calls_and_leaves_in_order(
    broker: kafka_server.KafkaServer, tmp_path: Path
) -> None:
    """Topics made, numbers complete, nothing written, and an end within its grace."""
    objects = render(values(broker.bootstrap))
    machine, pod = Machine(tmp_path, objects, hosts=(SERVICE,)), workers_pod(objects)
    code, said = machine.run(pod, "topics")
    assert code == 0, said
    assert machine.run(pod, "topics") == (0, "all topics exist\n")
    with machine.running(pod, "worker") as worker:
        took = worker.await_start(START_SECONDS)
        assert worker.probe("readinessProbe") == (200, "ready\n")
        assert worker.probe("livenessProbe") == (200, "healthy\n")
        at = time.time_ns() // 1000 - 60 * SECOND
        calls = [(f"k{n}", CallOffered(id=f"{n}", at=at, call_id=f"c{n}")) for n in range(40)]
        produce(Settings(broker=broker.bootstrap), broker.bootstrap, calls)
        until_offered(worker, 40)
        assert_well(machine)
        assert worker.terminate(pod["terminationGracePeriodSeconds"] / 3) == 0, worker.said()
    assert machine.written() == []
    print(f"ready after {took:.1f} s")


def test_a_worker_that_waits_for_kafka_is_not_restarted(tmp_path: Path) -> None:
    """Neither while its topics are to be made nor before it has been ready once."""
    objects = render(values("127.0.0.1:1"))
    machine, pod = Machine(tmp_path, objects), workers_pod(objects)
    with machine.running(pod, "topics") as topics, machine.running(pod, "worker") as worker:
        deadline = time.monotonic() + START_SECONDS
        while worker.probe("livenessProbe") != (200, "healthy\n"):
            assert time.monotonic() < deadline, worker.said()
            time.sleep(0.1)
        assert worker.probe("startupProbe") == (503, "no broker has answered yet\n")
        while "(waiting for it)" not in topics.said():
            assert time.monotonic() < deadline, topics.said()
            time.sleep(0.1)
        assert topics.process.poll() is None


@pytest.fixture(scope="module")
def granted(secured: SecuredKafka) -> SecuredKafka:
    """A broker on which the user `worker` may do what the chart's KafkaUser says, and no more."""
    strimzi = {"cluster": "centre", "topics": {"enabled": True}, "user": {"enabled": True}}
    login = {"protocol": "SASL_SSL"}
    objects = render({**values(secured.address("SCRAM"), auth=login), "strimzi": strimzi})
    admin = KafkaAdminClient(bootstrap_servers=secured.address("PLAIN"))
    try:
        admin.create_topics([_topic(each) for each in objects if each["kind"] == "KafkaTopic"])
        acls = one(objects, "KafkaUser")["spec"]["authorization"]["acls"]
        admin.create_acls([rule for each in acls for rule in _rules(each)])
    finally:
        admin.close()
    return secured


def _topic(each: Values) -> NewTopic:
    spec = each["spec"]
    return NewTopic(
        spec["topicName"],
        num_partitions=spec["partitions"],
        replication_factor=spec["replicas"],
        topic_configs=spec["config"],
    )


def _rules(acl: Values) -> list[ACL]:
    resource = acl["resource"]
    kind, literal = ResourceType[resource["type"].upper()], ACLResourcePatternType.LITERAL
    pattern = ResourcePattern(kind, resource["name"], literal)
    words = {"DESCRIBECONFIGS": "DESCRIBE_CONFIGS"}
    operations = [words.get(each.upper(), each.upper()) for each in acl["operations"]]
    allow = ACLPermissionType.ALLOW
    return [ACL("User:worker", "*", ACLOperation[each], allow, pattern) for each in operations]


def _login(mechanism: str, protocol: str = "SASL_SSL") -> Values:
    auth = {"protocol": protocol, "mechanism": mechanism, "existingSecret": "login"}
    tls = {"tls": {"ca": {"secret": "authority", "key": "ca.pem"}}}
    return {"auth": auth, **(tls if protocol == "SASL_SSL" else {})}


WAYS: dict[str, tuple[str, Values]] = {
    "PLAIN": ("CLEAR", _login("PLAIN", "SASL_PLAINTEXT")),
    "SCRAM-SHA-256": ("SCRAM", _login("SCRAM-SHA-256")),
    "SCRAM-SHA-512": ("SCRAM", _login("SCRAM-SHA-512")),
    "mTLS": (
        "MUTUAL",
        {
            "auth": {"protocol": "SSL"},
            "tls": {
                "ca": {"secret": "authority", "key": "ca.pem"},
                "client": {"existingSecret": "client"},
            },
        },
    ),
    "ServiceAccount": (
        "BEARER",
        {
            **_login("OAUTHBEARER"),
            "auth": {
                "protocol": "SASL_SSL",
                "mechanism": "OAUTHBEARER",
                "oauth": {"serviceAccountToken": {"enabled": True}},
            },
        },
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_logs_in_with_what_is_in_its_secrets(
    granted: SecuredKafka, tmp_path: Path, way: str
) -> None:
    """With the rights of the rendered KafkaUser it becomes ready; its log tells no secret.

    The same rights are enough for `helm test`.
    """
    listener, kafka = WAYS[way]
    given = {**values(granted.address(listener), **kafka), "strimzi": {"topics": {"enabled": True}}}
    given["strimzi"]["cluster"] = "centre"
    assert_ready(granted, tmp_path, given, doctor=way == "SCRAM-SHA-512")


def test_a_worker_exchanges_client_credentials(granted: SecuredKafka, tmp_path: Path) -> None:
    """At the issuer's address; id and secret from the Secret."""
    with token_endpoint(lambda: granted.issuer.token("worker")) as endpoint:
        kafka = _login("OAUTHBEARER")
        kafka["auth"]["oauth"] = {"tokenUrl": endpoint.url, "scope": "kafka"}
        given = values(granted.address("BEARER"), **kafka)
        given["strimzi"] = {"cluster": "centre", "topics": {"enabled": True}}
        secret = {"client-id": endpoint.client, "client-secret": endpoint.secret}
        assert_ready(granted, tmp_path, given, login=secret)
        assert endpoint.asked


def test_raw_topics_get_their_keys(granted: SecuredKafka, tmp_path: Path) -> None:
    """The pseudonyms' keys are where the worker looks for them; without them it does not start."""
    strimzi = {"cluster": "centre", "topics": {"enabled": True}, "user": {"enabled": True}}
    kafka = _login("SCRAM-SHA-512")
    kafka["topics"] = {"raw": {"pbx": "asterisk-queue-log"}}
    given = values(granted.address("SCRAM"), **kafka)
    given |= {"pseudonymKeys": {"existingSecret": "pseudonyms"}, "strimzi": strimzi}
    admin = KafkaAdminClient(bootstrap_servers=granted.address("PLAIN"))
    try:
        admin.create_topics([NewTopic("pbx", num_partitions=2, replication_factor=1)])
        acls = one(render(given), "KafkaUser")["spec"]["authorization"]["acls"]
        admin.create_acls([rule for each in acls for rule in _rules(each)])
    finally:
        admin.close()
    assert_ready(granted, tmp_path, given)


def assert_ready(
    secured: SecuredKafka,
    folder: Path,
    given: Values,
    login: dict[str, str] | None = None,
    doctor: bool = False,
) -> None:
    """Start the worker of `given` with every Secret that it may name."""
    certificate, key = secured.authority.certificate("worker", "DNS:worker")
    login = login or {"username": "worker", "password": PASSWORDS["worker"] + "\n"}
    secrets: dict[str, dict[str, str]] = {
        "login": login,
        "authority": {"ca.pem": secured.authority.ca.read_text()},
        "client": {"tls.crt": certificate.read_text(), "tls.key": key.read_text()},
        "pseudonyms": {"keys": f"2026b:{'5' * 64}\n2026a:{'4' * 64} until 2099-01-01T00:00:00Z\n"},
    }
    objects = render(given)
    token = secured.issuer.token("worker")
    machine = Machine(folder, objects, secrets, {"kafka": token}, hosts=(SERVICE,))
    pod = workers_pod(objects)
    assert [each["name"] for each in pod.get("initContainers", [])] == []
    with machine.running(pod, "worker") as worker:
        worker.await_start(START_SECONDS)
        if doctor:
            assert_well(machine)
        assert worker.terminate(pod["terminationGracePeriodSeconds"] / 3) == 0, worker.said()
        told = [*login.values(), token, "5" * 64, "4" * 64]
        assert not [each for each in told if len(each) > 8 and each.strip() in worker.said()]
    assert machine.written() == []
