"""JSON Schema 2020-12 of `slo.yaml`, generated from its types, for editors and for CI."""

import json
from typing import Any, Final, get_type_hints

import msgspec

from streams.slo.durations import Duration, compact
from streams.slo.keys import VERSION, Keys, Promises, Queue
from streams.slo.objective import Objective

__all__ = ["slo_schema", "slo_schema_text"]

_DURATION: Final = {
    "type": "string",
    "pattern": r"^(\d{1,12}(ms|[dhms]))+$",
    "examples": ["250ms", "10s", "5m", "1h30m"],
}


def slo_schema() -> dict[str, Any]:
    """Return the schema: it accepts what `load_slo` accepts and values that only it can refuse."""
    schema = _object(Objective())
    schema["properties"]["version"] = {"const": VERSION, "default": VERSION}
    schema["properties"]["queues"] = {
        "description": "Name or shell pattern of queues -> what differs there.",
        "type": ["object", "null"],
        "default": {},
        "additionalProperties": _queue(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "slo.yaml",
        **schema,
    }


def slo_schema_text() -> str:
    """Return the schema as the text of `schemas/slo.schema.json`."""
    return json.dumps(slo_schema(), indent=2) + "\n"


def _queue() -> dict[str, Any]:
    """A queue inherits what it does not say, so nothing in it has a default of its own."""
    queue = _object(Queue(), defaults=False)
    longer = _object(Promises(), defaults=False)
    del longer["properties"]["whole"]
    longer["description"] = "The longer way to write `answer` and `callback`."
    queue["properties"]["promises"] = longer
    return queue


def _object(default: Keys, *, defaults: bool = True) -> dict[str, Any]:
    hints = get_type_hints(type(default), include_extras=True)
    properties = {}
    for name, hint in hints.items():
        own = getattr(default, name)
        if isinstance(own, Keys):
            properties[name] = _object(own, defaults=defaults)
        else:
            properties[name] = _leaf(hint) | ({"default": _plain(own)} if defaults else {})
    return {
        "description": (type(default).__doc__ or "").partition(".")[0] + ".",
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
    }


def _leaf(hint: Any) -> dict[str, Any]:
    if hint is Duration:
        return dict(_DURATION)
    if hint == dict[str, Queue]:
        return {"type": "object"}
    return msgspec.json.schema(hint)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return compact(value) if isinstance(value, Duration) else value
