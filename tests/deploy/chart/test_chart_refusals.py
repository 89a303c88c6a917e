"""A wrong value is refused before anything is installed, in one line that names it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from chart_helm import CHART, refusal

pytestmark = pytest.mark.integration

Values = dict[str, Any]
DEFAULTS: Values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
LOGIN = {"protocol": "SASL_SSL", "existingSecret": "login"}
BEARER = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}


@pytest.mark.parametrize(
    ("values", "place", "reason"),
    [
        ({"replicas": 3}, "''", "additional properties 'replicas' not allowed"),
        ({"worker": {"replcas": 3}}, "/worker", "additional properties 'replcas' not allowed"),
        ({"worker": {"kind": "DaemonSet"}}, "/worker/kind", "'StatefulSet', 'Deployment'"),
        ({"worker": {"replicas": "3"}}, "/worker/replicas", "got string, want integer"),
        ({"worker": {"tickSeconds": 9}}, "/worker/tickSeconds", "maximum: got 9, want 5"),
        ({"worker": {"port": 80}}, "/worker/port", "minimum: got 80, want 1,024"),
        ({"worker": {"logLevel": "loud"}}, "/worker/logLevel", "'debug', 'info'"),
        ({"kafka": {"brokers": "kafka"}}, "/kafka/brokers", "does not match pattern"),
        ({"kafka": {"brokers": ["kafka"]}}, "/kafka/brokers/0", "does not match pattern"),
        ({"kafka": {"auth": {"protocol": "TLS"}}}, "/kafka/auth/protocol", "'SASL_SSL'"),
        ({"kafka": {"auth": {"mechanism": "GSSAPI"}}}, "/kafka/auth/mechanism", "'OAUTHBEARER'"),
        ({"kafka": {"auth": {"password": "x"}}}, "/kafka/auth", "'password' not allowed"),
        ({"kafka": {"topics": {"events": "a b"}}}, "/kafka/topics/events", "pattern"),
        ({"kafka": {"topics": {"raw": {"pbx": "cdr"}}}}, "/kafka/topics/raw/pbx", "one of"),
        ({"kafka": {"topics": {"partitions": 0}}}, "/kafka/topics/partitions", "minimum"),
        ({"image": {"tag": "latest"}}, "/image/tag", "not"),
        ({"image": {"digest": "sha256:1"}}, "/image/digest", "pattern"),
        ({"podDisruptionBudget": {"maxUnavailable": "x"}}, "/maxUnavailable", "pattern"),
        ({"alertmanager": {"kind": "Secret"}}, "/alertmanager/kind", "'AlertmanagerConfig'"),
        ({"alertmanager": {"receivers": {"page": {}}}}, "/alertmanager/receivers", "'page' not"),
        (
            {"prometheusRule": {"alerts": {"NoEvents": {"severity": "bad"}}}},
            "/prometheusRule/alerts/NoEvents/severity",
            "'critical', 'warning', 'info'",
        ),
        ({"serviceMonitor": {"interval": "often"}}, "/serviceMonitor/interval", "pattern"),
        ({"strimzi": {"apiVersion": "v1"}}, "/strimzi/apiVersion", "kafka.strimzi.io/v1"),
        ({"test": {"grafana": "grafana"}}, "/test/grafana", "pattern"),
        ({"keda": {"minReplicas": 0}}, "/keda/minReplicas", "minimum: got 0, want 1"),
        ({"generated": {"rule": ""}}, "/generated", "'rule' not allowed"),
    ],
)
def test_the_schema_names_what_is_wrong(values: Values, place: str, reason: str) -> None:
    """The place in the values and what is allowed there."""
    lines = [line for line in refusal(values).splitlines() if line.startswith("- at ")]
    assert len(lines) == 1
    assert place in lines[0]
    assert reason in lines[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kafka": {"brokers": ""}}, "kafka.brokers is needed: name your brokers, such as --set "),
        (
            {"kafka": {"auth": {"protocol": "SASL_SSL"}}},
            "kafka.auth.existingSecret is needed with SASL_SSL: the Secret with the password",
        ),
        (
            {"kafka": {"auth": {"existingSecret": "login"}}},
            "kafka.auth.existingSecret and username have no effect with PLAINTEXT: set "
            "kafka.auth.protocol to SASL_SSL, or remove them",
        ),
        (
            {"kafka": {"tls": {"ca": {"secret": "ca"}}}},
            "kafka.tls has no effect with PLAINTEXT: set kafka.auth.protocol to SSL, or remove it",
        ),
        (
            {"kafka": {"auth": LOGIN, "tls": {"ca": {"secret": "a", "configMap": "b"}}}},
            "kafka.tls.ca: configMap and secret are two places: set one of them",
        ),
        (
            {"kafka": {"auth": BEARER}},
            "kafka.auth.oauth: OAUTHBEARER takes tokenUrl or serviceAccountToken.enabled: set one",
        ),
        (
            {"kafka": {"auth": {**BEARER, "oauth": {"tokenUrl": "https://x/token"}}}},
            "kafka.auth.existingSecret is needed with kafka.auth.oauth.tokenUrl: the Secret with",
        ),
        (
            {"kafka": {"topics": {"events": "a", "ledger": "a"}}},
            "kafka.topics: two topics have one name: rename one of them",
        ),
        (
            {"kafka": {"topics": {"raw": {"pbx": "asterisk-queue-log"}}}},
            "pseudonymKeys.existingSecret is needed with kafka.topics.raw: customers need keys",
        ),
        (
            {"worker": {"extraEnv": [{"name": "CALLSLA_SASL_PASSWORD", "value": "x"}]}},
            "worker.extraEnv: CALLSLA_SASL_PASSWORD is a secret: take it from a Secret",
        ),
        (
            {"worker": {"replicas": 13}},
            "worker.replicas is 13, with kafka.topics.partitions 12: further workers would have",
        ),
        (
            {"autoscaling": {"enabled": True, "maxReplicas": 13}},
            "autoscaling.maxReplicas is 13, with kafka.topics.partitions 12: further workers",
        ),
        (
            {"keda": {"enabled": True, "minReplicas": 5}},
            "keda.minReplicas is above maxReplicas",
        ),
        (
            {"autoscaling": {"enabled": True}, "keda": {"enabled": True}},
            "autoscaling and keda would pull at the same workers: enable one of them",
        ),
        (
            {
                "keda": {"enabled": True},
                "kafka": {"auth": {**BEARER, "oauth": {"serviceAccountToken": {"enabled": True}}}},
            },
            "keda: it cannot log in with a token of the ServiceAccount: use kafka.auth.oauth.token",
        ),
        (
            {"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 2}},
            "podDisruptionBudget: minAvailable and maxUnavailable exclude each other: set one",
        ),
        (
            {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "serviceMonitor and podMonitor would have every worker scraped twice: enable one",
        ),
        (
            {"dashboards": {"grafanaOperator": {"enabled": True}}},
            "dashboards.grafanaOperator needs the ConfigMaps: set dashboards.enabled",
        ),
        (
            {"prometheusRule": {"alerts": {"NoEvent": {"enabled": False}}}},
            "prometheusRule.alerts: there is no alert NoEvent: one of AnswerPromiseFastBurn, ",
        ),
        (
            {"alertmanager": {"kind": "AlertmanagerConfig"}},
            "alertmanager: alerts of severity critical would reach nobody: set alertmanager.web",
        ),
        (
            {"strimzi": {"topics": {"enabled": True}}},
            "strimzi.cluster is needed with strimzi.topics and strimzi.user: the name of the Kafka",
        ),
        (
            {"test": {"tokens": {"existingSecret": "doors"}}},
            "test.tokens: existingSecret and the keys in it belong together: set both or neither",
        ),
        (
            {
                "kafka": {"auth": {"protocol": "SASL_SSL"}},
                "strimzi": {"cluster": "a", "namespace": "kafka", "user": {"enabled": True}},
            },
            "strimzi.namespace: the KafkaUser's Secret is made in kafka, where the workers cannot",
        ),
    ],
)
def test_what_does_not_go_together_is_told(values: Values, said: str) -> None:
    """In words, and with what to do."""
    faults = [line for line in refusal(values).splitlines() if said in line]
    assert len(faults) == 1


def test_all_faults_are_told_at_once() -> None:
    """Nobody has to come back three times."""
    said = refusal({"worker": {"replicas": 99}, "kafka": {"tls": {"ca": {"secret": "ca"}}}})
    assert said.count("\n- ") == 2


def leaves(values: Values, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value that holds no further ones, and where it is."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*way, name))
        else:
            yield (*way, name), value


def groups(values: Values, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where there is a group of values."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield (*way, name)
            yield from groups(value, (*way, name))


def placed(way: tuple[str, ...], value: Any) -> Values:
    """Return values with `value` at `way`."""
    return {way[0]: placed(way[1:], value) if way[1:] else value}


def merged(one: Values, other: Values) -> Values:
    both = {**one}
    for name, value in other.items():
        is_group = isinstance(value, dict) and isinstance(both.get(name), dict)
        both[name] = merged(both[name], value) if is_group else value
    return both


OF_KUBERNETES = (("worker", "resources"), ("test", "resources"))
CONTEXTS = (("worker", "podSecurityContext"), ("worker", "securityContext"))


def is_ours(way: tuple[str, ...]) -> bool:
    """What belongs to Kubernetes is open here, and judged by it; so are labels."""
    is_free = way[-1] in {"labels", "annotations"}
    return way[:2] not in (*OF_KUBERNETES, *CONTEXTS) and not is_free


def test_every_value_of_a_wrong_kind_is_named() -> None:
    """A list of lists is none of them, and a text is no list."""
    ours = [(way, value) for way, value in leaves(DEFAULTS) if is_ours(way) or way[-1] == "labels"]
    wrong: Values = {}
    for way, value in ours:
        wrong = merged(wrong, placed(way, "text" if isinstance(value, list) else [[1]]))
    said = refusal(wrong)
    assert len(ours) > 150
    for way, _ in ours:
        assert re.search(rf"^\s*- at '/{'/'.join(way)}[/']", said, re.MULTILINE), way


def test_an_unknown_value_is_named_wherever_it_is() -> None:
    """In every group but `global`, where other charts have theirs."""
    ours = [way for way in groups(DEFAULTS) if is_ours(way) and way != ("global",)]
    wrong: Values = {}
    for way in ours:
        wrong = merged(wrong, placed((*way, "unknown"), 1))
    said = refusal(wrong)
    for way in ours:
        place = re.escape(f"- at '/{'/'.join(way)}': additional properties 'unknown' not allowed")
        assert re.search(rf"^\s*{place}", said, re.MULTILINE), way
    assert "global" not in said
