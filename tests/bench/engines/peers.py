"""The other engines: their environments, their commands, and how a run of one is taken."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engines.contest import REPOSITORY, Backlog, Contest
from engines.figures import Run
from engines.job import Result, check
from engines.process import Process, Told, running

__all__ = ["java_command", "python_command", "run_peer"]

SOURCES: Final = Path(__file__).parents[1] / "peers"
CACHE: Final = REPOSITORY / ".cache" / "peers"
PATIENCE_SECONDS: Final = 300.0


def python_command(peer: str, program: str, *arguments: str) -> list[str]:
    """Return the command of a peer in Python, in an environment of its own."""
    environment = CACHE / peer
    lock = SOURCES / peer / "requirements.txt"
    done = environment / "installed.txt"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([REPOSITORY / ".ci" / "python", "-m", "venv", environment], check=True)
        pip = (
            str(environment / "bin" / "python"),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "-q",
        )
        subprocess.run([*pip, "install", "--require-hashes", "-r", str(lock)], check=True)
        shutil.copyfile(lock, done)
    return [str(environment / "bin" / "python"), str(SOURCES / peer / program), *arguments]


def java_command(peer: str, *arguments: str, heap: str = "1g") -> list[str]:
    """Return the command of a peer in Java, compiled if its sources changed."""
    folder = CACHE / peer
    libraries, classes = folder / "libs", folder / "classes"
    pom, sources = SOURCES / peer / "pom.xml", sorted((SOURCES / peer / "src").glob("*.java"))
    text = b"".join(path.read_bytes() for path in (pom, *sources))
    done = folder / "built-from"
    if not done.exists() or done.read_bytes() != text:
        shutil.rmtree(folder, ignore_errors=True)
        maven = (
            "mvn",
            "--quiet",
            "--batch-mode",
            "--file",
            str(pom),
            "dependency:copy-dependencies",
        )
        subprocess.run([*maven, f"-DoutputDirectory={libraries}"], check=True)
        javac = ("javac", "-Xlint:all", "-Werror", "-d", str(classes), "-cp", f"{libraries}/*")
        subprocess.run([*javac, *map(str, sources)], check=True)
        done.write_bytes(text)
    return ["java", f"-Xmx{heap}", "-cp", f"{classes}:{libraries}/*", "Peer", *arguments]


def run_peer(
    contest: Contest,
    backlog: Backlog,
    command: Sequence[str],
    *,
    pinned: bool = True,
    changelogs: Sequence[str] = (),
) -> Run:
    """Let a peer go through a backlog: command, broker, topic, records, group, folder.

    Raises:
        WrongResultError: its result is not that of brute force.
        RuntimeError: it ended, or did not come to the end.
    """
    tag = contest.tag()
    folder = contest.folder / tag
    folder.mkdir()
    for name in changelogs:
        contest.topics.create(f"{tag}-{name}-changelog")
    told = [contest.topics.bootstrap, backlog.topic, str(backlog.events), tag, str(folder)]
    core = contest.core if pinned else None
    log = contest.folder / f"peer-{tag}.log"
    environment = {"TZ": "UTC", "PYTHONPATH": str(SOURCES / "shared")}
    with running([*command, *told], environment, log, core) as process:
        reports, cpu_to_start = _reports(process)
        cpu, peak = process.cpu_seconds(), process.peak_bytes()
    shutil.rmtree(folder, ignore_errors=True)
    check(msgspec.json.decode(reports["done"].result, type=Result), backlog.truth)
    return Run(
        events=backlog.events,
        began=process.began,
        first=reports["first"].at,
        half=reports["half"].at,
        half_events=backlog.events // 2,
        done=reports["done"].at,
        told=reports["first"].at,
        cpu_to_start=cpu_to_start,
        cpu_seconds=cpu,
        peak_bytes=peak,
    )


def _reports(process: Process) -> tuple[dict[str, Told], float]:
    """Return what it told, and its CPU seconds when it told of the first record."""
    found: dict[str, Told] = {}
    cpu_to_start = 0.0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "done" not in found:
        told = process.told(deadline - time.monotonic())
        if told is None:
            raise RuntimeError(f"not at the end after {PATIENCE_SECONDS:.0f} s")
        if told.what == "first":
            cpu_to_start = process.cpu_seconds()
        found[told.what] = told
    return found, cpu_to_start
