"""Prometheus and Alertmanager of this machine, on loopback and for a while.

For `callsla demo` and for tests: real programs, free ports, data in a temporary folder, nothing
left behind.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.slo.alertmanager import (
    TEMPLATES_FILE,
    Receivers,
    render_alertmanager,
    render_templates,
)
from streams.slo.objective import Objective
from streams.slo.rulesfile import dump, render_rules
from streams.slo.ruletests import RULES_FILE
from streams.slo.timing import QUICK, Timing

__all__ = ["LocalStack", "Program", "StackError", "missing_programs", "monitoring"]

HOST: Final = "127.0.0.1"
JOB: Final = "callsla"
START_LIMIT: Final = 20.0
STOP_LIMIT: Final = 5.0
POLL: Final = 0.05

_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is reached without any proxy of the environment."""

PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "prometheus": ("prometheus",),
    "prometheus-alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
"""Debian's package and the names its program goes by."""


class StackError(RuntimeError):
    """A program is missing or does not start; one line that says which and what to do."""


@dataclass(frozen=True, slots=True)
class LocalStack:
    """Where the running programs listen."""

    prometheus: str
    alertmanager: str


def missing_programs() -> list[str]:
    """Return the Debian packages that would have to be installed."""
    return [package for package in PROGRAMS if _find(package) is None]


@contextmanager
def monitoring(
    worker: str, objective: Objective, receivers: Receivers, timing: Timing = QUICK
) -> Iterator[LocalStack]:
    """Run both programs with the rules of `objective`, scraping the worker at `worker`.

    `worker` is `host:port`; alerts go to `receivers`.

    Raises:
        StackError: a program is missing or does not start.
    """
    with tempfile.TemporaryDirectory(prefix="callsla-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / TEMPLATES_FILE).write_text(render_templates(), encoding="utf-8")
        with alertmanager(folder, render_alertmanager(receivers, timing)) as alerts:
            (folder / RULES_FILE).write_text(render_rules(objective, timing), encoding="utf-8")
            config = prometheus_config([worker], alerts.address, timing)
            with prometheus(folder, config) as metrics:
                yield LocalStack(metrics.url, alerts.url)


def prometheus_config(targets: list[str], alertmanager_address: str | None, timing: Timing) -> str:
    """Return a configuration that scrapes `targets` as often as rules are evaluated."""
    seconds = f"{max(timing.interval // 1_000_000, 1)}s"
    config: dict[str, object] = {
        "global": {
            "scrape_interval": seconds,
            "scrape_timeout": seconds,
            "evaluation_interval": seconds,
        },
        "rule_files": [RULES_FILE],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": targets}]}],
    }
    if alertmanager_address is not None:
        config["alerting"] = {
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager_address]}]}]
        }
    return dump(config)


def prometheus(folder: Path, config: str, *flags: str) -> "Program":
    """Return Prometheus, to be entered; its files are in `folder`."""
    path = folder / "prometheus.yaml"
    path.write_text(config, encoding="utf-8")
    address = _free_address()
    return Program(
        "prometheus",
        address,
        folder / "prometheus.log",
        [
            f"--config.file={path}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={address}",
            # It finds Alertmanager only after 5 s and says nothing twice within this time.
            "--rules.alert.resend-delay=2s",
            *flags,
        ],
    )


def alertmanager(folder: Path, config: str) -> "Program":
    """Return Alertmanager, to be entered; its files are in `folder`."""
    path = folder / "alertmanager.yaml"
    path.write_text(config, encoding="utf-8")
    address = _free_address()
    return Program(
        "prometheus-alertmanager",
        address,
        folder / "alertmanager.log",
        [
            f"--config.file={path}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={address}",
            # Without this it would listen for other Alertmanagers on every address.
            "--cluster.listen-address=",
        ],
    )


class Program:
    """One program: started and ready on entering, gone on leaving."""

    def __init__(self, package: str, address: str, log: Path, arguments: list[str]) -> None:
        self.address = address
        self.url = f"http://{address}"
        self._package = package
        self._log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = _find(self._package)
        if program is None:
            message = (
                f"{self._package} is not installed; get it with: apt-get install {self._package}"
            )
            raise StackError(message)
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C goes to us, and we stop it in order.
            self._process = subprocess.Popen(  # noqa: S603
                [program, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """The process while it runs.

        Raises:
            StackError: it does not.
        """
        if self._process is None:
            message = f"{self._package} does not run"
            raise StackError(message)
        return self._process.pid

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + START_LIMIT
        while process.poll() is None and time.monotonic() < end:
            if _answers(f"{self.url}/-/ready"):
                return
            time.sleep(POLL)
        log = self._log.read_text(encoding="utf-8", errors="replace").strip()
        last_line = (log.splitlines() or ["it said nothing"])[-1]
        message = f"{self._package} does not start: {last_line[-300:]}"
        raise StackError(message)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _find(package: str) -> str | None:
    return next((path for name in PROGRAMS[package] if (path := shutil.which(name))), None)


def _free_address() -> str:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return f"{HOST}:{listener.getsockname()[1]}"


def _answers(url: str) -> bool:
    with (
        contextlib.suppress(urllib.error.URLError, OSError),
        _DIRECT.open(url, timeout=1) as response,
    ):
        return bool(response.status == 200)
    return False
