"""Definitions of the optional custom resources, by their operators, as `make parts` brings them."""

from pathlib import Path
from typing import Any, Final

import yaml
from programs import REPOSITORY

__all__ = ["STRIMZI_CLASSES", "custom_definitions"]

FETCHED: Final = REPOSITORY / ".cache" / "crds"
STRIMZI_CLASSES: Final = REPOSITORY / ".cache" / "strimzi" / "libs"

Definition = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Takes `=` for the text it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def custom_definitions() -> list[Definition]:
    """Return every definition; none if they were not brought."""
    return [
        _as_strimzi_has_it(definition) if "strimzi" in path.name else definition
        for path in sorted(FETCHED.glob("*.yaml"))
        for definition in [_read(path)]
    ]


def _read(path: Path) -> Definition:
    found: Definition = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    return found


def _as_strimzi_has_it(definition: Definition) -> Definition:
    """What the generator does not know of Strimzi's classes.

    It is their way to say that a map takes anything, what a `type` brings with it, and that two
    versions of one shape are served.
    """
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
