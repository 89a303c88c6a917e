"""The demo: the whole chain in one process, seen from outside, and nothing left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from urllib.request import ProxyHandler, build_opener

import pytest
from rich.console import Console

from streams.demo.alerts import Alert, Hook
from streams.demo.board import Board, QueueRow
from streams.demo.view import Scene, render
from streams.events import CallOffered
from streams.instants import SECOND
from streams.ledger import Ledger, Rules
from streams.promise_events import PromiseEvent

if TYPE_CHECKING:
    from streams.kafka.state import WorkerState

DEMO = [sys.executable, "-c", "from streams.cli import main; main()", "demo"]
NOW = 1_772_445_600 * SECOND


def started(*arguments: str, temporary: Path) -> "subprocess.Popen[str]":
    """Start the demo with a folder of its own for temporary files."""
    return subprocess.Popen(
        [*DEMO, "--plain", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )


def children_of(pid: int) -> list[int]:
    """Return the processes that `pid` has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def read_until(running: "subprocess.Popen[str]", pattern: str, seconds: float) -> str:
    """Read lines of stdout until one matches."""
    assert running.stdout is not None
    end = time.monotonic() + seconds
    for line in running.stdout:
        if re.search(pattern, line):
            return line
        assert time.monotonic() < end, f"nothing matched {pattern!r}"
    pytest.fail(f"the demo ended before {pattern!r}")


def test_a_breach_is_shown_while_the_caller_still_waits(tmp_path: Path) -> None:
    """The agents leave after 20 s; ten seconds later the first promise breaks, and it is seen."""
    with started("--no-alerts", "--seconds", "45", temporary=tmp_path) as running:
        assert running.stdout is not None
        lines = running.stdout.read().splitlines()
        assert running.wait(20) == 0
    seen = [line for line in lines if re.search(r'last_breach="support: still waiting', line)]
    assert seen
    assert all("outage=yes" in line for line in seen)
    waits = [float(re.search(r"still waiting after ([0-9.]+)", line)[1]) for line in seen]  # type: ignore[index]
    assert 10 <= min(waits) <= 11.5
    assert re.match(r"\d+ of \d+ callers were answered by a human within 10 s", lines[-3])


def test_metrics_count_what_the_view_shows(tmp_path: Path) -> None:
    """The address is printed, and both come from the same worker."""
    with started("--no-alerts", temporary=tmp_path) as running:
        address = re.search(r"metrics=(\S+)", read_until(running, "metrics=", 30))
        assert address is not None
        line = read_until(running, r" kept=[3-9] ", 30)
        with build_opener(ProxyHandler({})).open(address[1], timeout=5) as answer:
            text = answer.read().decode()
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)
    series = r"(?m)^callcenter_answer_promises_total{.*} (\S+)$"
    decided = sum(map(float, re.findall(series, text)))
    kept = re.search(r" kept=(\d+) ", line)
    assert kept is not None
    assert int(kept[1]) <= decided <= int(kept[1]) + 5


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """No child, no temporary file, no listener; exit code 130."""
    with started(temporary=tmp_path) as running:
        head = read_until(running, "metrics=", 40)
        read_until(running, "^00:02", 20)
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", head)]
        children = children_of(running.pid)
        programs = (("prometheus",), ("prometheus-alertmanager", "alertmanager"))
        installed = all(any(map(shutil.which, names)) for names in programs)
        assert len(children) == (2 if installed else 0)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
        assert running.returncode == 130
    assert "Traceback" not in said
    assert [child for child in children if is_running(child)] == []
    assert list(tmp_path.iterdir()) == []
    assert [port for port in ports if _listens(port)] == []


def _listens(port: int) -> bool:
    """Whether somebody listens on that port of the loopback interface."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    local = f"0100007F:{port:04X}"
    return any(line.split()[1] == local and line.split()[3] == "0A" for line in lines)


def promise(**fields: object) -> PromiseEvent:
    common = {"id": "x", "key": "call-1", "revision": 1, "queue": "support"}
    return PromiseEvent(**{**common, **fields})  # type: ignore[arg-type]


def test_board_tells_how_a_broken_promise_ended() -> None:
    """What began as a wait ends as an answer that came too late, with the exact wait."""
    board = Board()
    fields = {"verdict": "outcome", "at": "2026-03-02T10:00:23.5Z", "wait_seconds": 23.5}
    board.note(promise(state="answered_late", **fields))
    (breach,) = board.last_breaches(5)
    assert breach.text == "answered after 23.50 s"
    assert not breach.waiting
    board.note(promise(verdict="answer", state="kept", at="2026-03-02T10:00:09Z"))
    assert board.last_breaches(5) == []


@pytest.mark.parametrize(("late", "shown"), [(-0.1, 0), (0.2, 0), (0.4, 1)])
def test_who_waits_beyond_the_target_is_shown_when_an_answer_would_be_known(
    late: float, shown: int
) -> None:
    """An answer in the last moment takes a while to come here."""
    ledger = Ledger(Rules())
    ledger.apply(CallOffered(id="1", at=NOW, call_id="a", source="pbx", queue="support"))
    ledger.advance(NOW)
    partition = SimpleNamespace(ledger=ledger, exported=SimpleNamespace(totals=ledger.totals))
    board, state = Board(), SimpleNamespace(partitions={0: partition})
    board.look(cast("WorkerState", state), NOW + round((10 + late) * SECOND))
    assert [breach.waiting for breach in board.last_breaches(5)] == [True] * shown


def test_hook_keeps_the_latest_word_about_each_alert() -> None:
    """The watchdog is counted, not shown; a resolved alert stays as such."""
    hook = Hook()
    alert = {
        "status": "firing",
        "fingerprint": "a",
        "labels": {"alertname": "AnswerPromiseFastBurn"},
        "annotations": {"summary": "Queue support", "description": "7 of 13 calls"},
    }
    dog = {"status": "firing", "fingerprint": "w", "labels": {"alertname": "Watchdog"}}
    with hook:
        hook.take({"alerts": [alert, dog]})
        assert [(told.firing, told.title) for told in hook.alerts()] == [(True, "Queue support")]
        hook.take({"alerts": [{**alert, "status": "resolved"}]})
        assert [told.firing for told in hook.alerts()] == [False]
    assert hook.heartbeats == 1


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40), (200, 60)])
def test_the_view_fits_the_terminal(width: int, height: int) -> None:
    """Also in the worst minute: many breaches and alerts, long names."""
    board = Board(queues={name: QueueRow(name, waiting=120, beyond=99) for name in "abcd"})
    for number in range(80):
        fields = {"verdict": "outcome", "at": "2026-03-02T10:00:23.5Z", "wait_seconds": 23.5}
        board.note(promise(state="diverted", **{**fields, "key": f"call-{number}"}))
    alerts = [Alert("A", firing=True, title="t" * 150, text="x" * 300, told_at=0.0)] * 5
    addresses = dict.fromkeys(("metrics", "Prometheus", "Kafka"), "http://127.0.0.1:65535")
    scene = Scene(
        elapsed=3599, now=NOW, hour=60, outage="o" * 60, news="", alerts=alerts, addresses=addresses
    )
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True)
    lines = console.render_lines(render(board, scene, width, height), pad=False)
    assert len(lines) <= height
    text = "\n".join("".join(part.text for part in line) for line in lines)
    assert "Ctrl-C ends" in text
    assert max(map(len, text.splitlines())) <= width
