"""The ground the other tests of this folder stand on: it really makes, refuses and forbids."""

import time
from typing import Any

import pytest
from control_plane import ControlPlane
from kube_api import ApiError, path_of

RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _stateful_set(name: str, security: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "main", "image": "example.invalid/it:1", "securityContext": security}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _until(plane: ControlPlane, path: str, is_so: Any, **query: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while True:
        found = plane.api.items(path, **query)
        if is_so(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_stateful_set_makes_its_pods(plane: ControlPlane, namespace: str) -> None:
    """And they get the service account of their namespace, as on any cluster."""
    sets, pods = (
        path_of(v, p, namespace) for v, p in (("apps/v1", "statefulsets"), ("v1", "pods"))
    )
    plane.api.post(sets, _stateful_set("good", RESTRICTED))
    (pod,) = _until(plane, pods, bool)
    assert pod["metadata"]["name"] == "good-0"
    assert pod["spec"]["serviceAccountName"] == "default"


def test_pod_security_judges_the_pods_of_a_workload(plane: ControlPlane, namespace: str) -> None:
    """Without what `restricted` demands there is no Pod, and the reason is told."""
    sets, events = (
        path_of(v, p, namespace) for v, p in (("apps/v1", "statefulsets"), ("v1", "events"))
    )
    plane.api.post(sets, _stateful_set("bad", {**RESTRICTED, "runAsNonRoot": False}))
    (event,) = _until(plane, events, bool, fieldSelector="reason=FailedCreate")
    assert "violates PodSecurity" in event["message"]
    assert not plane.api.items(path_of("v1", "pods", namespace))


def test_a_token_without_rights_may_do_nothing(plane: ControlPlane, namespace: str) -> None:
    """Rights are checked: who has none cannot even look."""
    accounts = path_of("v1", "serviceaccounts", namespace)
    token = plane.api.post(f"{accounts}/default/token", {})["status"]["token"]
    with pytest.raises(ApiError, match="cannot list resource") as refused:
        plane.with_token(token).items(path_of("v1", "secrets", namespace))
    assert refused.value.code == 403
