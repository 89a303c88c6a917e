"""Values of a YAML file put over the defaults of a typed structure, key by key."""

from datetime import date
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import replace

from streams.slo.document import Document, Way
from streams.slo.durations import Duration, parse_duration
from streams.slo.keys import Keys

__all__ = ["fill", "mapping"]

K = TypeVar("K", bound=Keys)

_REMEDIES: Final = {
    bool: "write true or false",
    int: "write a whole number of at least 1",
    float: "write a number, such as 0.90",
}


def fill(document: Document, way: Way, default: K, values: object) -> K:
    """Return `default` with `values` (found at `way`) in place of its own.

    Raises:
        ObjectiveError: an unknown key, or a value of the wrong type.
    """
    hints = get_type_hints(type(default), include_extras=True)
    filled: dict[str, Any] = {}
    for name, value in mapping(document, way, values).items():
        if name not in hints:
            raise document.unknown_key((*way, name), list(hints))
        here = (*way, name)
        own = getattr(default, name)
        if isinstance(own, Keys):
            filled[name] = own if value is None else fill(document, here, own, value)
        else:
            filled[name] = _value(document, here, hints[name], value)
    return replace(default, **filled)


def mapping(document: Document, way: Way, values: object) -> dict[str, Any]:
    """Return `values` if it is a mapping with names as keys.

    Raises:
        ObjectiveError: anything else.
    """
    if not isinstance(values, dict):
        raise document.fault(way, "expected keys with values, such as `target: 10s`")
    for name in values:
        if not isinstance(name, str):
            # YAML reads 0700 as 448 and yes as true.
            raise document.fault((*way, str(name)), 'a name must be text; put it in quotes: "..."')
    return values


def _value(document: Document, way: Way, hint: Any, value: object) -> object:
    if hint is Duration:
        try:
            return parse_duration(value)
        except ValueError as error:
            raise document.fault(way, str(error)) from None
    if isinstance(value, list):
        # YAML reads 2026-12-24 as a date.
        value = [each.isoformat() if isinstance(each, date) else each for each in value]
    try:
        converted = msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise document.fault(way, f"{_reason(error, value)}; {_remedy(hint, value)}") from None
    if isinstance(converted, float) and not isfinite(converted):
        raise document.fault(way, f"{value} is no number to count with; {_remedy(hint, value)}")
    return converted


def _reason(error: msgspec.ValidationError, value: object) -> str:
    if isinstance(value, str):
        return f"{value[:40]!r} is not possible here"
    return str(error).replace("`", "").replace("Expected", "expected")


def _remedy(hint: Any, value: object) -> str:
    choices = _choices(hint)
    if choices:
        near = get_close_matches(str(value), choices, n=1, cutoff=0.5) if _is_plain(value) else []
        return f"did you mean {near[0]}?" if near else f"write one of {', '.join(choices)}"
    notes = [note for part in _parts(hint) for note in getattr(part, "__metadata__", ())]
    described = next((note.description for note in notes if note.description), None)
    if described:
        return f"write {described}{_as_share(value)}"
    kinds = [part for part in (hint, *_parts(hint)) if part in _REMEDIES]
    if hint == tuple[str, ...]:
        return "write a list such as [2026-12-24]"
    if get_origin(hint) is dict:
        return 'write days with times, such as mon-fri: "08:00-18:00"'
    return _REMEDIES[kinds[0]] if kinds else "see schemas/slo.schema.json"


def _is_plain(value: object) -> bool:
    """Whether `value` can be shown: not a list that unfolds to no end."""
    return isinstance(value, str | int | float)


def _choices(hint: Any) -> list[str]:
    return [str(choice) for choice in get_args(hint)] if get_origin(hint) is Literal else []


def _parts(hint: Any) -> tuple[Any, ...]:
    """The hint itself and what a union or an annotation is made of."""
    return (hint, *(part for part in get_args(hint) if not isinstance(part, msgspec.Meta)))


def _as_share(value: object) -> str:
    """90 and "90%" were meant as 0.9."""
    if not _is_plain(value):
        return ""
    text = str(value).strip().removesuffix("%")
    try:
        percent = float(text)
    except ValueError:
        return ""
    return f"; for {text} % write {percent / 100:g}" if 1 < percent < 100 else ""
