"""The JSON Schema (2020-12) of each kind of event, made from its msgspec type.

Events are described as their producers should send them: closed, so that a misspelt field fails
where it is written. The worker itself tolerates and counts fields it does not know. Promise events
are described as their consumers should read them: open, because fields will be added.
"""

import copy
from typing import Any, Final, TypeAlias

import msgspec

from streams.cloudevents import type_of
from streams.events import EVENT_TYPES, CallbackEvent
from streams.instants import EARLIEST, LATEST, MILLISECOND
from streams.ledger import VERDICTS
from streams.promise_events import KIND as PROMISE_KIND
from streams.promise_events import PromiseEvent

__all__ = ["ATTRIBUTES", "Schema", "documents", "file_name", "identifier"]

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ATTRIBUTES: Final = ("kind", "id", "at", "source")
"""Fields of a plain event that are attributes of a CloudEvent, not part of its data."""

_INTEGER: Final = {
    "type": "integer",
    "minimum": EARLIEST // MILLISECOND,
    "maximum": LATEST // MILLISECOND - 1,
    "description": "Milliseconds since 1970-01-01 UTC",
}
_DESCRIPTIONS: Final = {
    "kind": "What happened",
    "id": "Unique within `source`: the same `source` and `id` again is the same event",
    "at": "When it happened: RFC 3339 with a zone, or milliseconds since 1970-01-01 UTC",
    "source": "Which system says so, such as one PBX",
    "queue": "Name of the queue",
    "customer": "Pseudonym of the customer (keyed hash of the number), never the number itself",
    "anonymous": "The customer's number was withheld: nobody can be called back",
    "call_id": "One call from its arrival to its end, over transfers and queues",
    "answered_by": "Who picked up; only a human keeps the promise",
    "agent": "Pseudonym of the agent",
    "to": "Where the call went",
    "reason": "Why, in the words of the source",
    "ended_by": "Who hung up",
    "resolved": "Whether the customer's request was settled",
    "due_at": "When the customer wishes to be called; the promise has its own due time",
    "with": "Who picked up the callback; voicemail is not the customer",
}


def documents() -> dict[str, Schema]:
    """Return every schema by the name of its file."""
    kinds = {kind: _event(kind) for kind in EVENT_TYPES}
    return {
        **{file_name(kind): schema for kind, schema in kinds.items()},
        file_name("event"): _any_event(kinds),
        file_name("cloudevent"): _cloudevent(kinds),
        file_name(PROMISE_KIND): _promise(),
    }


def file_name(name: str) -> str:
    """`call.offered` -> `call.offered.schema.json`."""
    return f"{name}.schema.json"


def identifier(name: str) -> str:
    """`call.offered` -> `urn:callsla:schema:call.offered:v1`."""
    return f"urn:callsla:schema:{name}:v1"


def _event(kind: str) -> Schema:
    cls = EVENT_TYPES[kind]
    schema = _of_type(cls, kind)
    properties = {name: _field(name, schema["properties"][name]) for name in _ordered(schema)}
    properties["kind"] = {"description": _DESCRIPTIONS["kind"], "const": kind}
    schema["properties"] = properties
    if issubclass(cls, CallbackEvent):
        schema["anyOf"] = [_named("customer"), _named("call_id")]
    return schema


def _of_type(cls: type, name: str) -> Schema:
    """Return msgspec's schema of `cls` with a head of its own."""
    (made,), definitions = msgspec.json.schema_components([cls], ref_template="{name}")
    body = definitions[made["$ref"]]
    head = {"$schema": DIALECT, "$id": identifier(name), "title": name}
    text = {"description": " ".join(str(cls.__doc__).split())}
    return {**head, **text, **{key: body[key] for key in body if key not in {*head, *text}}}


def _ordered(schema: Schema) -> list[str]:
    """The common fields first, in the order of their descriptions."""
    return [name for name in _DESCRIPTIONS if name in schema["properties"]]


def _field(name: str, schema: Schema) -> Schema:
    """Describe one field; null is read like an absent field but nobody needs to write it."""
    variants = [variant for variant in schema.get("anyOf", [schema]) if variant != {"type": "null"}]
    variants = [_INTEGER if variant == {"type": "integer"} else variant for variant in variants]
    rest = {key: schema[key] for key in ("default",) if schema.get(key) is not None}
    body = variants[0] if len(variants) == 1 else {"anyOf": variants}
    return {"description": _DESCRIPTIONS[name], **body, **rest}


def _named(name: str) -> Schema:
    return {"required": [name]}


def _any_event(kinds: dict[str, Schema]) -> Schema:
    """One schema for all kinds, complete in itself."""
    return {
        "$schema": DIALECT,
        "$id": identifier("event"),
        "title": "event",
        "description": "Any canonical call-centre event; `kind` says which.",
        "type": "object",
        "required": ["kind"],
        "discriminator": {"propertyName": "kind"},
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
        "$defs": {kind: _embedded(schema) for kind, schema in kinds.items()},
    }


def _embedded(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}


def _cloudevent(kinds: dict[str, Schema]) -> Schema:
    """The envelope of the structured mode; `$defs` hold the data, which is the value in binary."""
    text = {"type": "string", "minLength": 1, "maxLength": 128}
    return {
        "$schema": DIALECT,
        "$id": identifier("cloudevent"),
        "title": "cloudevent",
        "description": "A canonical event as a CloudEvent 1.0 in structured mode.",
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"description": _DESCRIPTIONS["id"], **text},
            "source": {"description": _DESCRIPTIONS["source"], **text},
            "type": {"enum": [type_of(kind) for kind in kinds]},
            "time": {"description": "When it happened", "type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type", "time"],
        "allOf": [_when("type", type_of(kind), "data", f"#/$defs/{kind}") for kind in kinds],
        "$defs": {kind: _data(schema) for kind, schema in kinds.items()},
    }


def _data(schema: Schema) -> Schema:
    """Return the schema of an event without what its envelope says."""
    data = copy.deepcopy(_embedded(schema))
    data["properties"] = {
        name: value for name, value in data["properties"].items() if name not in ATTRIBUTES
    }
    data["required"] = [name for name in data["required"] if name not in ATTRIBUTES]
    return data


def _when(name: str, value: str, then: str, reference: str) -> Schema:
    required = [] if reference.endswith("source.heartbeat") else [then]
    return {
        "if": {"properties": {name: {"const": value}}, "required": [name]},
        "then": {"properties": {then: {"$ref": reference}}, "required": required},
    }


def _promise() -> Schema:
    schema = _of_type(PromiseEvent, PROMISE_KIND)
    schema["properties"] = {
        name: _without_null(value) for name, value in schema["properties"].items()
    }
    schema["properties"]["kind"] = {
        "description": "Always the same: a change of a promise",
        "const": PROMISE_KIND,
    }
    schema["allOf"] = [_states(verdict) for verdict in VERDICTS if verdict != "offered"]
    return schema


def _without_null(schema: Schema) -> Schema:
    variants = [variant for variant in schema.get("anyOf", [schema]) if variant != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**kept, **variants[0]}


def _states(verdict: str) -> Schema:
    """A verdict has its own states only."""
    return {
        "if": {"properties": {"verdict": {"const": verdict}}, "required": ["verdict"]},
        "then": {"properties": {"state": {"enum": [*VERDICTS[verdict], "none"]}}},
    }
