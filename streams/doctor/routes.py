"""Where an alert goes: Alertmanager's tree of routes, walked as Alertmanager walks it.

Pure. The configuration is the one that is loaded, as its API tells it; `amtool` would need it in a
file and is not everywhere, so the walk is our own (and the tests compare it with amtool's).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

__all__ = ["Matcher", "RoutesError", "matches", "parse_matchers", "receivers_of", "tells_somebody"]

_MATCHER: Final = re.compile(
    r"""\s*(?P<name>"(?:[^"\\]|\\.)*"|[^\s=!~{},"]+)\s*
        (?P<how>=~|!~|!=|=)\s*
        (?P<value>"(?:[^"\\]|\\.)*"|[^,}"]*?)\s*(?:,|$)""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}
MAX_DEPTH: Final = 100

Labels = Mapping[str, str]


class RoutesError(ValueError):
    """The configuration holds something that we do not understand."""


class Matcher(Struct, frozen=True):
    """One condition on a label; one that is missing is empty. `how` is `=`, `!=`, `=~` or `!~`."""

    name: str
    how: str
    value: str

    def takes(self, labels: Labels) -> bool:
        """Return whether the condition holds."""
        found = labels.get(self.name, "")
        if self.how in {"=", "!="}:
            return (found == self.value) is (self.how == "=")
        return bool(_regex(self.value).fullmatch(found)) is (self.how == "=~")


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error:
        raise RoutesError(f"the pattern {text!r} is not understood here") from None


def parse_matchers(text: str) -> list[Matcher]:
    """Return the conditions in `text`: `a="b"`, or several, `{a="b",c=~"d.*"}`.

    Raises:
        RoutesError: it is none.
    """
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    found: list[Matcher] = []
    at = 0
    while at < len(inner):
        match = _MATCHER.match(inner, at)
        if match is None or match.end() == at:
            raise RoutesError(f"the matcher {text!r} is not understood here")
        found.append(Matcher(_unquoted(match["name"]), match["how"], _unquoted(match["value"])))
        at = match.end()
    return found


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != '"':
        return text
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1])


def matches(route: Mapping[str, Any], labels: Labels) -> bool:
    """Return whether all conditions of `route` hold, in the old way of writing or the new."""
    return all(matcher.takes(labels) for matcher in _matchers(route))


def _matchers(route: Mapping[str, Any]) -> Iterator[Matcher]:
    for name, value in (route.get("match") or {}).items():
        yield Matcher(name, "=", str(value))
    for name, value in (route.get("match_re") or {}).items():
        yield Matcher(name, "=~", str(value))
    for text in route.get("matchers") or ():
        yield from parse_matchers(text)


def receivers_of(config: Mapping[str, Any], labels: Labels) -> list[str]:
    """Return the receivers of an alert with `labels`, in order.

    Raises:
        RoutesError: the tree holds something that we do not understand.
    """
    root = config["route"]
    return list(_walk(root, labels, root.get("receiver", ""), 0))


def _walk(route: Mapping[str, Any], labels: Labels, receiver: str, depth: int) -> Iterator[str]:
    """The first child that takes it has it, and further ones only where it says `continue`."""
    if depth > MAX_DEPTH:
        raise RoutesError("the routes are nested too deeply")
    taken = False
    for child in route.get("routes") or ():
        if not matches(child, labels):
            continue
        taken = True
        yield from _walk(child, labels, child.get("receiver") or receiver, depth + 1)
        if not child.get("continue"):
            break
    if not taken:
        yield receiver


def tells_somebody(config: Mapping[str, Any], receiver: str) -> bool:
    """Return whether `receiver` has at least one way to send anything."""
    return any(
        value
        for each in config["receivers"]
        if each["name"] == receiver
        for key, value in each.items()
        if key.endswith("_configs")
    )
