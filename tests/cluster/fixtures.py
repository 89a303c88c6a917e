"""Kubernetes for the tests of this folder, and a namespace in it for each of them."""

import itertools
from collections.abc import Iterator

import pytest
from control_plane import ControlPlane, control_plane
from custom_resources import define_resources
from helm import Helm
from kube_api import path_of
from workers import until

__all__ = ["helm", "namespace", "plane"]

_numbers = itertools.count()


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for all tests of the session."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as running:
        define_resources(running.api)
        yield running


@pytest.fixture
def namespace(plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own that enforces the Pod Security level `restricted`."""
    name = f"centre-{next(_numbers)}"
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    metadata = {"name": name, "labels": labels}
    plane.api.post("/api/v1/namespaces", {"metadata": metadata})
    # Without its account no Pod is admitted.
    account = path_of("v1", "serviceaccounts", name, "default")
    until(lambda: plane.api.get(account), "the namespace is furnished", 30)
    yield name
    plane.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def helm(plane: ControlPlane, namespace: str) -> Helm:
    """Helm, with all rights, in the namespace of the test."""
    return Helm(plane.kubeconfig, namespace)
