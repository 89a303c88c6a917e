"""Has an API server know the optional custom resources."""

import time
from typing import Any, Final

from definitions import custom_definitions
from kube_api import KubeApi, path_of

__all__ = ["define_resources"]

ESTABLISHED_SECONDS: Final = 30


def define_resources(api: KubeApi) -> None:
    """Have the API server know all of them.

    Raises:
        ApiError: it does not take one.
    """
    plural = path_of("apiextensions.k8s.io/v1", "customresourcedefinitions")
    made = custom_definitions()
    assert made, "definitions of custom resources are missing: make parts"
    for definition in made:
        api.apply(f"{plural}/{definition['metadata']['name']}", definition)
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while not all(_is_established(each) for each in api.items(plural)):
        assert time.monotonic() < deadline, "custom resources are not served"
        time.sleep(0.1)


def _is_established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
