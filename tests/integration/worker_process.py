"""A worker in a process of its own: `python worker_process.py <settings as JSON>`.

Prints one JSON object when it has started.
"""

import sys

import msgspec
import orjson

from streams.cli.inputs import rules_of
from streams.kafka.worker import Worker, run_worker
from streams.settings import Settings


def tell(worker: Worker) -> None:
    """Say on stdout where the worker is."""
    print(orjson.dumps({"url": worker.metrics_url}).decode(), flush=True)


if __name__ == "__main__":
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    run_worker(settings, rules_of(settings.slo_file), tell)
