"""Renders the chart with real Helm, as a user's machine does."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from programs import REPOSITORY

__all__ = [
    "BUILT",
    "CHART",
    "SETS",
    "by_kind",
    "one",
    "program",
    "refusal",
    "render",
    "rendered",
    "rendered_text",
    "values_of",
]

CHART: Final = REPOSITORY / "deploy" / "helm" / "callsla"
BUILT: Final = Path(os.environ.get("CALLSLA_BIN", REPOSITORY / ".cache" / "bin"))
SETS: Final = tuple(
    sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
)
"""The sets of values everything is looked at with."""

Object = dict[str, Any]


def program(name: str) -> str:
    """Return the path of a program that `make parts` builds; skip the test without it."""
    found = shutil.which(name, path=f"{BUILT}{os.pathsep}{os.environ['PATH']}")
    if found is not None:
        return found
    reason = f"{name} is not there; get it with: make parts"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def values_of(name: str) -> Object:
    """Return the values of a set."""
    values: Object = yaml.safe_load(_file_of(name).read_text(encoding="utf-8"))
    return values


@cache
def rendered_text(name: str) -> str:
    """Return what Helm makes of a set of values."""
    return _text("-f", str(_file_of(name)))


@cache
def rendered(name: str) -> list[Object]:
    """Return the objects of a set of values, for reading only."""
    return _objects(rendered_text(name))


def render(values: Object, *arguments: str | Path, chart: Path = CHART) -> list[Object]:
    """Return the objects of `values`, laid over those of the set `default`."""
    text = yaml.safe_dump(values)
    return _objects(
        _text(
            "-f", str(_file_of("default")), "-f", "-", *map(str, arguments), given=text, chart=chart
        )
    )


def refusal(values: Object, *arguments: str | Path) -> str:
    """Return what Helm says of `values`, laid over those of the set `default`, that it refuses."""
    default = ("-f", str(_file_of("default")), "-f", "-")
    done = _helm(*default, *map(str, arguments), given=yaml.safe_dump(values))
    assert done.returncode != 0, f"Helm takes {values}"
    return done.stderr


def by_kind(objects: Iterable[Object], kind: str) -> list[Object]:
    """Return the objects of a kind."""
    return [each for each in objects if each["kind"] == kind]


def one(objects: Iterable[Object], kind: str, name: str = "callsla") -> Object:
    """Return the object of a kind and name."""
    (found,) = [each for each in by_kind(objects, kind) if each["metadata"]["name"] == name]
    return found


def _file_of(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


def _text(*arguments: str, given: str = "", chart: Path = CHART) -> str:
    done = _helm(*arguments, given=given, chart=chart)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _objects(text: str) -> list[Object]:
    return [each for each in yaml.load_all(text, yaml.CSafeLoader) if each]


def _helm(
    *arguments: str, given: str = "", chart: Path = CHART
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("helm"), "template", "callsla", str(chart), "-n", "calls", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
