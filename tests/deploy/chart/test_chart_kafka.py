"""Topics and rights that Strimzi is asked for are those that the workers need."""

from typing import Any

import pytest
import yaml
from chart_helm import by_kind, one, rendered, values_of

from streams.kafka.permissions import worker_needs
from streams.kafka.topics import plan_topics
from streams.settings import Settings, load

pytestmark = pytest.mark.integration


def settings_of(name: str) -> Settings:
    """Return the settings that a worker of that set of values has, its secrets aside."""
    config = yaml.safe_load(one(rendered(name), "ConfigMap")["data"]["worker.yaml"])
    known = {key: value for key, value in config.items() if not key.endswith("_file")}
    return Settings(**known)


def rights(user: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Return what a KafkaUser may do, by kind and name of what it is done with."""
    acls = user["spec"]["authorization"]["acls"]
    return {
        (each["resource"]["type"], each["resource"]["name"]): {
            operation.upper() for operation in each["operations"]
        }
        for each in acls
        if each["resource"]["patternType"] == "literal"
    }


def test_strimzi_makes_the_topics_as_the_workers_want_them() -> None:
    """Partitions, replicas and every setting that `callsla topics check` compares."""
    settings = settings_of("strimzi")
    topics = by_kind(rendered("strimzi"), "KafkaTopic")
    made = {each["spec"]["topicName"]: each["spec"] for each in topics}
    plans = plan_topics(settings)
    assert made.keys() == {plan.name for plan in plans}
    for plan in plans:
        spec = made[plan.name]
        assert spec["partitions"] == plan.partitions
        assert spec["replicas"] == settings.replication
        least = {name: str(number) for name, number in plan.at_least.items()}
        assert spec["config"] == {**plan.config, **least}
    assert {each["metadata"]["labels"]["strimzi.io/cluster"] for each in topics} == {"centre"}


@pytest.mark.parametrize(("name", "creates"), [("strimzi", False), ("strimzi-tls", True)])
def test_a_kafka_user_may_do_what_a_worker_does_and_no_more(name: str, creates: bool) -> None:
    """Reading settings besides, for `callsla doctor`; creating only if nobody else creates."""
    settings = settings_of(name)
    granted = rights(one(rendered(name), "KafkaUser"))
    wanted = {
        ("topic", topic): {*needs, "DESCRIBE", "DESCRIBECONFIGS", *(["CREATE"] if creates else [])}
        for topic, needs in worker_needs(settings).items()
    }
    assert granted == {**wanted, ("group", settings.group): {"READ", "DESCRIBE"}}


def test_raw_topics_are_read_and_events_written() -> None:
    """The normalising agent is a producer of events, and only then."""
    settings = settings_of("full")
    assert settings.raw_topics
    needs = worker_needs(settings)
    assert set(needs[settings.events_topic]) == {"READ", "WRITE"}


def test_the_user_of_strimzi_is_who_logs_in() -> None:
    """Without a further value: its name, and the Secret that Strimzi makes for it."""
    pod = one(rendered("strimzi"), "StatefulSet")["spec"]["template"]["spec"]
    (secret,) = [each["secret"] for each in pod["volumes"] if each["name"] == "kafka"]
    user = one(rendered("strimzi"), "KafkaUser")["metadata"]["name"]
    assert secret["secretName"] == user
    assert secret["items"] == [{"key": "password", "path": "password"}]
    assert settings_of("strimzi").sasl_username == user
    pod = one(rendered("strimzi-tls"), "StatefulSet")["spec"]["template"]["spec"]
    (secret,) = [each["secret"] for each in pod["volumes"] if each["name"] == "kafka-client"]
    assert {each["key"] for each in secret["items"]} == {"user.crt", "user.key"}


def test_scaling_stays_within_the_partitions() -> None:
    """One worker at a time, never none, and never more than have something to do."""
    for name, kind in (("keda-mtls", "ScaledObject"), ("keda", "ScaledObject")):
        spec = one(rendered(name), kind)["spec"]
        partitions = settings_of(name).partitions
        assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions
        metadata = spec["triggers"][0]["metadata"]
        assert metadata["topic"] == settings_of(name).events_topic
        assert metadata["consumerGroup"] == settings_of(name).group
    scaler = one(rendered("hpa"), "HorizontalPodAutoscaler")["spec"]
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 600


@pytest.mark.parametrize("name", ["keda-mtls", "keda-oauth"])
def test_keda_logs_in_as_the_workers_do(name: str) -> None:
    """With every secret from the same place as theirs, and no secret in the ConfigMap."""
    objects = rendered(name)
    asked = one(objects, "TriggerAuthentication")["spec"]
    values = values_of(name)["kafka"]
    secrets = {each["parameter"]: (each["name"], each["key"]) for each in asked["secretTargetRef"]}
    names = one(objects, "ConfigMap", "callsla-keda")["data"]
    assert secrets["password"][0] == values["auth"]["existingSecret"]
    assert names["tls"] == "enable"
    if name == "keda-oauth":
        assert names["sasl"] == "oauthbearer"
        assert names["username"] == "callsla"
        assert secrets["password"][1] == "client-secret"
        parameters = {each["parameter"] for each in asked["configMapTargetRef"]}
        assert parameters == {"sasl", "tls", "username", "scopes", "oauthTokenEndpointUri", "ca"}
    else:
        assert names["sasl"] == "scram_sha512"
        assert {"ca", "cert", "key", "keyPassword", "username"} <= secrets.keys()


def test_settings_are_read_as_they_were_meant(tmp_path: Any) -> None:
    """Every worker.yaml is one that the worker takes, with files where it names some."""
    for name in ("default", "full", "oauth", "mtls", "plain"):
        text = one(rendered(name), "ConfigMap")["data"]["worker.yaml"]
        config = yaml.safe_load(text)
        for key in [key for key in config if key.endswith("_file")]:
            (tmp_path / key).write_text("something")
            config[key] = str(tmp_path / key)
        (tmp_path / "worker.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        login = {"CALLSLA_SASL_USERNAME": "x"} if name == "full" else {}
        login |= {"CALLSLA_OAUTH_CLIENT_ID": "x"} if name == "oauth" else {}
        settings = load(tmp_path / "worker.yaml", login)
        assert settings.metrics_port == config["metrics_port"]
