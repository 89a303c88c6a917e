"""Writes the tables of values in the chart's README from the comments in values.yaml.

`python deploy/helm/values_readme.py [--check]`; with --check it writes nothing and fails if the
README is out of date.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parent / "callsla"
README: Final = CHART / "README.md"
BEGIN: Final = "<!-- values: made by `make chart-docs` from values.yaml -->\n"
END: Final = "<!-- end of values -->\n"

_KEY: Final = re.compile(r"( *)([A-Za-z][A-Za-z0-9]*):(?: (.*))?")


@dataclass(frozen=True)
class Value:
    """One value: its path, the comment above it, and its default."""

    path: tuple[str, ...]
    comment: str
    default: Any
    is_group: bool


def read_values(text: str) -> list[Value]:
    """Return every value in `text`.

    A mapping in braces, or of which nothing is commented, is one value, any other is a group.
    """
    defaults = yaml.safe_load(text)
    keys = list(_keys(text.splitlines()))
    groups = {path[:-1] for path, comment in keys if comment}
    return [
        Value(path, comment, _at(defaults, path), path in groups)
        for path, comment in keys
        if path[:-1] in groups or not path[1:]
    ]


def render(values: list[Value]) -> str:
    """Return the tables as Markdown, one for each value at the top that holds others."""
    tables: dict[str, list[Value]] = {}
    for value in values:
        title = value.path[0] if len(value.path) > 1 or value.is_group else ""
        tables.setdefault(title, []).append(value)
    return "".join(_table(title, rows) for title, rows in tables.items())


def filled(readme: str, values: list[Value]) -> str:
    """Return `readme` with the tables between the marks made anew."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{render(values)}\n{END}{after}"


def _keys(lines: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    way: list[tuple[int, str]] = []
    comments: list[str] = []
    for line in lines:
        if line.lstrip().startswith("#"):
            comments.append(line.lstrip().removeprefix("#").strip())
            continue
        found = _KEY.fullmatch(line)
        if found is not None:
            depth = len(found[1])
            way = [*(each for each in way if each[0] < depth), (depth, found[2])]
            yield tuple(name for _, name in way), " ".join(comments)
        comments = []


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


def _table(title: str, rows: list[Value]) -> str:
    about = "".join(f"{row.comment}\n\n" for row in rows if row.path == (title,) and row.comment)
    lines = [_row(row) for row in rows if not row.is_group or (row.comment and row.path[1:])]
    head = f"\n### {title or 'Common'}\n\n{about}| value | default | |"
    return "\n".join([head, "|---|---|---|", *lines, ""])


def _row(row: Value) -> str:
    default = "" if row.is_group else _shown(row.default)
    return f"| `{'.'.join(row.path)}` | {default} | {row.comment.replace('|', chr(92) + '|')} |"


def _shown(default: Any) -> str:
    if default == "":
        return ""
    flow = yaml.safe_dump(default, default_flow_style=True, width=10_000, sort_keys=False)
    return f"`{flow.removesuffix('...' + chr(10)).strip()}`"


def main(arguments: list[str]) -> int:
    """Write the README, or only look at it; return the exit code."""
    values = read_values((CHART / "values.yaml").read_text(encoding="utf-8"))
    is_now = README.read_text(encoding="utf-8")
    should_be = filled(is_now, values)
    if arguments == ["--check"]:
        if is_now != should_be:
            print(f"{README} is out of date: make chart-docs", file=sys.stderr)
        return 3 * (is_now != should_be)
    README.write_text(should_be, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
