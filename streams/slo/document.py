"""A YAML document whose faults are told in one line: file, line, key, and what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

from streams.plain_yaml import PlainYaml, YamlFaultError
from streams.small_files import read_small

__all__ = ["Document", "ObjectiveError", "Way", "parse_document", "read_document"]

MAX_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 12
_SHOWN: Final = 60

Way = tuple[str, ...]
"""The way to a value: `("promises", "answer", "target")`."""


class ObjectiveError(ValueError):
    """`slo.yaml` is wrong; the text is one line with the place and the remedy."""


class Document:
    """The values of a YAML file and the line of each key."""

    def __init__(self, name: str, values: dict[str, Any], lines: dict[Way, int]) -> None:
        self.name = name
        self.values = values
        self._lines = lines

    def fault(self, way: Way, text: str) -> ObjectiveError:
        """Return the error to raise about the value at `way`."""
        place = self.name
        for length in range(len(way), 0, -1):
            if way[:length] in self._lines:
                place = f"{self.name}:{self._lines[way[:length]]}"
                break
        return _error(place, _written(way), text)

    def unknown_key(self, way: Way, known: list[str]) -> ObjectiveError:
        """Return the error about a key that nobody knows, with the nearest that is known."""
        near = get_close_matches(way[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "remove it."
        return self.fault(way, f"unknown key; {hint} Known here: {', '.join(known)}")


def read_document(path: str | Path) -> Document:
    """Read the YAML file at `path`.

    Raises:
        ObjectiveError: not readable, not YAML, a key given twice, or no mapping at the top.
    """
    try:
        raw = read_small(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{path}: cannot be read ({reason}); give the path of an slo.yaml"
        raise ObjectiveError(message) from error
    return parse_document(raw, str(path))


def parse_document(raw: bytes, name: str) -> Document:
    """Read YAML from `raw`; `name` stands in messages.

    Raises:
        ObjectiveError: not YAML, a key given twice, or no mapping at the top.
    """
    if len(raw) > MAX_BYTES:
        message = f"{name}: longer than {MAX_BYTES} bytes; this cannot be an slo.yaml"
        raise ObjectiveError(message)
    lines: dict[Way, int] = {}
    try:
        document = PlainYaml(raw)
        _note_lines(document.root, (), lines, name)
        values = document.values()
    except YamlFaultError as error:
        place = name if error.line is None else f"{name}:{error.line}"
        text = f"not valid YAML ({error}); check the indentation and the quotes there"
        raise _error(place, text) from None
    if not isinstance(values, Mapping | None):
        message = f"{name}:1: the file must hold keys such as `version: 1`, not a {_kind(values)}"
        raise ObjectiveError(message)
    return Document(name, dict(values or {}), lines)


def _note_lines(node: yaml.Node | None, way: Way, lines: dict[Way, int], name: str) -> None:
    """Note the line of every key; refuse a key given twice, which YAML would silently drop."""
    if not isinstance(node, yaml.MappingNode) or len(way) > MAX_DEPTH:
        return
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        path = (*way, key.value)
        line = key.start_mark.line + 1
        if path in lines:
            text = f"given twice, first in line {lines[path]}; keep one of them"
            raise _error(f"{name}:{line}", _written(path), text)
        lines[path] = line
        _note_lines(value, path, lines, name)


def _error(*parts: str) -> ObjectiveError:
    """Return the error that says `parts` in one line."""
    return ObjectiveError(" ".join(": ".join(part for part in parts if part).split()))


def _written(way: Way) -> str:
    return ".".join(key if len(key) <= _SHOWN else key[:_SHOWN] + "..." for key in way)


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "list"
    return "text" if isinstance(value, str) else "number"
