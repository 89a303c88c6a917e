"""What every installation keeps to, whatever the values: restricted, bounded, no secret shown."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chart_helm import SETS, by_kind, one, render, rendered, rendered_text, values_of

pytestmark = pytest.mark.integration

CLUSTER_WIDE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "PriorityClass",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
}
SECRET_NAME = re.compile(r"password|secret|token|key", re.IGNORECASE)


def pods(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the spec of every Pod, also of those that a workload makes."""
    for each in rendered(name):
        if each["kind"] == "Pod":
            yield each["kind"], each["spec"]
        elif "template" in each.get("spec", {}):
            yield each["kind"], each["spec"]["template"]["spec"]


def containers(name: str) -> Iterator[dict[str, Any]]:
    for _, pod in pods(name):
        yield from pod.get("initContainers", [])
        yield from pod["containers"]


@pytest.mark.parametrize("name", SETS)
def test_pods_are_restricted(name: str) -> None:
    """As Pod Security's `restricted` asks, and a root file system that is only read, besides."""
    assert list(pods(name))
    for _, pod in pods(name):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == security["runAsGroup"] == 65532
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any(pod.get(each) for each in ("hostNetwork", "hostPID", "hostIPC"))
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    for container in containers(name):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security.get("privileged")


@pytest.mark.parametrize("name", SETS)
def test_nothing_talks_to_the_api_server(name: str) -> None:
    """No token in a Pod, no environment of other Services, no right of any kind."""
    kinds = {each["kind"] for each in rendered(name)}
    assert not kinds & (CLUSTER_WIDE | {"Role", "RoleBinding", "Secret"})
    for _, pod in pods(name):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
    for account in by_kind(rendered(name), "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", SETS)
def test_containers_are_bounded_and_of_a_fixed_version(name: str) -> None:
    """Requests, a limit of memory for what is ours, and no `latest`."""
    for container in containers(name):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        if container["command"][0] == "callsla" if "command" in container else False:
            assert container["resources"]["limits"]["memory"]
        assert re.search(r"@sha256:[0-9a-f]{64}$|:(?!latest)[\w.-]+$", container["image"])


@pytest.mark.parametrize("name", SETS)
def test_every_object_says_whose_it_is(name: str) -> None:
    """By the labels Kubernetes recommends; what a user adds himself is his own."""
    for each in rendered(name):
        if each["metadata"]["name"] in {"callsla-more", "callsla-text"}:
            continue
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "callsla"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "callsla"
        assert labels["app.kubernetes.io/version"]
        assert labels["helm.sh/chart"].startswith("callsla-")
        assert each["metadata"]["namespace"]


@pytest.mark.parametrize("name", SETS)
def test_no_secret_is_a_value(name: str) -> None:
    """Secrets are files from Secrets that exist; the environment and ConfigMaps name no secret."""
    for container in containers(name):
        for variable in container.get("env", []):
            if SECRET_NAME.search(variable["name"]) and "value" in variable:
                assert variable["value"].startswith("/var/run/secrets/callsla/")
    settings = one(rendered(name), "ConfigMap")["data"]["worker.yaml"]
    for line in settings.splitlines():
        key, _, value = line.partition(": ")
        if SECRET_NAME.search(key) and not key.startswith("oauth_token_url"):
            assert key.endswith("_file")
            assert value.startswith("/var/run/secrets/callsla/")


@pytest.mark.parametrize("name", SETS)
def test_secrets_are_files_that_only_the_worker_reads(name: str) -> None:
    """With the keys that the values name, and nothing else of the Secret."""
    for _, pod in pods(name):
        for volume in pod["volumes"]:
            if "secret" in volume:
                secret = volume["secret"]
                is_public = volume["name"].endswith("-ca")
                assert secret["defaultMode"] == (0o444 if is_public else 0o440)
                assert secret["items"]


@pytest.mark.parametrize("name", SETS)
def test_selectors_find_the_workers_and_nothing_else(name: str) -> None:
    """Service, budget and monitors select the Pods of the workload, not that of the test."""
    (workload,) = [each for each in rendered(name) if each["kind"] in {"StatefulSet", "Deployment"}]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    selectors = [workload["spec"]["selector"]["matchLabels"]]
    for each in rendered(name):
        if each["kind"] == "Service":
            selectors.append(each["spec"]["selector"])
        elif each["kind"] in {"PodDisruptionBudget", "ServiceMonitor", "PodMonitor"}:
            selectors.append(each["spec"]["selector"]["matchLabels"])
    assert all(selector == selectors[0] for selector in selectors)
    assert selectors[0].items() <= labels.items()
    for pod in by_kind(rendered(name), "Pod"):
        assert not selectors[0].items() <= pod["metadata"]["labels"].items()


def test_workers_are_closed_off() -> None:
    """Only monitoring comes in; only names and brokers are reached."""
    policy = one(rendered("default"), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (came_in,) = policy["ingress"]
    assert came_in["ports"] == [{"port": "metrics", "protocol": "TCP"}]
    monitoring = {"kubernetes.io/metadata.name": "monitoring"}
    assert came_in["from"][0] == {"namespaceSelector": {"matchLabels": monitoring}}
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [53, 53, 9092]


@pytest.mark.parametrize(
    ("name", "ports"),
    [("full", [53, 53, 9094, 9095, 4317]), ("oauth", [53, 53, 9093, 8443])],
)
def test_the_network_policy_follows_the_values(name: str, ports: list[int]) -> None:
    """Each broker's port, that of the token's address, and further rules."""
    policy = one(rendered(name), "NetworkPolicy")["spec"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == ports


@pytest.mark.parametrize(
    "change",
    [
        {"worker": {"tickSeconds": 0.5}},
        {"kafka": {"group": "other"}},
        {"slo": "version: 1\n"},
    ],
)
def test_a_change_of_the_configuration_rolls_the_workers_out(change: dict[str, Any]) -> None:
    """Their Pods carry its checksum; another image, or none of it, does not touch it."""
    kind, same = "StatefulSet", {"service": {"labels": {"a": "b"}}}
    checksums = [
        one(objects, kind)["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for objects in (rendered("default"), render(same), render(change))
    ]
    assert checksums[0] == checksums[1] != checksums[2]


def test_static_members_are_named_by_their_pods() -> None:
    """A Deployment's Pods have new names each time, so they are no static members."""
    (worker,) = one(rendered("default"), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    field = {"fieldRef": {"fieldPath": "metadata.name"}}
    assert worker["env"] == [{"name": "CALLSLA_INSTANCE", "valueFrom": field}]
    (worker,) = one(rendered("deployment"), "Deployment")["spec"]["template"]["spec"]["containers"]
    assert "env" not in worker


def test_an_autoscaler_has_the_number_of_workers_to_itself() -> None:
    """Or each upgrade would set it back."""
    assert "replicas" not in one(rendered("hpa"), "Deployment")["spec"]
    assert "replicas" not in one(rendered("keda"), "StatefulSet")["spec"]
    assert one(rendered("default"), "StatefulSet")["spec"]["replicas"] == 2


def test_nothing_a_user_must_not_see_is_in_the_release() -> None:
    """The words of a Secret are in no value, so they cannot be in `helm get manifest`."""
    for name in SETS:
        assert "kind: Secret\n" not in rendered_text(name)
        assert "BEGIN" not in json.dumps(values_of(name))
