"""The image, built twice without a container engine and run as it would be: `make test-image`.

Its bases are Debian's packages (see `.ci/image`). What this cannot try: the bases that the
Dockerfile names, and other architectures than this machine's.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from kafka_server import free_ports
from packaging.requirements import Requirement

from streams import __version__

ROOT: Final = Path(__file__).parents[2]
HOME: Final = "opt/callsla"

pytestmark = pytest.mark.timeout(3600)


def build(folder: Path) -> Path:
    """The file system of the image, built anew."""
    said = subprocess.run([ROOT / ".ci/image", folder], check=True, capture_output=True, text=True)
    return Path(said.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Built here, or in the folder that CALLSLA_IMAGE names."""
    folder = tmp_path_factory.mktemp("image") / "one"
    given = os.environ.get("CALLSLA_IMAGE")
    yield Path(given) if given else build(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("image") / "two"
    given = os.environ.get("CALLSLA_IMAGE_AGAIN")
    yield Path(given) if given else build(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def configuration(built: Path) -> dict[str, Any]:
    """Of the image, as a registry has it."""
    said = json.loads((built.parent / "config.json").read_text())
    config: dict[str, Any] = (
        json.loads(said["Config"])["config"] if "Config" in said else said["config"]
    )
    return config


def inside(root: Path, environment: dict[str, str], *command: str) -> list[str]:
    """The command that runs `command` in the image: 65532, no rights, nothing to write to."""
    variables = [part for name, value in environment.items() for part in ("--setenv", name, value)]
    confined = ["bwrap", "--ro-bind", str(root), "/", "--dev", "/dev", "--proc", "/proc"]
    confined += ["--remount-ro", "/dev", "--unshare-user", "--uid", "65532", "--gid", "65532"]
    confined += ["--unshare-ipc", "--cap-drop", "ALL", "--die-with-parent", "--chdir", "/"]
    return [*confined, "--clearenv", *variables, *command]


def environment(configuration: dict[str, Any]) -> dict[str, str]:
    return dict(each.split("=", 1) for each in configuration["Env"])


def run(root: Path, configuration: dict[str, Any], *command: str) -> str:
    done = subprocess.run(
        inside(root, environment(configuration), *command),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def fingerprints(root: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time and content of every file that the build adds to its base."""
    found = {}
    for path in sorted((root / HOME).rglob("*")):
        state = path.lstat()
        content = os.readlink(path) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(root))] = (state.st_mode, int(state.st_mtime), content)
    return found


def test_two_builds_are_the_same_to_the_byte(built: Path, again: Path) -> None:
    """The compiled ledger, the bytecode and the list of contents as well."""
    one, two = fingerprints(built), fingerprints(again)
    assert len(one) > 3000
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()


def test_the_configuration_names_command_and_user(configuration: dict[str, Any]) -> None:
    """By number, so that Kubernetes can tell that it is not root."""
    assert configuration["User"] == "65532:65532"
    assert (configuration["Entrypoint"], configuration["Cmd"]) == (["callsla"], ["worker"])
    assert "9808/tcp" in configuration["ExposedPorts"]


def test_the_command_says_its_version(built: Path, configuration: dict[str, Any]) -> None:
    """With the ledger compiled."""
    said = json.loads(run(built, configuration, "callsla", "version", "--json"))
    assert (said["callsla"], said["kernel"]) == (__version__, "compiled")
    assert said["python"].startswith("3.13.")


def test_a_worker_runs_with_nothing_to_write_to(
    built: Path, configuration: dict[str, Any], tmp_path: Path
) -> None:
    """On the embedded broker, until SIGTERM: ready, with its numbers, and out in order."""
    (port,) = free_ports(1)
    variables = {**environment(configuration), "CALLSLA_METRICS_PORT": str(port)}
    log = tmp_path / "log"
    with log.open("wb") as file:
        worker = subprocess.Popen(
            inside(built, variables, "callsla", "worker"), stdout=file, stderr=file
        )
    try:
        metrics = until_ready(worker, port)
        # bwrap itself waits for the command and hands its exit code on.
        (child,) = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        assert worker.wait(30) == 0, log.read_text()
    finally:
        worker.kill()
        worker.wait()
    assert re.search(rf"callcenter_build_info\{{.*version=\"{re.escape(__version__)}\"", metrics)
    assert "Traceback" not in log.read_text()
    assert "Read-only file system" not in log.read_text()


def until_ready(worker: "subprocess.Popen[bytes]", port: int) -> str:
    """The metrics, once the worker is ready."""
    end = time.monotonic() + 60
    while time.monotonic() < end and worker.poll() is None:
        try:
            if get(port, "/-/ready") == "ready\n":
                return get(port, "/metrics")
        except OSError:
            time.sleep(0.2)
    pytest.fail("the worker is not ready after a minute, or ended")


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
        text: str = response.read().decode()
        return text


def test_the_list_of_contents_is_whole(built: Path) -> None:
    """Every locked requirement for this Python with its version, and callsla itself."""
    sbom = json.loads((built / HOME / "callsla.cdx.json").read_text())
    listed = {(plain(each["name"]), each["version"]) for each in sbom["components"]}
    locked = set(locked_for(built))
    assert locked
    assert locked - listed == set()
    names = {name for name, _ in listed}
    assert "callsla-kernel" in names
    assert sbom["metadata"]["component"]["name"] == "callsla"
    assert names - {name for name, _ in locked} <= {"callsla", "callsla-kernel"}


def locked_for(root: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each requirement that is for the image's Python."""
    (library,) = (root / HOME / "lib").glob("python3.*")
    version = library.name.removeprefix("python")
    text = (ROOT / "requirements/runtime.txt").read_text()
    for line in re.findall(r"^[\w.-]+==.*?(?= \\$)", text, re.MULTILINE):
        requirement = Requirement(line)
        where = {"python_version": version, "python_full_version": f"{version}.0"}
        if requirement.marker is None or requirement.marker.evaluate(where):
            yield plain(requirement.name), str(requirement.specifier).removeprefix("==")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_nothing_of_the_build_is_left(built: Path) -> None:
    """No shell, no compiler, no pip; nothing that others may write, nothing with more rights."""
    for name in ("sh", "bash", "dash", "gcc", "cc", "pip", "pip3", "apt-get", "dpkg"):
        assert not list(built.glob(f"usr/bin/{name}")), name
    assert not list((built / HOME).rglob("pip"))
    assert {path.name for path in (built / HOME / "bin").iterdir()} == {
        "callsla", "python", "python3", "python3.13",
    }  # fmt: skip
    for path in (built / HOME).rglob("*"):
        mode = path.lstat().st_mode
        assert path.is_symlink() or mode & 0o6022 == 0, path
