"""The AsyncAPI 3.1 document: every topic, what is on it, and how it is keyed."""

import json
from collections.abc import Iterator
from typing import Any, Final

from streams.cloudevents import type_of
from streams.events import EVENT_TYPES, MAX_EVENT_BYTES, REASONS
from streams.kafka.dead_letters import (
    HEADER_PREFIX,
    HEADERS,
    MARK_HEADER,
    ORIGIN_HEADER,
    REPLAYS_HEADER,
    VALUE_OMITTED,
)
from streams.kafka.topics import TopicPlan, plan_topics
from streams.promise_events import KIND as PROMISE_KIND
from streams.schemas.documents import Schema, file_name
from streams.settings import Settings

__all__ = ["asyncapi"]

BINDING: Final = "0.5.0"
PLAIN: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"

CUSTOMER_KEY: Final = (
    "The customer if known, else the call id: all about one customer meets in one partition. "
    "All events of a call share its first key; `source.*` are written to every partition."
)
ORIGINAL_KEY: Final = "The key of the record that was refused, untouched"
CLOCK_KEY: Final = "None: a partition of this topic belongs to the same partition of the events"


def asyncapi(schemas: dict[str, Schema], examples: dict[str, Any]) -> dict[str, Any]:
    """Return the document; `schemas` by file name, `examples` of plain events by kind."""
    events, promises, dead_letters, ledger = plan_topics(Settings())
    return {
        "asyncapi": "3.1.0",
        "info": _info(),
        "defaultContentType": PLAIN,
        "channels": {
            "events": _channel(events, "Canonical call-centre events.", _event_names()),
            "promises": _channel(promises, "Every change of a promise.", [PROMISE_KIND]),
            "deadLetters": _channel(
                dead_letters, "Records that were refused.", ["dead-letter", "replay-mark"]
            ),
            "ledger": _channel(ledger, "The worker's own log; not for others.", ["ledger-record"]),
        },
        "operations": _operations(),
        "components": {"messages": dict(_messages(schemas, examples))},
    }


def _info() -> dict[str, Any]:
    return {
        "title": "callsla",
        # Of the contract, not of the software: it changes when a schema does incompatibly.
        "version": "1.0.0",
        "description": (
            "Call-centre events in, changes of promises out. Times are RFC 3339 with a zone or "
            "epoch milliseconds. An event may be plain JSON or a CloudEvent 1.0, structured or "
            f"binary, of at most {MAX_EVENT_BYTES} bytes. Topic names can be set."
        ),
        "license": {"name": "Apache-2.0"},
    }


def _event_names() -> list[str]:
    return [*EVENT_TYPES, "cloudevent-structured", "cloudevent-binary"]


def _channel(plan: TopicPlan, description: str, messages: list[str]) -> dict[str, Any]:
    topic = {"topic": plan.name, "partitions": plan.partitions}
    return {
        "address": plan.name,
        "description": description,
        "messages": {
            _word(name): {"$ref": f"#/components/messages/{_word(name)}"} for name in messages
        },
        "bindings": {
            "kafka": {
                **topic,
                "topicConfiguration": _configuration(plan),
                "bindingVersion": BINDING,
            }
        },
    }


def _configuration(plan: TopicPlan) -> dict[str, Any]:
    """The binding wants a list for the policy, and numbers and truths as such."""
    return {
        name: [value] if name == "cleanup.policy" else json.loads(value)
        for name, value in plan.config.items()
    }


