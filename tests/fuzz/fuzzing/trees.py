"""Ways to spoil what is well formed: values of another type, odd names, deep nesting, twins."""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

__all__ = ["ODD_VALUES", "as_json", "odd_value", "spoil"]

ODD_VALUES: Final[Sequence[Any]] = (
    *(None, True, False, 0, -1, 1, 255, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30),
    *(10**4200, 0.0, -0.0, 1.5, 1e-320, 1e308, float("inf"), float("nan")),
    *("", " ", "\0", "x", "x" * 128, "x" * 129, "\U0001f600" * 128, "e\u0301", "\u202e", "\u2028"),
    *("\ud800", "a\udfff", "\r\n", "__other__", "__none__", "\0c1", "none", "NONE", "-", "~"),
    *("human", "call.offered", "1.0", "2026-01-05T00:00:00Z", "2026-01-05T00:00:60Z"),
    *("2026-01-05T00:00:00.123Z", "2026-01-05T00:00:00.1234567+23:59", "2026-01-05", "0001-01-01"),
    *("9999-12-31T23:59:59.999999-23:59", "1989-12-31T23:59:59Z", "2099-12-31T23:59:59.999999Z"),
    *("1990-01-01T00:00:00Z", "2026-01-05t00:00:00z", "2026-01-05 00:00:00Z", "-0001-01-01T00Z"),
    *(1_767_571_200_000, 631_151_999_999, 631_152_000_000, 4_102_444_799_999, 4_102_444_800_000),
    *([], {}, [[]], [1, "a", None], {"a": {"b": []}}, {"": 0}, ["x"] * 300),
)


def odd_value(random: Random) -> Any:
    """Return a value that is seldom expected, sometimes nested deeply."""
    value = random.choice(ODD_VALUES)
    if random.random() < 0.02:
        for _ in range(random.choice((3, 30, 300))):
            value = [value] if random.random() < 0.5 else {"a": value}
    return value


def spoil(random: Random, fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a copy of `fields` with one to three of them, or of `names`, changed."""
    spoilt = dict(fields)
    for _ in range(random.choice((1, 1, 2, 3))):
        name = random.choice(names) if random.random() < 0.5 or not spoilt else _any(random, spoilt)
        choice = random.random()
        if choice < 0.15:
            spoilt.pop(name, None)
        elif choice < 0.25 and spoilt:
            spoilt[name] = spoilt[_any(random, spoilt)]
        elif choice < 0.3:
            spoilt[str(random.choice(("", "x", "KIND", "\0", name + " ")))] = odd_value(random)
        elif choice < 0.4 and isinstance(spoilt.get(name), dict):
            spoilt[name] = spoil(random, spoilt[name], names)
        else:
            spoilt[name] = odd_value(random)
    return spoilt


def _any(random: Random, fields: Mapping[str, Any]) -> str:
    return random.choice(list(fields))


def as_json(random: Random, fields: Mapping[str, Any]) -> bytes:
    """Return `fields` as JSON in one of its dialects, now and then with a name twice."""
    text = json.dumps(
        fields,
        ensure_ascii=random.random() < 0.5,
        separators=random.choice(((",", ":"), (", ", ": "), (" ,\t", " : "))),
    )
    if fields and random.random() < 0.05:
        twin = json.dumps({_any(random, fields): odd_value(random)})
        text = text[:-1] + "," + twin[1:]
    return text.encode("utf-8", "surrogatepass")
