"""A validator for one of the committed schemas, formats checked."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

__all__ = ["EXAMPLES", "SCHEMAS", "load", "validator"]

SCHEMAS: Final = Path(__file__).parents[2] / "schemas"
EXAMPLES: Final = SCHEMAS / "examples"


def load(path: Path) -> Any:
    """Return the JSON in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def validator(name: str, definition: str | None = None) -> Draft202012Validator:
    """Return a validator for the schema `name`, or for one of its definitions."""
    schema = load(SCHEMAS / f"{name}.schema.json")
    if definition is not None:
        schema = schema["$defs"][definition]
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
