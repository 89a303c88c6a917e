"""What counts as breaking a producer, or a reader of promise events."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from validators import SCHEMAS

from streams.schemas import check_compatibility

Change = Callable[[dict[str, Any]], object]


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def _compare(tmp_path: Path, name: str, change: Change) -> list[str]:
    """Compare the committed schemas with a copy in which `change` was made."""
    new: Path = shutil.copytree(SCHEMAS, tmp_path / "new")
    path = new / f"{name}.schema.json"
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))
    return check_compatibility(SCHEMAS, new)


ALLOWED: list[Change] = [
    lambda s: s["properties"].update(mood=_text()),
    lambda s: s["properties"]["answered_by"]["enum"].append("robot"),
    lambda s: s["properties"]["queue"].update(maxLength=500),
    lambda s: s["properties"]["id"].pop("minLength"),
    lambda s: s["required"].remove("call_id"),
    lambda s: s.pop("additionalProperties"),
    lambda s: s["properties"]["at"]["anyOf"].append({"type": "number"}),
    lambda s: s["properties"]["at"].pop("anyOf"),
    lambda s: s["properties"]["anonymous"].update(type=["boolean", "string"]),
    lambda s: s["properties"]["at"]["anyOf"][1].update(type="number"),
    lambda s: s.update(description="Said better."),
    lambda s: s["properties"]["queue"].update(description="Said better."),
]
FORBIDDEN: list[tuple[Change, str]] = [
    (lambda s: s["properties"].pop("agent"), "$.agent: removed"),
    (lambda s: s["required"].append("queue"), "$.queue: now required"),
    (lambda s: s["properties"]["queue"].update(maxLength=64), "$.queue: maxLength was 128, is 64"),
    (lambda s: s["properties"]["queue"].update(minLength=2), "$.queue: minLength was 1, is 2"),
    (lambda s: s["properties"]["queue"].update(pattern="^a"), "$.queue: pattern was open, is ^a"),
    (lambda s: s["properties"]["queue"].update(type="integer"), "$.queue: was string, is integer"),
    (lambda s: s["properties"]["queue"].update(const="a"), "$.queue: only ['a'] are allowed now"),
    (
        lambda s: s["properties"]["answered_by"]["enum"].remove("ivr"),
        "$.answered_by: ivr no longer allowed",
    ),
    (lambda s: s["properties"]["at"]["anyOf"].pop(0), "$.at: was string, is integer"),
    (lambda s: s["properties"]["at"]["anyOf"].pop(1), "$.at: was integer, is string"),
    (
        lambda s: s["properties"]["at"]["anyOf"][1].update(minimum=10**12),
        "$.at: minimum was 631152000000, is 1000000000000",
    ),
    (
        lambda s: s["properties"]["kind"].update(const="x"),
        "$.kind: call.answered no longer allowed",
    ),
]


def test_nothing_changed_is_compatible() -> None:
    """Every schema with itself."""
    assert check_compatibility(SCHEMAS, SCHEMAS) == []


@pytest.mark.parametrize("change", ALLOWED)
def test_additions_and_relaxations_are_compatible(tmp_path: Path, change: Change) -> None:
    """Every event of yesterday is still valid."""
    assert _compare(tmp_path, "call.answered", change) == []


@pytest.mark.parametrize(("change", "finding"), FORBIDDEN)
def test_whatever_forbids_an_old_event_is_found(
    tmp_path: Path, change: Change, finding: str
) -> None:
    """With the file, the place and what it was."""
    assert _compare(tmp_path, "call.answered", change) == [f"call.answered.schema.json: {finding}"]


def test_a_removed_kind_is_found(tmp_path: Path) -> None:
    """Its events would be dead-lettered."""
    new: Path = shutil.copytree(SCHEMAS, tmp_path / "new")
    (new / "call.queued.schema.json").unlink()
    assert check_compatibility(SCHEMAS, new) == ["call.queued.schema.json: removed"]
    assert check_compatibility(new, SCHEMAS) == []


def test_a_condition_of_callbacks_may_be_dropped_but_not_sharpened(tmp_path: Path) -> None:
    """Customer or call: asking for both would refuse old events."""

    def sharpen(schema: dict[str, Any]) -> None:
        schema["anyOf"] = [{"required": ["customer", "call_id"]}]

    findings = _compare(tmp_path, "callback.attempted", sharpen)
    assert findings
    assert all("now required" in finding for finding in findings)
    shutil.rmtree(tmp_path / "new")
    assert _compare(tmp_path, "callback.attempted", lambda schema: schema.pop("anyOf")) == []


def test_closing_an_open_schema_is_found(tmp_path: Path) -> None:
    """Readers of promise events were told that fields may be added."""
    findings = _compare(tmp_path, "promise.changed", lambda s: s.update(additionalProperties=False))
    assert findings == ["promise.changed.schema.json: $: closed to further fields"]


def test_a_field_readers_relied_on_must_stay(tmp_path: Path) -> None:
    """What is required of an event we write is a promise to those who read it."""
    findings = _compare(tmp_path, "promise.changed", lambda s: s["required"].remove("revision"))
    assert findings == [
        "promise.changed.schema.json: $.revision: readers relied on it, now it may be absent"
    ]


def test_the_types_of_lists_are_compared_too(tmp_path: Path) -> None:
    """No event has a list yet; the first one will be checked like everything else."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, kind in ((old, "string"), (new, "integer")):
        folder.mkdir()
        schema = {"properties": {"tags": {"type": "array", "items": {"type": kind}}}}
        (folder / "call.x.schema.json").write_text(json.dumps(schema))
    assert check_compatibility(old, new) == ["call.x.schema.json: $.tags[]: was string, is integer"]


def test_a_folder_without_schemas_cannot_be_compared(tmp_path: Path) -> None:
    """Silence would look like agreement."""
    with pytest.raises(ValueError, match="holds no schemas"):
        check_compatibility(tmp_path, SCHEMAS)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, text: str) -> None:
    """The message says which file."""
    (tmp_path / "call.x.schema.json").write_text(text)
    with pytest.raises(ValueError, match=r"call\.x\.schema\.json is no"):
        check_compatibility(tmp_path, SCHEMAS)
