"""What there is in a namespace, of every kind the API server knows."""

import base64
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from kube_api import KubeApi, path_of

__all__ = ["Found", "census", "strictly", "told_secrets"]

OF_THE_CLUSTER: Final = {
    ("Event", ""),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
}
"""Kinds and names that are in every namespace; an empty name stands for all."""

Found = set[tuple[str, str]]
"""Kind and name of each object."""


def census(api: KubeApi, namespace: str) -> Found:
    """Return what there is beside what the cluster itself puts into a namespace."""
    found: Found = set()
    for version, resource in _resources(api):
        for each in api.items(path_of(version, resource["name"], namespace)):
            kind, name = resource["kind"], each["metadata"]["name"]
            if not {(kind, name), (kind, "")} & OF_THE_CLUSTER:
                found.add((kind, name))
    return found


@cache
def _resources(api: KubeApi) -> list[tuple[str, dict[str, Any]]]:
    return list(_asked_for(api))


def _asked_for(api: KubeApi) -> Iterator[tuple[str, dict[str, Any]]]:
    groups = api.get("/apis")["groups"]
    versions = ["v1", *(each["groupVersion"] for group in groups for each in group["versions"])]
    for version in versions:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for resource in api.get(root)["resources"]:
            if resource["namespaced"] and "list" in resource["verbs"]:
                yield version, resource


def strictly(api: KubeApi, namespace: str, manifest: list[dict[str, Any]]) -> list[str]:
    """Return what the API server says to each object that it would not take to the letter."""
    plurals = {(v, r["kind"]): r["name"] for v, r in _resources(api) if "/" not in r["name"]}
    refused = []
    for each in manifest:
        version, kind = each["apiVersion"], each["kind"]
        metadata = {**each["metadata"], "name": f"again-{each['metadata']['name']}"}
        path = path_of(version, plurals[version, kind], metadata.get("namespace", namespace))
        try:
            asked = {"dryRun": "All", "fieldValidation": "Strict"}
            api.post(path, {**each, "metadata": metadata}, **asked)
        except RuntimeError as error:
            refused.append(f"{kind}: {error}")
    return refused


def told_secrets(secret: str, text: str) -> bool:
    """Return whether `secret` is in `text`, plain or in base64."""
    # At each of three beginnings the same text is another one in base64.
    encoded = [base64.b64encode(b" " * n + secret.encode()).decode()[4:-4] for n in range(3)]
    return any(each in text for each in (secret, *encoded))
