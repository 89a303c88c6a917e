"""The chart on a real API server, in a namespace that enforces the level `restricted`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from census import Found, census, strictly, told_secrets
from control_plane import ControlPlane
from helm import CHART, Helm, former_chart
from kube_api import ApiError, KubeApi, path_of
from value_sets import HIDDEN, MONITORING, SETS, granted, values_file

RELEASE = "calls"
WORKERS = "app.kubernetes.io/component=worker"
SECONDS = 120
OF_ADMINISTRATORS = {
    "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Namespace",
    "CustomResourceDefinition", "PriorityClass",
}  # fmt: skip
MINIMAL = ("--set", "kafka.brokers=kafka.example:9092")


@pytest.fixture(autouse=True)
def _prepared(plane: ControlPlane, namespace: str) -> None:
    granted(plane.api, namespace)


def until(what: str, is_so: Callable[[], Any]) -> Any:
    """Return what `is_so` returns once that is true."""
    deadline = time.monotonic() + SECONDS
    while not (found := is_so()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


class Workers:
    """The workload of the release and its Pods, as the cluster has them."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._api, self._namespace = plane.api, namespace

    def pods(self) -> list[dict[str, Any]]:
        """Return those that are not about to go."""
        found = self._api.items(path_of("v1", "pods", self._namespace), labelSelector=WORKERS)
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def refusals(self) -> list[str]:
        """Return why Pods could not be made."""
        path = path_of("v1", "events", self._namespace)
        found = self._api.items(path, fieldSelector="reason=FailedCreate")
        return [each["message"] for each in found]

    def are_complete(self) -> bool:
        """Return whether there is one workload, and every Pod of it is there."""
        found = [
            each
            for plural in ("statefulsets", "deployments")
            for each in self._api.items(path_of("apps/v1", plural, self._namespace))
        ]
        if len(found) != 1:
            return False
        status, (workload,) = found[0].get("status", {}), found
        wanted = workload["spec"]["replicas"]
        seen = status.get("observedGeneration") == workload["metadata"]["generation"]
        return seen and (status.get("replicas"), len(self.pods())) == (wanted, wanted)


@pytest.fixture
def workers(plane: ControlPlane, namespace: str) -> Workers:
    """The workers of the test's namespace."""
    return Workers(plane, namespace)


def test_each_value_set_is_taken_and_every_way_back(
    plane: ControlPlane, namespace: str, helm: Helm, workers: Workers
) -> None:
    """One after the other as upgrades of one release, then back to the first, then nothing.

    Pods are made and admitted each time; the API server takes every object to the letter, and
    none asks for more than a namespace; no secret is in what Helm keeps; after `helm uninstall`
    there is what was there before.
    """
    before, first = _everywhere(plane, namespace), None
    for number, name in enumerate(SETS):
        do = helm.upgrade if number else helm.install
        notes = do(RELEASE, "--values", values_file(name))
        manifest = helm.manifest(RELEASE)
        first = first or manifest
        assert strictly(plane.api, namespace, manifest) == [], name
        assert not {each["kind"] for each in manifest} & OF_ADMINISTRATORS, name
        assert not told_secrets(HIDDEN, helm.run("get", "all", RELEASE) + notes), name
        until(f"{name}: its Pods are there", workers.are_complete)
        assert workers.refusals() == [], name
    helm.run("rollback", RELEASE, "1")
    until("the first one's Pods are back", workers.are_complete)
    assert helm.manifest(RELEASE) == first
    helm.run("uninstall", RELEASE)
    until("only what was before is left", lambda: _everywhere(plane, namespace) == before)


def _everywhere(plane: ControlPlane, namespace: str) -> list[Found]:
    return [census(plane.api, each) for each in (namespace, MONITORING)]


def test_the_former_chart_is_upgraded_and_the_way_back_is_open(
    helm: Helm, workers: Workers, tmp_path: Path
) -> None:
    """With its values on today's defaults; nothing that cannot be changed is."""
    helm.run("install", RELEASE, former_chart(tmp_path), *MINIMAL)
    until("the former one's Pods are there", workers.are_complete)
    helm.run("upgrade", RELEASE, CHART, "--reset-then-reuse-values")
    until("today's Pods are there", workers.are_complete)
    helm.run("rollback", RELEASE, "1")
    until("the former one's Pods are back", workers.are_complete)
    assert helm.manifest(RELEASE) == helm.manifest(RELEASE, "--revision", "1")
    assert workers.refusals() == []


def test_a_worker_that_may_be_root_is_refused(helm: Helm, workers: Workers) -> None:
    """A value that breaks `restricted` makes no Pod, and the cluster tells why."""
    helm.install(RELEASE, *MINIMAL, "--set", "worker.podSecurityContext.runAsNonRoot=false")
    refusals = until("it is refused", workers.refusals)
    assert all("violates PodSecurity" in each and "runAsNonRoot" in each for each in refusals)
    assert workers.pods() == []


def test_the_workers_account_may_do_nothing(
    plane: ControlPlane, namespace: str, helm: Helm, workers: Workers
) -> None:
    """Its own token, were it mounted, would open no door; and it is mounted nowhere."""
    helm.install(RELEASE, *MINIMAL)
    pod, _ = until("its Pods are there", lambda: workers.are_complete() and workers.pods())
    assert not [v for v in pod["spec"]["volumes"] if v["name"].startswith("kube-api-access")]
    path = path_of("v1", "serviceaccounts", namespace, pod["spec"]["serviceAccountName"])
    assert not path.endswith("/default")
    own = plane.with_token(plane.api.post(f"{path}/token", {})["status"]["token"])
    for plural in ("pods", "secrets", "configmaps", "services", "serviceaccounts"):
        for where in (namespace, None):
            with pytest.raises(ApiError, match="cannot list resource") as refused:
                own.items(path_of("v1", plural, where))
            assert refused.value.code == 403
    assert _rights(own, namespace) <= EVERYBODY


EVERYBODY = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
"""Resources about which anybody who is known may ask for himself."""


def _rights(api: KubeApi, namespace: str) -> set[str]:
    reviews = path_of("authorization.k8s.io/v1", "selfsubjectrulesreviews")
    told = api.post(reviews, {"spec": {"namespace": namespace}})["status"]
    return {resource for rule in told["resourceRules"] for resource in rule["resources"]}
