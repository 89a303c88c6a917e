"""Records before they are events: JSON, in an envelope or not, or refused."""

from typing import Any, Final

import orjson

from streams.cloudevents import Headers, binary_attributes, plain_fields

__all__ = ["MAX_EVENT_BYTES", "REASONS", "Rejected", "binary_fields", "parse_fields"]

MAX_EVENT_BYTES: Final = 65_536

REASONS: Final = (
    "malformed",
    "unknown_kind",
    "missing_id",
    "too_long",
    "bad_time",
    "future",
    "too_old",
    "limit",
)
"""Why a record is refused; the label set of dead letters. The last three are the ledger's verdict:
`limit` says that something would have to be remembered beyond one (`streams.ledger.Limits`)."""


class Rejected(ValueError):  # noqa: N818 (not an error of the program: a verdict on a record)
    """A record that is no canonical event; `reason` is one of `REASONS`.

    The text names the place of the fault and never a value, which may be personal.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parse_fields(value: bytes | None) -> dict[str, Any]:
    """Return the fields of a plain event, or of a CloudEvent in structured mode.

    Raises:
        Rejected: no JSON object, or a longer one than `MAX_EVENT_BYTES`.
    """
    fields = _parse_object(value)
    return _unwrap(fields) if "specversion" in fields else fields


def binary_fields(value: bytes | None, headers: Headers) -> dict[str, Any] | None:
    """Return the fields of a CloudEvent in binary mode; None: it is none.

    Raises:
        Rejected: an attribute is not UTF-8, or the data no JSON object.
    """
    try:
        attributes = binary_attributes(headers)
    except UnicodeDecodeError:
        raise Rejected("malformed", "a header of the CloudEvent is not UTF-8") from None
    if not attributes:
        return None
    # Without data everything is said in the headers.
    data = _parse_object(value) if value else {}
    return {**data, **plain_fields(attributes)}


def _parse_object(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise Rejected("malformed", "the record has no value")
    if len(value) > MAX_EVENT_BYTES:
        raise Rejected("too_long", f"the record is longer than {MAX_EVENT_BYTES} bytes")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Rejected("malformed", f"not JSON: {error.msg}") from None
    if not isinstance(fields, dict):
        raise Rejected("malformed", "not a JSON object")
    return fields


def _unwrap(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return the plain form of a CloudEvent in structured mode."""
    data = envelope.get("data")
    if not isinstance(data, dict | None):
        raise Rejected("malformed", "the data of the CloudEvent is not an object - at `$.data`")
    return {**(data or {}), **plain_fields(envelope)}
