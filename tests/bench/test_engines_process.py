"""How an engine is watched: real processes that tell what a peer tells, right and wrong."""

import json
import sys
import time
from pathlib import Path

import pytest
from engines.contest import Backlog, Contest
from engines.job import Result, WrongResultError
from engines.peers import run_peer
from engines.process import running
from engines.topics import Topics

PEER = """
import json, sys, time
def tell(what, result=None):
    print(json.dumps({"what": what, "at": time.time(), "result": result}, separators=(",", ":")))
    sys.stdout.flush()
print("a line of its log")
tell("first"); tell("half")
sum(range(3_000_000))
tell("done", json.loads(sys.argv[1]))
sys.stdin.read()
"""
TRUTH = Result({"sales": [1, 1, 0, 0]}, {"sales|1": [1, 1, 0, 0]})


def _contest(folder: Path) -> tuple[Contest, Backlog]:
    nowhere = Topics("127.0.0.1:1")
    return Contest(folder, nowhere, None), Backlog("events", [60, 40], TRUTH)


def _peer(queues: dict[str, list[int]]) -> list[str]:
    result = {"queues": queues, "windows": TRUTH.windows}
    return [sys.executable, "-c", PEER, json.dumps(result)]


def test_a_peer_that_counts_right_is_measured(tmp_path: Path) -> None:
    """Times in order, a processor used, memory of a Python at least."""
    run = run_peer(*_contest(tmp_path), _peer(TRUTH.queues))

    assert run.began < run.first <= run.half <= run.done < time.time()
    assert (run.events, run.half_events) == (100, 50)
    assert run.cpu_to_start < run.cpu_seconds < 5
    assert 5e6 < run.peak_bytes < 5e8


def test_a_peer_that_counts_wrong_is_not(tmp_path: Path) -> None:
    """However fast it was."""
    with pytest.raises(WrongResultError, match="sales"):
        run_peer(*_contest(tmp_path), _peer({"sales": [1, 0, 1, 0]}))


def test_a_peer_that_ends_says_why(tmp_path: Path) -> None:
    """With the end of its log."""
    with pytest.raises(RuntimeError, match="no such thing"):
        run_peer(*_contest(tmp_path), [sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_children_count_and_end_with_it(tmp_path: Path) -> None:
    """The processor time of the whole tree; nothing is left behind."""
    child = "import os; sum(range(99_000_000)); print(os.getpid(), flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    log = tmp_path / "log"
    with running([sys.executable, "-c", parent + "; input()"], {}, log, None) as process:
        deadline = time.monotonic() + 60
        while process.cpu_seconds() < 0.2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        children = process.children()
        assert len(children) == 1

    assert not [each for each in children if Path(f"/proc/{each}/exe").exists()]
