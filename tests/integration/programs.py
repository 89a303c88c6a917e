"""Real programs that tests need: skipped with a reason where they are missing, required in CI."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

__all__ = ["REPOSITORY", "SHIPPED", "require", "run"]

REPOSITORY: Final = Path(__file__).parents[2]
SHIPPED: Final = REPOSITORY / "deploy" / "helm" / "callsla" / "files"
PACKAGES: Final = {
    "bwrap": "bubblewrap",
    "java": "default-jre-headless",
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


def require(*programs: str) -> None:
    """Skip the test if a program is missing; in CI (`CI=true`) fail it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    packages = " ".join(sorted({PACKAGES[program] for program in missing}))
    reason = f"{', '.join(missing)} not installed; get it with: apt-get install {packages}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command: str | Path, cwd: Path | None = None, seconds: float = 300) -> tuple[int, str]:
    """Run a program to its end, for `seconds` at most; return its exit code and all it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
