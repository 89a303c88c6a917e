"""The wheel works alone: in an empty environment, with the locked requirements and nothing else."""

import os
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from streams import KERNEL, __version__

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.integration


def _run(*command: str | Path, cwd: Path) -> str:
    """Run a command far from the checkout and return what it says."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    _run(*build, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; its folder of commands."""
    folder = tmp_path_factory.mktemp("empty")
    _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = (folder / "venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    lock = ROOT / "requirements" / "runtime.txt"
    _run(*pip, "install", "--require-hashes", "-r", lock, cwd=folder)
    _run(*pip, "install", "--no-deps", wheel, cwd=folder)
    _run(*pip, "check", cwd=folder)
    return folder / "venv" / "bin"


def test_the_wheel_holds_the_package_and_its_licence(wheel: Path) -> None:
    """Nothing of the tests, the deployment or the machine; typed."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith("/METADATA")]
        fields = message_from_string(archive.read(metadata).decode())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"streams", f"callsla-{__version__}.dist-info"}
    assert "streams/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert (fields["Name"], fields["Version"]) == ("callsla", __version__)
    assert fields["License-Expression"] == "Apache-2.0"


def test_every_module_of_the_checkout_is_in_the_wheel(wheel: Path) -> None:
    """And every other file beside them."""
    kept = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "streams").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.startswith("streams/")} == kept


def test_the_command_says_its_version(empty: Path) -> None:
    """The first thing anybody types."""
    assert __version__ in _run(empty / "callsla", "version", cwd=empty)


def test_the_command_needs_nothing_of_the_checkout(empty: Path, tmp_path: Path) -> None:
    """A simulated centre, judged: the same figures as here."""
    events = tmp_path / "events.jsonl"
    simulate = ("simulate", "--calls", "200", "--seed", "7", "--to", str(events))
    _run(empty / "callsla", *simulate, cwd=tmp_path)
    replay = ("replay", "--from", "events", str(events), "--json")
    alone = _run(empty / "callsla", *replay, cwd=tmp_path)
    here = _run(Path(sys.executable).with_name("callsla"), *replay, cwd=tmp_path)
    assert alone == here
    assert '"offered"' in alone


def test_the_demo_runs_from_the_wheel(empty: Path, tmp_path: Path) -> None:
    """The whole chain on the embedded broker."""
    said = _run(empty / "callsla", "demo", "--plain", "--seconds", "5", cwd=tmp_path)
    assert said.strip()


def test_the_kernels_wheel_is_put_to_use_beside_it(empty: Path, tmp_path: Path) -> None:
    """As `make venv` built it; it needs nothing else."""
    built = sorted((ROOT / ".cache/kernel/dist").glob("callsla_kernel-*.whl"))
    if KERNEL.name != "compiled":
        pytest.skip(f"the kernel is not in use here: {KERNEL.reason}")
    assert "kernel python" in _run(empty / "callsla", "version", cwd=empty)
    pip = (empty / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--no-deps", "--no-index", *built, cwd=tmp_path)
    _run(*pip, "check", cwd=tmp_path)
    assert "kernel compiled" in _run(empty / "callsla", "version", cwd=empty).splitlines()
    simulate = ("simulate", "--calls", "200", "--seed", "7", "--to", "events.jsonl")
    _run(empty / "callsla", *simulate, cwd=tmp_path)
    said = _run(empty / "callsla", "replay", "--from", "events", "events.jsonl", cwd=tmp_path)
    assert "200" in said
    _run(*pip, "uninstall", "--yes", "callsla-kernel", cwd=tmp_path)
