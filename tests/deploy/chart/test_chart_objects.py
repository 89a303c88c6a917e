"""Every object of every set of values is one that Kubernetes and the operators take."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import kubernetes_validate
import pytest
import yaml
from chart_crds import BY_TYPE, write_schemas
from chart_helm import SETS, program, rendered
from definitions import STRIMZI_CLASSES, custom_definitions

pytestmark = pytest.mark.integration

VERSIONS = ("1.25", "1.31", "1.37")
"""The oldest that the chart takes, one between, and the newest that schemas are had of."""
CUSTOM = {
    "monitoring.coreos.com",
    "keda.sh",
    "kafka.strimzi.io",
    "grafana.integreatly.org",
}
"""Groups of custom resources."""


def is_custom(each: dict[str, Any]) -> bool:
    return each["apiVersion"].partition("/")[0] in CUSTOM


def core_objects() -> dict[str, str]:
    """Return every object of Kubernetes itself, as JSON, and one of the sets that has it."""
    return {
        json.dumps(each, sort_keys=True): name
        for name in SETS
        for each in rendered(name)
        if not is_custom(each)
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_object(version: str) -> None:
    """Strictly: an unknown field is none that would be dropped without a word."""
    objects = core_objects()
    assert len(objects) > len(SETS)
    for text, name in objects.items():
        each = json.loads(text)
        try:
            assert kubernetes_validate.validate(each, version, strict=True) == version
        except kubernetes_validate.ValidationError as error:
            place = "/".join(map(str, error.path))
            pytest.fail(f"{name}: {each['kind']}: {place}: {error.message}")


def test_kubernetes_does_not_take_a_wrong_field() -> None:
    """Or the test above would say nothing."""
    for text in core_objects():
        each = json.loads(text)
        each.setdefault("spec", {})["replcas"] = 3
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(each, VERSIONS[-1], strict=True)


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not custom_definitions():
        program("definitions of custom resources (.cache/crds)")
    return write_schemas(tmp_path_factory.mktemp("crds"))


def judged(folder: Path, definitions: str) -> tuple[int, str]:
    """Return what kubeconform says of every manifest in `folder`."""
    command = [program("kubeconform"), "-strict", "-summary", "-schema-location", definitions]
    command.append(str(folder))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_operators_take_every_object(tmp_path: Path, definitions: str) -> None:
    """Against their own definitions, closed."""
    custom = [each for name in SETS for each in rendered(name) if is_custom(each)]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(custom), encoding="utf-8")
    code, said = judged(tmp_path, definitions)
    assert code == 0, said
    assert f"{len(custom)} resources found in 1 file - Valid: {len(custom)}," in said


def test_the_operators_do_not_take_a_wrong_field(tmp_path: Path, definitions: str) -> None:
    """In none of their kinds, and every kind that the chart knows is rendered by some values."""
    kinds = {each["kind"]: each for name in SETS for each in rendered(name) if is_custom(each)}
    wrong = [{**each, "spec": {**each["spec"], "replcas": 3}} for each in kinds.values()]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(wrong), encoding="utf-8")
    code, said = judged(tmp_path, definitions)
    assert code == 1
    assert f"Valid: 0, Invalid: {len(kinds)}, Errors: 0, Skipped: 0" in said, said
    assert {each["apiVersion"].partition("/")[0] for each in kinds.values()} == CUSTOM


def named(schema: Any) -> Iterator[str]:
    """Every name of a field and every word that may stand in one."""
    if isinstance(schema, list):
        for each in schema:
            yield from named(each)
    elif isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from schema.get("enum", [])
        for each in schema.values():
            yield from named(each)


@pytest.mark.parametrize("field", BY_TYPE)
def test_strimzi_knows_what_a_type_brings_with_it(definitions: str, field: str) -> None:
    """Each word is a constant of the classes with which Strimzi itself reads a KafkaUser."""
    assert definitions
    (jar,) = STRIMZI_CLASSES.glob("api-*.jar")
    with ZipFile(jar) as classes:
        users = [each for each in classes.namelist() if "/kafka/model/user/" in each]
        constants = b"".join(map(classes.read, users))
    for word in set(named(BY_TYPE[field])):
        assert b"\x01" + len(word).to_bytes(2) + word.encode() in constants, word
    assert b"\x01\x00\x07replcas" not in constants
