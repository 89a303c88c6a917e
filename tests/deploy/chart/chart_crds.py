"""JSON Schemas of custom resources, closed, in the form kubeconform reads.

Where a registry has the definitions (Prometheus operator, KEDA) they are taken from there by `make
parts`. Of the rest (Strimzi, Grafana operator) `schemas/` has what the chart uses of them.
"""

import json
from pathlib import Path
from typing import Any, Final

import yaml
from programs import REPOSITORY

__all__ = ["DEFINITIONS", "write_schemas"]

DEFINITIONS: Final = REPOSITORY / ".cache" / "crds"
OWN: Final = Path(__file__).parent / "schemas"


class _Loader(yaml.CSafeLoader):
    """Takes `=` for the text it is."""


def _equals_sign(_: _Loader, __: yaml.Node) -> str:
    return "="


yaml.add_constructor("tag:yaml.org,2002:value", _equals_sign, _Loader)

_TOP: Final = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}


def write_schemas(folder: Path) -> str:
    """Write every schema below `folder`; return where kubeconform finds them."""
    for path in sorted(DEFINITIONS.glob("*.yaml")):
        for definition in yaml.load_all(path.read_text(encoding="utf-8"), _Loader):
            _write_versions(definition["spec"], folder)
    for path in OWN.glob("*/*.json"):
        target = folder / path.relative_to(OWN)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    return f"{folder}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"


def _write_versions(spec: dict[str, Any], folder: Path) -> None:
    place = folder / spec["group"]
    place.mkdir(exist_ok=True, parents=True)
    for version in spec["versions"]:
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"] |= _TOP
        name = f"{spec['names']['kind'].lower()}_{version['name']}.json"
        (place / name).write_text(json.dumps(schema), encoding="utf-8")


def _closed(schema: Any) -> Any:
    """What a definition does not name the API server would drop without a word."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
