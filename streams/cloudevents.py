"""CloudEvents 1.0 on Kafka: how its attributes map to the fields of a plain event and back."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

__all__ = ["Headers", "binary_attributes", "headers_of", "plain_fields", "split", "type_of"]

PREFIX: Final = "callsla."
SUFFIX: Final = ".v1"
UNKNOWN_SOURCE: Final = "unknown"

Headers: TypeAlias = Iterable[tuple[str, bytes]]


def plain_fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a plain event that are attributes of a CloudEvent."""
    names = {"id": "id", "source": "source", "time": "at"}
    plain = {field: attributes[name] for name, field in names.items() if name in attributes}
    event_type = attributes.get("type")
    if isinstance(event_type, str):
        plain["kind"] = _kind_of(event_type)
    return plain


def binary_attributes(headers: Headers) -> dict[str, str]:
    """Return the attributes in the `ce_` headers of a record; none if it is not in binary mode.

    Raises:
        UnicodeDecodeError: an attribute is not UTF-8.
    """
    attributes = {
        name[3:].lower(): value.decode()
        for name, value in headers
        if name[:3].lower() == "ce_" and value is not None
    }
    return attributes if "specversion" in attributes else {}


def split(fields: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return attributes and data of the CloudEvent that carries a plain event's `fields`."""
    data = dict(fields)
    attributes = {
        "specversion": "1.0",
        "id": data.pop("id"),
        "source": data.pop("source", UNKNOWN_SOURCE),
        "type": type_of(data.pop("kind")),
        "time": data.pop("at"),
    }
    return attributes, data


def headers_of(attributes: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Return the headers that carry `attributes` in binary mode."""
    return [(f"ce_{name}", value.encode()) for name, value in attributes.items()]


def type_of(kind: str) -> str:
    """`call.answered` -> `callsla.call.answered.v1`."""
    return PREFIX + kind + SUFFIX


def _kind_of(event_type: str) -> str:
    """`com.example.call.answered.v1` -> `call.answered`."""
    words = event_type.split(".")
    if words[-1][:1] == "v" and words[-1][1:].isdigit():
        words.pop()
    return ".".join(words[-2:])
