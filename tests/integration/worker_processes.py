"""Workers in processes of their own, and what they tell on `/metrics`."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from streams.settings import PREFIX, Settings

__all__ = ["WorkerProcess", "as_environment", "sums", "worker_process"]

SCRIPT = Path(__file__).with_name("worker_process.py")


class WorkerProcess:
    """One running worker; `url` is the root of its endpoint."""

    def __init__(
        self, settings: Settings, log: Path, script: Path = SCRIPT, more: Sequence[str] = ()
    ) -> None:
        argument = msgspec.json.encode(settings).decode()
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(script), argument, *more],
                stdout=subprocess.PIPE,
                stderr=stream,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, log.read_text()
        self.url: str = msgspec.json.decode(line)["url"]

    def ready(self) -> bool:
        """Return whether `/-/ready` says so."""
        return self.unready() is None

    def unready(self) -> str | None:
        """Return why `/-/ready` says no; None: it says yes."""
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):  # noqa: S310
                return None
        except urllib.error.HTTPError as error:
            return error.read().decode().strip()
        except OSError as error:
            return str(error)

    def samples(self, name: str) -> Counter[tuple[str, ...]]:
        """Return the values of the metric `name` by its labels' values, partitions apart."""
        found: Counter[tuple[str, ...]] = Counter()
        for family in text_string_to_metric_families(self._lines(name)):
            for sample in family.samples:
                if sample.name == name:
                    found[tuple(sample.labels.values())] += int(sample.value)
        return found

    def _lines(self, name: str) -> str:
        """Return the lines of one metric: to parse all of a large page takes seconds."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310
            lines = answer.read().splitlines(keepends=True)
        return b"".join(line for line in lines if line.startswith(name.encode())).decode()

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(seconds)


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which `callsla` has these settings, as far as they are set."""
    plain = Settings()
    changed = {
        name: getattr(settings, name)
        for name in settings.__struct_fields__
        if getattr(settings, name) != getattr(plain, name)
    }
    own = {f"{PREFIX}{name.upper()}": str(value) for name, value in changed.items()}
    return {**os.environ, **own}


def sums(workers: list[WorkerProcess], name: str) -> int:
    """Return the sum of the metric `name` over all workers, queues and partitions."""
    return sum(sum(worker.samples(name).values()) for worker in workers)


@contextmanager
def worker_process(
    settings: Settings, directory: Path, script: Path = SCRIPT
) -> Iterator[WorkerProcess]:
    """Run a worker for the time of the block; its log is in `directory`."""
    number = len(list(directory.glob("worker-*.log")))
    worker = WorkerProcess(settings, directory / f"worker-{number}.log", script)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()
        if worker.process.stdout is not None:
            worker.process.stdout.close()
