"""The Dockerfile, read: what `make test-image` builds and runs for real."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"
IGNORED: Final = DOCKERFILE.with_name("Dockerfile.dockerignore")


def instructions() -> list[tuple[str, str]]:
    """Every instruction and its arguments, on one line each."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", "", text)
    lines = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name, arguments) for name, arguments in lines]


def of(name: str) -> list[str]:
    return [arguments for each, arguments in instructions() if each == name]


def last_stage() -> list[tuple[str, str]]:
    every = instructions()
    begins = max(at for at, (name, _) in enumerate(every) if name == "FROM")
    return every[begins:]


def test_hadolint_finds_nothing() -> None:
    """One rule is set aside, with the reason beside it."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_bases_are_pinned_by_tag_and_digest() -> None:
    """Each is one of the two arguments, and nothing else comes from elsewhere."""
    pinned = dict(
        each.split("=", 1) for each in of("ARG") if each.endswith(tuple("0123456789abcdef"))
    )
    bases = {name: value for name, value in pinned.items() if name.endswith("_IMAGE")}
    assert sorted(bases) == ["BUILD_IMAGE", "RUNTIME_IMAGE"]
    for value in bases.values():
        assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", value), value
    stages = {each.rpartition(" AS ")[2] for each in of("FROM")}
    for each in of("FROM"):
        assert each.partition(" ")[0] in {"${BUILD_IMAGE}", "${RUNTIME_IMAGE}", *stages}
    for each in of("COPY"):
        source = re.match(r"--from=(\S+)", each)
        assert source is None or source[1] in stages


@pytest.mark.parametrize("lock", ["runtime", "build", "kernel", "sbom"])
def test_what_is_installed_is_locked_by_hash(lock: str) -> None:
    """Nothing is installed by pip but from a lock, or from a wheel made here."""
    installs = [part for run in of("RUN") for part in run.split("&&") if " install " in part]
    pips = [part for part in installs if " pip " in part]
    assert any("--require-hashes" in part and f"requirements/{lock}.txt" in part for part in pips)
    for part in pips:
        assert "--require-hashes" in part or "--no-index --find-links /wheels" in part


def test_the_image_needs_no_shell_and_no_root() -> None:
    """The last stage runs nothing while it is built; it starts the command itself, as 65532."""
    stage = last_stage()
    names = [name for name, _ in stage]
    assert "RUN" not in names
    assert ("USER", "65532:65532") in stage
    assert ("ENTRYPOINT", '["callsla"]') in stage
    assert ("CMD", '["worker"]') in stage
    assert names.count("COPY") == 1


def test_the_image_says_what_it_is() -> None:
    """The labels that registries show, filled at the release."""
    (labels,) = [arguments for name, arguments in last_stage() if name == "LABEL"]
    for name in ("title", "description", "licenses", "version", "revision", "created", "source"):
        assert f"org.opencontainers.image.{name}=" in labels
    for argument in ("VERSION", "REVISION", "CREATED", "SOURCE"):
        assert f'"${{{argument}}}"' in labels


def test_what_is_compiled_names_no_folder_of_its_build() -> None:
    """That is another one each time, and two builds of the same sources would differ by it."""
    found = find_spec("callsla_kernel")
    assert found is not None, "the ledger is not compiled: make venv"
    compiled = [*Path(str(found.origin)).parent.glob("*.so")]
    assert len(compiled) > 20
    named = [path.name for path in compiled if re.search(rb"build-\w{8}\b", path.read_bytes())]
    assert named == [], "an older build: pip uninstall callsla-kernel, then: make kernel"


def test_no_step_asks_for_an_architecture() -> None:
    """One Dockerfile for all of them."""
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert not re.search(r"amd64|x86_64|arm64|aarch64|--platform", text)


def test_the_build_sees_what_it_needs_and_nothing_else() -> None:
    """Everything is left out, then let in by name."""
    rules = [each for each in IGNORED.read_text().splitlines() if each and not each.startswith("#")]
    assert rules[0] == "*"
    allowed = [each[1:] for each in rules if each.startswith("!")]
    for copied in of("COPY"):
        if not copied.startswith("--from"):
            for source in copied.split()[:-1]:
                assert any(fnmatch(source, rule) for rule in allowed), source
                assert (ROOT / source).exists(), source
    for secret in (".git", ".env", "tests", ".venv", "deploy/compose"):
        assert not any(fnmatch(secret, rule) for rule in allowed)
