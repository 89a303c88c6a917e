"""The chart's sets of values, and what they take for granted in a cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from helm import CHART
from kube_api import ApiError, KubeApi, path_of

__all__ = ["HIDDEN", "MONITORING", "SETS", "granted", "values_file"]

SETS: Final = tuple(
    path.name.removesuffix("-values.yaml") for path in sorted((CHART / "ci").glob("*-values.yaml"))
)
MONITORING: Final = "monitoring"
HIDDEN: Final = "nobody-may-see-this"
"""Is in every value of every Secret."""
_KEYS: Final = (
    "username", "user", "password", "pass", "client-id", "client-secret", "tls.crt", "tls.key",
    "keys", "numbers", "url", "ca.crt", "tls-ca.pem",
)  # fmt: skip
_OF_SECRETS: Final = ("existingSecret", "secret")
CONFLICT: Final = 409


def values_file(name: str) -> Path:
    """Return the path of a set."""
    return CHART / "ci" / f"{name}-values.yaml"


def granted(api: KubeApi, namespace: str) -> None:
    """Make what the sets refer to: Secrets, ConfigMaps, classes, the monitoring's namespace."""
    everything = [yaml.safe_load(values_file(name).read_text()) or {} for name in SETS]
    secrets = {name for values in everything for name in _named(values, _OF_SECRETS)}
    for name in secrets - {""}:
        held = {key: f"{key} {HIDDEN}" for key in _KEYS}
        _make(api, path_of("v1", "secrets", namespace), name, stringData=held)
    for name in {name for values in everything for name in _named(values, ("configMap",))} - {""}:
        _make(api, path_of("v1", "configmaps", namespace), name, data={"ca.crt": "a certificate"})
    _make(api, "/api/v1/namespaces", MONITORING)
    for values in everything:
        worker = values.get("worker", {})
        if "priorityClassName" in worker:
            classes = path_of("scheduling.k8s.io/v1", "priorityclasses")
            _make(api, classes, worker["priorityClassName"], value=1000)
        if "runtimeClassName" in worker:
            classes = path_of("node.k8s.io/v1", "runtimeclasses")
            _make(api, classes, worker["runtimeClassName"], handler="runsc")


def _make(api: KubeApi, path: str, name: str, **what: Any) -> None:
    try:
        api.post(path, {"metadata": {"name": name}, **what})
    except ApiError as error:
        if error.code != CONFLICT:
            raise


def _named(part: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts under one of `keys`, wherever in `part`."""
    if isinstance(part, list):
        for each in part:
            yield from _named(each, keys)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in keys and isinstance(value, str):
                yield value
            yield from _named(value, keys)
