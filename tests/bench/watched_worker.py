"""A worker in a process of its own that notes the pauses of its garbage collector.

As `tests/integration/worker_process.py`. On SIGUSR1 it writes what it noted to the file that
`CALLSLA_BENCH_PAUSES` names: milliseconds of each pause, by generation.
"""

import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

import msgspec
from worker_process import tell

from streams.cli.inputs import rules_of
from streams.kafka.worker import run_worker
from streams.settings import Settings


class Pauses:
    """Told by the collector when it begins and ends."""

    def __init__(self) -> None:
        self.milliseconds: dict[int, list[float]] = {0: [], 1: [], 2: []}
        self._begun = 0.0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._begun = time.perf_counter()
        else:
            took = (time.perf_counter() - self._begun) * 1e3
            self.milliseconds[info["generation"]].append(round(took, 3))

    def write(self, *_: Any) -> None:
        """Write them to the file, whole or not at all."""
        file = Path(os.environ["CALLSLA_BENCH_PAUSES"])
        half = file.with_suffix(".half")
        half.write_text(json.dumps(self.milliseconds))
        half.replace(file)


def main() -> None:
    """Run the worker that the first argument describes."""
    pauses = Pauses()
    gc.callbacks.append(pauses)
    signal.signal(signal.SIGUSR1, pauses.write)
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    run_worker(settings, rules_of(settings.slo_file), tell)


if __name__ == "__main__":
    main()
