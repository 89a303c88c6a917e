"""What the rules of many queues cost a real Prometheus: `python tests/bench/rule_cost.py [queues]`.

Needs `PYTHONPATH=tests/integration:tests/metrics`. One worker with every queue in every one of
`PARTITIONS` is scraped for some evaluations; Prometheus says how long its rule groups took, and how
many series it holds for each queue.
"""

import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

from ledger_workers import T0, Worker, answered_call
from scraped import published
from webhook import ask

from streams.instants import HOUR
from streams.metrics import Endpoint
from streams.slo import Timing, load_slo
from streams.slo.local_stack import prometheus, prometheus_config
from streams.slo.rulesfile import render_rules
from streams.slo.ruletests import RULES_FILE

PARTITIONS: Final = 12
SECONDS: Final = 75


def main() -> None:
    """Print the seconds of the last evaluation of each group, and the series of a queue."""
    queues = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    worker, timing = Worker(rules=load_slo().rules()), Timing()
    for number in range(PARTITIONS):
        owned = worker.assign(number)
        for queue in range(queues):
            owned.take(*answered_call(f"{number}-{queue}", f"q{queue:03}", T0, wait=3))
        owned.tick(T0 + HOUR)
    endpoint = Endpoint(published(worker), "127.0.0.1", 0)
    try:
        _watch(f"127.0.0.1:{endpoint.port}", queues, timing)
    finally:
        endpoint.stop()


def _watch(address: str, queues: int, timing: Timing) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / RULES_FILE).write_text(render_rules(load_slo(), timing), encoding="utf-8")
        with prometheus(folder, prometheus_config([address], None, timing)) as program:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                time.sleep(1)
            series = ask(program.url, 'count({__name__=~".+",queue="q001"})')
            exported = ask(program.url, 'count({__name__=~"callcenter_.+",queue="q001"})')
            print(f"{queues} queues x {PARTITIONS} partitions")
            print("series of a queue:", series[0]["value"][1], "exported:", exported[0]["value"][1])
            _print_durations(program.url)


def _print_durations(url: str) -> None:
    with urllib.request.urlopen(f"{url}/api/v1/rules", timeout=10) as answer:  # noqa: S310
        groups = json.load(answer)["data"]["groups"]
    for group in groups:
        print(f"{group['name']}: {group['evaluationTime']:.3f} s every {group['interval']} s")


if __name__ == "__main__":
    main()
