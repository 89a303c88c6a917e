"""JSON Schemas of custom resources, closed, in the form kubeconform reads.

They are the operators' own definitions. What a `type` brings with it in a KafkaUser is not in those
that are made of Strimzi's classes: that is written down here.
"""

import json
from pathlib import Path
from typing import Any, Final

from definitions import custom_definitions

__all__ = ["BY_TYPE", "write_schemas"]

_TOP: Final = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
_ACL: Final = {
    "type": "object",
    "required": ["resource", "operations"],
    "properties": {
        "type": {"enum": ["allow", "deny"]},
        "resource": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": {"enum": ["topic", "group", "cluster", "transactionalId"]},
                "name": {"type": "string"},
                "patternType": {"enum": ["literal", "prefix"]},
            },
        },
        "host": {"type": "string"},
        "operations": {
            "type": "array",
            "items": {
                "enum": [
                    "Read", "Write", "Create", "Delete", "Alter", "Describe", "All",
                    "ClusterAction", "AlterConfigs", "DescribeConfigs", "IdempotentWrite",
                ]
            },
        },
    },
}  # fmt: skip
BY_TYPE: Final[dict[str, Any]] = {
    "authentication": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["tls", "tls-external", "scram-sha-512"]}},
    },
    "authorization": {
        "type": "object",
        "required": ["type", "acls"],
        "properties": {"type": {"enum": ["simple"]}, "acls": {"type": "array", "items": _ACL}},
    },
}
"""Fields of a KafkaUser's `spec`."""


def write_schemas(folder: Path) -> str:
    """Write every schema below `folder`; return where kubeconform finds them."""
    for definition in custom_definitions():
        _write_versions(definition["spec"], folder)
    return f"{folder}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"


def _write_versions(spec: dict[str, Any], folder: Path) -> None:
    place = folder / spec["group"]
    place.mkdir(exist_ok=True, parents=True)
    for version in spec["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        schema["properties"] |= _TOP
        if spec["names"]["kind"] == "KafkaUser":
            schema["properties"]["spec"]["properties"] |= BY_TYPE
        name = f"{spec['names']['kind'].lower()}_{version['name']}.json"
        (place / name).write_text(json.dumps(_closed(schema)), encoding="utf-8")


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
