"""The workers under test: each in a slot, started again when it ends, as a cluster would do."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Final

from kafka_server import free_ports
from releases import Release

__all__ = ["Crew", "Slot"]

HOOK: Final = Path(__file__).with_name("hook")
COMMAND: Final = ("-P", "-c", "from streams.cli import main; main()", "worker")
RESTART_SECONDS: Final = 1.0
STOP_SECONDS: Final = 30.0


class Slot:
    """A place for one worker; its process changes, its port and its name stay."""

    def __init__(
        self, number: int, directory: Path, environment: dict[str, str], release: Release
    ) -> None:
        self.number = number
        self.release = release
        """what the next process is one of"""
        self.port = free_ports(1)[0]
        self.incarnation = 0
        self.exits: list[str] = []
        """how processes ended that nobody killed"""
        self.log = directory / f"worker-{number}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._clock = directory / f"clock-{number}"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CALLSLA_")},
            **environment,
            "CALLSLA_METRICS_PORT": str(self.port),
            "CHAOS_CLOCK_FILE": str(self._clock),
        }
        self._is_wanted = False
        self._start_after = 0.0
        self._lock = threading.RLock()
        self.set_clock(0)

    @property
    def pid(self) -> int | None:
        """Of the process, if it runs."""
        alive = self.process is not None and self.process.poll() is None
        return self.process.pid if self.process is not None and alive else None

    def set_clock(self, offset: float) -> None:
        """Have the wall clock of the worker be wrong by `offset` seconds."""
        temporary = self._clock.with_suffix(".new")
        temporary.write_text(str(offset))
        temporary.replace(self._clock)

    def start(self) -> None:
        """Have a worker here from now on."""
        with self._lock:
            self._is_wanted = True
            self._start_after = 0.0
            self.look()

    def stop(self) -> float | None:
        """End the worker by SIGTERM; returns how many seconds that took, None if there was none."""
        with self._lock:
            self._is_wanted = False
            if self.pid is None or self.process is None:
                return None
            process, self.process = self.process, None
            began = time.monotonic()
            process.terminate()
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.exits.append(f"worker {self.number} did not end within {STOP_SECONDS:.0f} s")
                return STOP_SECONDS
            # Before its handlers are there, a process just ends.
            if code not in (0, -signal.SIGTERM):
                self.exits.append(f"worker {self.number} ended on SIGTERM with {code}")
            return time.monotonic() - began

    def kill(self, seconds: float) -> None:
        """End the worker by SIGKILL; the next one starts after `seconds`."""
        with self._lock:
            self._start_after = time.monotonic() + seconds
            if self.process is not None:
                self.process.kill()
                self.process.wait()
                self.process = None

    def signal(self, number: int) -> None:
        """Send a signal, if there is a process."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def look(self) -> None:
        """Start a worker if there should be one and is none."""
        with self._lock:
            if self.process is not None and self.process.poll() is not None:
                self._note_end(self.process.returncode)
            if self._is_wanted and self.process is None and time.monotonic() >= self._start_after:
                self._launch()

    def _note_end(self, code: int) -> None:
        self.process = None
        if self._is_wanted:
            self.exits.append(f"worker {self.number} ended with {code}: {self._last_line()}")
            self._start_after = time.monotonic() + RESTART_SECONDS

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "")[:300]

    def _launch(self) -> None:
        self.incarnation += 1
        with self.log.open("ab") as stream:
            stream.write(f"--- process {self.incarnation}, {self.release.name}\n".encode())
            self.process = subprocess.Popen(
                [self.release.python, *COMMAND], stdout=stream, stderr=stream,
                env={**self._environment, "PYTHONPATH": ":".join([str(HOOK), *self.release.path])},
            )  # fmt: skip


class Crew:
    """All slots, looked after by a thread."""

    def __init__(self, slots: list[Slot]) -> None:
        self.slots = slots
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_for_ever, daemon=True)
        self._thread.start()

    def _look_for_ever(self) -> None:
        while not self._end.wait(0.1):
            for slot in self.slots:
                slot.look()

    @property
    def live(self) -> list[Slot]:
        """Those with a worker."""
        return [slot for slot in self.slots if slot.pid is not None]

    def close(self) -> None:
        """End every worker at once."""
        self._end.set()
        self._thread.join(STOP_SECONDS)
        for slot in self.slots:
            slot._is_wanted = False
            slot.signal(signal.SIGCONT)
            slot.kill(0)
