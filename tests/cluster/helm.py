"""Helm, as its users run it."""

import os
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["CHART", "Helm", "HelmError", "former_chart"]

REPOSITORY: Final = Path(__file__).parents[2]
CHART: Final = REPOSITORY / "deploy" / "helm" / "callsla"
FORMER: Final = "18d75038e5a8"
"""The chart that is upgraded from: of the last release, or until there is one, of the commit that
first had one."""
SECONDS: Final = 180


class HelmError(RuntimeError):
    """Helm refuses; the text is its own."""


def program() -> str:
    """Return the path of Helm: `make parts` brings it."""
    built = os.environ.get("CALLSLA_BIN", REPOSITORY / ".cache" / "bin")
    found = shutil.which("helm", path=f"{built}{os.pathsep}{os.environ['PATH']}")
    assert found is not None, "helm is missing: make parts"
    return found


def former_chart(directory: Path) -> Path:
    """Write the former chart below `directory` and return its path; it is one of the commits."""
    archive = ["git", "archive", "--format=tar", FORMER, str(CHART.relative_to(REPOSITORY))]
    made = subprocess.run(archive, cwd=REPOSITORY, capture_output=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"the former chart ({FORMER}) is missing: git fetch --unshallow --tags")
    with tarfile.open(fileobj=BytesIO(made.stdout)) as files:
        files.extractall(directory, filter="data")
    return directory / CHART.relative_to(REPOSITORY)


class Helm:
    """Helm in one namespace, with what `kubeconfig` may do."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._kubeconfig, self.namespace = kubeconfig, namespace
        self._home = kubeconfig.parent / "helm"

    def run(self, *arguments: str | Path) -> str:
        """Return what `helm ARGUMENTS` says on stdout.

        Raises:
            HelmError: it says no.
        """
        homes = {f"HELM_{name}_HOME": str(self._home) for name in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [program(), "--namespace", self.namespace, *(str(each) for each in arguments)],
            env={**os.environ, **homes, "KUBECONFIG": str(self._kubeconfig)},
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise HelmError(done.stderr.strip())
        return done.stdout

    def install(self, release: str, *options: str | Path) -> str:
        """Install this chart. Raises: as `run`."""
        return self.run("install", release, CHART, *options)

    def upgrade(self, release: str, *options: str | Path) -> str:
        """Upgrade to this chart with the values in `options` alone. Raises: as `run`."""
        # Helm remembers ten revisions unless told otherwise.
        every = ("--reset-values", "--history-max", "0")
        return self.run("upgrade", release, CHART, *every, *options)

    def manifest(self, release: str, *options: str) -> list[dict[str, Any]]:
        """Return the objects of a release. Raises: as `run`."""
        text = self.run("get", "manifest", release, *options)
        return [each for each in yaml.safe_load_all(text) if each]