def _operations() -> dict[str, Any]:
    group = {"groupId": {"type": "string", "const": Settings().group}, "bindingVersion": BINDING}
    channels = {
        "judgeEvents": ("receive", "events", "Judge every call by its events."),
        "tellPromises": ("send", "promises", "Tell every change, at least once, with a fixed id."),
        "refuseRecords": ("send", "deadLetters", "Pass on what is no event, with the reason."),
        "keepLedger": ("send", "ledger", "Write down what makes the counts exact."),
    }
    operations: dict[str, Any] = {
        name: {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": text}
        for name, (action, channel, text) in channels.items()
    }
    operations["judgeEvents"]["bindings"] = {"kafka": group}
    return operations


def _messages(schemas: dict[str, Schema], examples: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind in [*EVENT_TYPES, PROMISE_KIND]:
        name = file_name(kind)
        message = _message(kind, schemas[name]["description"], {"$ref": f"./{name}"}, CUSTOMER_KEY)
        if kind in examples:
            message["examples"] = [{"name": _word(kind), "payload": examples[kind]}]
        yield _word(kind), message
    yield "cloudeventStructured", _structured()
    yield "cloudeventBinary", _binary()
    yield "deadLetter", _dead_letter()
    yield "replayMark", _replay_mark()
    yield "ledgerRecord", _ledger_record()


def _message(
    name: str, summary: str, payload: Schema, key: str, content_type: str = PLAIN
) -> dict[str, Any]:
    return {
        "name": name,
        "summary": summary,
        "contentType": content_type,
        "payload": payload,
        "bindings": {
            "kafka": {
                "key": {"type": ["string", "null"], "description": key},
                "bindingVersion": BINDING,
            }
        },
    }


def _structured() -> dict[str, Any]:
    summary = "Any event as a CloudEvent in structured mode: everything is in the value."
    payload = {"$ref": f"./{file_name('cloudevent')}"}
    return _message("cloudevent-structured", summary, payload, CUSTOMER_KEY, STRUCTURED)


def _binary() -> dict[str, Any]:
    summary = (
        "Any event as a CloudEvent in binary mode: the attributes are headers, the value is the "
        "rest of the event (`$defs` of the structured mode's schema)."
    )
    payload = {"type": "object", "description": "The fields that are no attributes"}
    message = _message("cloudevent-binary", summary, payload, CUSTOMER_KEY)
    text: Schema = {"type": "string"}
    properties: Schema = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": text,
        "ce_source": text,
        "ce_type": {"enum": [type_of(kind) for kind in EVENT_TYPES]},
        "ce_time": {"type": "string", "format": "date-time"},
    }
    required = list(properties)
    message["headers"] = {"type": "object", "properties": properties, "required": required}
    return message


def _dead_letter() -> dict[str, Any]:
    summary = "A refused record, untouched; our headers say why and where it came from."
    message = _message("dead-letter", summary, {"description": "Anything"}, ORIGINAL_KEY)
    texts: Schema = {name: {"type": "string"} for name in HEADERS}
    texts["reason"] = {"enum": list(REASONS)}
    properties = {HEADER_PREFIX + name: schema for name, schema in texts.items()}
    required = list(properties)
    for name in (VALUE_OMITTED, REPLAYS_HEADER, ORIGIN_HEADER):
        properties[name] = {"type": "string"}
    message["headers"] = {"type": "object", "properties": properties, "required": required}
    message["contentType"] = "application/octet-stream"
    return message


def _replay_mark() -> dict[str, Any]:
    summary = "Notes which dead letters before it in its partition have been replayed."
    identity: Schema = {"prefixItems": [{"type": "string"}, {"type": "integer"}]}
    payload: Schema = {
        "type": "object",
        "properties": {"replayed": {"type": "array", "items": {"type": "array", **identity}}},
    }
    message = _message("replay-mark", summary, payload, "None: it is where its letters are")
    text: Schema = {"type": "string"}
    message["headers"] = {
        "type": "object",
        "properties": {MARK_HEADER: text},
        "required": [MARK_HEADER],
    }
    return message


def _ledger_record() -> dict[str, Any]:
    summary = "Internal: its format may change with any release."
    payload = {"description": "Opaque"}
    return _message(
        "ledger-record", summary, payload, CLOCK_KEY, content_type="application/octet-stream"
    )


def _word(name: str) -> str:
    """`call.offered` -> `callOffered`: names in the document allow no dots."""
    first, *rest = name.replace("-", ".").split(".")
    return first + "".join(word.capitalize() for word in rest)
