"""The folder `schemas/`: written from the types, and compared with them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from streams.schemas.asyncapi import asyncapi
from streams.schemas.documents import documents
from streams.slo.schema import slo_schema_text

__all__ = ["check_schemas", "write_schemas"]

ASYNCAPI_NAME: Final = "asyncapi.yaml"
SLO_NAME: Final = "slo.schema.json"
HEAD: Final = "# Written by `callsla schema write`; do not edit.\n"


def write_schemas(directory: Path) -> list[Path]:
    """Write every schema and the AsyncAPI document into `directory`; return what changed.

    Schemas of kinds that no longer exist are removed; `examples/` is read and left alone.

    Raises:
        OSError: the folder cannot be written.
        ValueError: an example is not JSON.
    """
    texts = _texts(directory)
    directory.mkdir(parents=True, exist_ok=True)
    changed = [directory / name for name in texts if _read(directory / name) != texts[name]]
    for path in changed:
        path.write_text(texts[path.name], encoding="utf-8")
    for path in _superfluous(directory, texts):
        path.unlink()
        changed.append(path)
    return changed


def check_schemas(directory: Path) -> list[str]:
    """Return one line for each file of `directory` that is not what the types say.

    Raises:
        ValueError: an example is not JSON.
    """
    return sorted(_differences(directory, _texts(directory)))


def _differences(directory: Path, texts: dict[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        found = _read(directory / name)
        if found is None:
            yield f"{directory / name} is missing: callsla schema write"
        elif found != text:
            yield f"{directory / name} differs from the types: callsla schema write"
    for path in _superfluous(directory, texts):
        yield f"{path} describes nothing that exists: callsla schema write"


def _texts(directory: Path) -> dict[str, str]:
    schemas = documents()
    described = asyncapi(schemas, _examples(directory / "examples"))
    dumped = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=100)
    texts = {name: _json(schema) for name, schema in schemas.items()}
    return {**texts, SLO_NAME: slo_schema_text(), ASYNCAPI_NAME: HEAD + dumped}


def _examples(directory: Path) -> dict[str, Any]:
    """Return the plain examples by kind."""
    return {path.stem: _loaded(path) for path in sorted(directory.glob("*.json"))}


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


def _superfluous(directory: Path, texts: dict[str, str]) -> list[Path]:
    return [path for path in sorted(directory.glob("*.schema.json")) if path.name not in texts]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
