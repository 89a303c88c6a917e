"""The releases a worker can be of: today's, and the one before it as its users have it."""

import subprocess
import sys
import tarfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["FORMER", "TODAY", "HistoryMissingError", "Release", "release"]

REPOSITORY: Final = Path(__file__).parents[2]
TODAY: Final = "today"
FORMER: Final = "ed72ee52d38d"
"""The release that is upgraded from: a tag, or until there is one, the newest commit that landed
before this version was begun."""


class Release(NamedTuple):
    """Where `streams` of a release is to be had."""

    name: str
    python: str
    path: tuple[str, ...] = ()
    """in front of what that Python knows"""


class HistoryMissingError(RuntimeError):
    """The former release cannot be built here; the text says what to do."""


@cache
def release(name: str) -> Release:
    """Return the release `name`: `TODAY`, or a commit or tag, built on the first call.

    Raises:
        HistoryMissingError: this is no clone, or one without that commit.
    """
    if name == TODAY:
        return Release(name, sys.executable, (str(REPOSITORY),))
    commit = _commit(name)
    folder = REPOSITORY / ".cache" / "releases" / commit
    done = folder / "done"
    if not done.exists():
        _build(commit, folder)
        done.touch()
    return Release(name, str(folder / "venv" / "bin" / "python"))


def _commit(name: str) -> str:
    asked = ("git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    found = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    raise HistoryMissingError(
        f"the former release ({name}) is not in this clone: fetch the whole history "
        "(git fetch --unshallow --tags)"
    )


def _build(commit: str, folder: Path) -> None:
    """Install the wheel of `commit` with its own locked requirements."""
    archive = _run("git", "archive", "--format=tar", commit)
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder / "source", filter="data")
    venv, wheels = folder / "venv", folder / "wheels"
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, folder / "source")
    _run(sys.executable, *build)
    _run(sys.executable, "-m", "venv", "--clear", venv)
    pip = (venv / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    lock = folder / "source" / "requirements" / "runtime.txt"
    _run(*pip, "install", "--require-hashes", "-r", lock)
    _run(*pip, "install", "--no-deps", "--force-reinstall", *wheels.glob("*.whl"))


def _run(*command: str | Path) -> bytes:
    done = subprocess.run(
        [str(part) for part in command], cwd=REPOSITORY, capture_output=True, check=False
    )
    if done.returncode != 0:
        text = (done.stdout + done.stderr).decode(errors="replace")
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{text[-3000:]}")
    return done.stdout
