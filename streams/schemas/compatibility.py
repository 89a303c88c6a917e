"""Whether a new set of schemas still accepts what the old one promised.

Events are backward compatible if every event valid yesterday is valid today: fields and kinds may
be added, nothing removed, required or narrowed. Promise events also have to stay complete for their
readers: a field that was always there must stay so.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from streams.promise_events import KIND as PROMISE_KIND
from streams.schemas.documents import file_name

__all__ = ["check_compatibility"]

Schema: TypeAlias = dict[str, Any]

DERIVED: Final = {file_name("event"), file_name("cloudevent")}
"""Made from the schemas of the kinds: what breaks there has been found before."""
FLOORS: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
CEILINGS: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
EXACT: Final = ("pattern", "format", "multipleOf", "not")


def check_compatibility(old: Path, new: Path) -> list[str]:
    """Return one line for each thing allowed by the schemas in `old` that those in `new` forbid.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is not JSON, or `old` holds no schemas.
    """
    before = {path.name: _load(path) for path in sorted(old.glob("*.schema.json"))}
    if not before:
        raise ValueError(f"{old} holds no schemas: name a folder written by `callsla schema write`")
    findings: list[str] = []
    for name, schema in before.items():
        if name in DERIVED:
            continue
        if not (new / name).is_file():
            findings.append(f"{name}: removed")
            continue
        after = _load(new / name)
        findings += [f"{name}: {text}" for text in _narrowed(schema, after, "$")]
        if name == file_name(PROMISE_KIND):
            findings += [f"{name}: {text}" for text in _no_longer_sure(schema, after)]
    return findings


def _load(path: Path) -> Schema:
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(schema, dict):
        raise ValueError(f"{path} is no schema: it has to be a JSON object")
    return schema


def _no_longer_sure(old: Schema, new: Schema) -> Iterator[str]:
    for name in old.get("required", ()):
        if name not in new.get("required", ()):
            yield f"$.{name}: readers relied on it, now it may be absent"


def _narrowed(old: Schema, new: Schema, place: str) -> Iterator[str]:
    """What `old` accepts and `new` does not; each way of being valid has to find one of the new."""
    for way in _ways(old):
        # What is nearest says best what changed: a way of the same type comes first.
        others = sorted(_ways(new), key=lambda other: other.get("type") != way.get("type"))
        findings = [list(_narrowed_way(way, other, place)) for other in others]
        if all(findings):
            yield from min(findings, key=len)


def _ways(schema: Schema) -> list[Schema]:
    """Return the alternatives of `schema`, each complete in itself."""
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
    chosen = schema.get("anyOf") or schema.get("oneOf") or [{}]
    whole = [{**rest, **way, "required": _both("required", rest, way)} for way in chosen]
    return [single for way in whole for single in _single_types(way)]


def _both(name: str, first: Schema, second: Schema) -> list[str]:
    return [*first.get(name, ()), *second.get(name, ())]


def _single_types(schema: Schema) -> list[Schema]:
    types = schema.get("type")
    return [{**schema, "type": one} for one in types] if isinstance(types, list) else [schema]


def _narrowed_way(old: Schema, new: Schema, place: str) -> Iterator[str]:
    other_type = list(_types(old, new, place))
    if other_type:
        # The limits of one type say nothing about another.
        yield from other_type
        return
    yield from _values(old, new, place)
    yield from _limits(old, new, place)
    yield from _objects(old, new, place)
    if "items" in new:
        yield from _narrowed(old.get("items", {}), new["items"], f"{place}[]")


def _types(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = old.get("type"), new.get("type")
    wider = (before, after) == ("integer", "number")
    # A list of values says more than their type.
    if after is not None and before != after and not wider and _allowed(old) is None:
        yield f"{place}: was {before or 'anything'}, is {after}"


def _allowed(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _values(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = _allowed(old), _allowed(new)
    if after is None:
        return
    if before is None:
        yield f"{place}: only {after} are allowed now"
        return
    gone = [value for value in before if value not in after]
    if gone:
        yield f"{place}: {', '.join(map(str, gone))} no longer allowed"


def _limits(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name in FLOORS:
        if name in new and not (name in old and old[name] >= new[name]):
            yield f"{place}: {name} was {old.get(name, 'open')}, is {new[name]}"
    for name in CEILINGS:
        if name in new and not (name in old and old[name] <= new[name]):
            yield f"{place}: {name} was {old.get(name, 'open')}, is {new[name]}"
    for name in EXACT:
        if name in new and new[name] != old.get(name):
            yield f"{place}: {name} was {old.get(name, 'open')}, is {new[name]}"


def _objects(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        if name in after:
            yield from _narrowed(schema, after[name], f"{place}.{name}")
        else:
            yield f"{place}.{name}: removed"
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            yield f"{place}.{name}: now required"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{place}: closed to further fields"
