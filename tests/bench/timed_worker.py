"""A worker that notes how long its event loop is kept by each tick and each part of a snapshot.

`python timed_worker.py <settings as JSON> FILE`: as `worker_process.py`; at its end it writes the
milliseconds of CPU time into FILE. While a ledger ticks or is written no batch is applied.
"""

import sys
import time
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from worker_process import tell

from streams.cli.inputs import rules_of
from streams.kafka.ledgerlog.machine import Machine, StateWriting
from streams.kafka.partition import PartitionProcessor
from streams.kafka.worker import run_worker
from streams.settings import Settings

Note = tuple[float, float]
"""When (seconds since 1970), and for how many milliseconds of CPU time."""


def timed(owner: Any, name: str) -> list[Note]:
    """Have each call of the method `name` noted in the list that is returned."""
    notes: list[Note] = []
    method = getattr(owner, name)

    def noting(*args: Any, **kwargs: Any) -> Any:
        begun = time.thread_time()
        try:
            return method(*args, **kwargs)
        finally:
            notes.append((time.time(), (time.thread_time() - begun) * 1e3))

    setattr(owner, name, noting)
    return notes


def main() -> None:
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    notes = {
        "tick": timed(PartitionProcessor, "tick"),
        "snapshot, its beginning": timed(Machine, "write"),
        "snapshot, a step": timed(StateWriting, "step"),
        "snapshot, its end": timed(StateWriting, "finish"),
    }
    try:
        run_worker(settings, rules_of(settings.slo_file), tell)
    finally:
        Path(sys.argv[2]).write_bytes(msgspec.json.encode(notes))


if __name__ == "__main__":
    main()
