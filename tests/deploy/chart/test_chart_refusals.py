"""A wrong value is refused before anything is installed, in one line that names it."""

from typing import Any

import pytest
from chart_helm import refusal

pytestmark = pytest.mark.integration

Values = dict[str, Any]
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
