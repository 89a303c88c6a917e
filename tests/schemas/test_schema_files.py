"""Writing `schemas/` and noticing that it no longer fits the types."""

import shutil
from pathlib import Path

import pytest
from validators import SCHEMAS

from streams.schemas import check_schemas, write_schemas


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed folder."""
    copied: Path = shutil.copytree(SCHEMAS, tmp_path / "schemas")
    return copied


def test_the_committed_schemas_are_those_of_the_types() -> None:
    """Nobody edits them by hand or forgets to write them."""
    assert check_schemas(SCHEMAS) == []


def test_an_empty_folder_gets_every_document(tmp_path: Path) -> None:
    """One per kind, the union, the envelope, the promise event, the objective, AsyncAPI."""
    written = write_schemas(tmp_path / "new" / "schemas")
    assert len(written) == 19
    assert check_schemas(tmp_path / "new" / "schemas") == []


def test_what_is_up_to_date_is_not_touched(folder: Path) -> None:
    """Writing twice changes nothing."""
    assert write_schemas(folder) == []


def test_a_missing_a_changed_and_a_superfluous_file_are_named(folder: Path) -> None:
    """One line each, that says what to do; writing mends all three."""
    (folder / "call.offered.schema.json").unlink()
    (folder / "call.ended.schema.json").write_text("{}\n")
    (folder / "call.sung.schema.json").write_text("{}\n")
    differences = check_schemas(folder)
    assert len(differences) == 3
    for line, name in zip(differences, ("ended", "offered", "sung"), strict=True):
        assert f"call.{name}.schema.json" in line
        assert line.endswith(": callsla schema write")
    assert len(write_schemas(folder)) == 3
    assert check_schemas(folder) == []


def test_a_changed_example_shows_in_the_document(folder: Path) -> None:
    """AsyncAPI carries the plain examples."""
    example = folder / "examples" / "call.offered.json"
    example.write_text(example.read_text().replace("sales", "support"))
    assert [Path(line.split(" ")[0]).name for line in check_schemas(folder)] == ["asyncapi.yaml"]


def test_an_example_that_is_no_json_is_named(folder: Path) -> None:
    """The message says which file."""
    (folder / "examples" / "call.offered.json").write_text("{")
    with pytest.raises(ValueError, match=r"call\.offered\.json is not JSON"):
        check_schemas(folder)
