"""A YAML document whose faults are told in one line: file, line, key, and what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["Document", "ObjectiveError", "Way", "parse_document", "read_document"]

MAX_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 12

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
        line = ": ".join(part for part in (place, ".".join(way), text) if part)
        return ObjectiveError(" ".join(line.split()))

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
        raw = Path(path).read_bytes()
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
        root = yaml.compose(raw, Loader=yaml.SafeLoader)
        _note_lines(root, (), lines, name)
        values = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ObjectiveError(_not_yaml(name, error)) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, ObjectiveError):
            raise
        message = f"{name}: cannot be understood ({error}); write plain YAML as in the example"
        raise ObjectiveError(message) from None
    if not isinstance(values, Mapping | None):
        message = f"{name}:1: the file must hold keys such as `version: 1`, not a {_kind(values)}"
        raise ObjectiveError(message)
    return Document(name, dict(values or {}), lines)


def _note_lines(node: yaml.Node | None, way: Way, lines: dict[Way, int], name: str) -> None:
    """Note the line of every key; refuse a key given twice, which YAML would silently drop."""
    if not isinstance(node, yaml.MappingNode) or len(way) > MAX_DEPTH:
        return
    for key, value in node.value:
        path = (*way, str(key.value))
        line = key.start_mark.line + 1
        if path in lines:
            message = (
                f"{name}:{line}: {'.'.join(path)}: given twice, first in line {lines[path]}; "
                "keep one of them"
            )
            raise ObjectiveError(message)
        lines[path] = line
        _note_lines(value, path, lines, name)


def _not_yaml(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}" if mark else name
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{place}: not valid YAML ({problem}); check the indentation and the quotes there"


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "list"
    return "text" if isinstance(value, str) else "number"
