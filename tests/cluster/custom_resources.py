"""Definitions of the optional custom resources, from what their makers publish in registries."""

import subprocess
import time
from pathlib import Path
from typing import Any, Final

import yaml
from kube_api import KubeApi, path_of

__all__ = ["define_resources"]

CACHE: Final = Path(__file__).parents[2] / ".cache"
PUBLISHED: Final = CACHE / "crds"
"""Those of the Prometheus operator and of KEDA, as `make parts` has brought them."""
STRIMZI: Final = Path(__file__).with_name("strimzi") / "pom.xml"
CLASSES: Final = tuple(
    f"io.strimzi.api.kafka.model.{name}" for name in ("topic.KafkaTopic", "user.KafkaUser")
)
ESTABLISHED_SECONDS: Final = 30

Object = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Takes `=` for the text it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def define_resources(api: KubeApi) -> None:
    """Have the API server know all of them.

    Raises:
        ApiError: it does not take one.
    """
    plural = path_of("apiextensions.k8s.io/v1", "customresourcedefinitions")
    published = sorted(PUBLISHED.glob("*.yaml"))
    assert published, "definitions of custom resources are missing: make parts"
    made = [*map(_read, published), *_of_strimzi(), _grafana_dashboard()]
    for definition in made:
        api.apply(f"{plural}/{definition['metadata']['name']}", definition)
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while not all(_is_established(each) for each in api.items(plural)):
        assert time.monotonic() < deadline, "custom resources are not served"
        time.sleep(0.1)


def _read(path: Path) -> Object:
    found: Object = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    return found


def _is_established(definition: Object) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _of_strimzi() -> list[Object]:
    """Strimzi publishes classes; fabric8's generator makes definitions of them, as Strimzi's does.

    What it does not know is Strimzi's way to say that a map takes anything, what a `type` brings
    with it, and that two versions of one shape are served.
    """
    libs, made = CACHE / "strimzi" / "libs", CACHE / "strimzi" / "crds"
    if not list(made.glob("*.yml")):
        fetch = ["mvn", "--quiet", "--batch-mode", "--file", str(STRIMZI)]
        fetch += ["dependency:copy-dependencies", f"-DoutputDirectory={libs}"]
        subprocess.run(fetch, check=True, capture_output=True)
        made.mkdir(parents=True, exist_ok=True)
        program = ["java", "-cp", f"{libs}/*", "io.fabric8.crd.generator.cli.CRDGeneratorCLI"]
        subprocess.run([*program, "-o", str(made), *CLASSES], check=True, capture_output=True)
    return [_as_strimzi_has_it(_read(path)) for path in sorted(made.glob("*.yml"))]


def _as_strimzi_has_it(definition: Object) -> Object:
    (version,) = _opened(definition["spec"]["versions"])
    former = {**version, "name": "v1beta2", "storage": False}
    return {**definition, "spec": {**definition["spec"], "versions": [version, former]}}


def _opened(part: Any) -> Any:
    if isinstance(part, list):
        return [_opened(each) for each in part]
    if not isinstance(part, dict):
        return part
    takes_anything = part.get("additionalProperties") == {"type": "object"}
    by_type = set(part.get("properties", {})) == {"type"}
    if takes_anything or by_type:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {key: _opened(value) for key, value in part.items()}


def _grafana_dashboard() -> Object:
    """The Grafana operator publishes none where packages can be had: this one takes anything."""
    group, plural = "grafana.integreatly.org", "grafanadashboards"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1beta1", "served": True, "storage": True}
    names = {"kind": "GrafanaDashboard", "plural": plural, "singular": "grafanadashboard"}
    versions = [{**version, "schema": {"openAPIV3Schema": schema}}]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": versions},
    }
