"""What the rules and dashboards of many queues cost a real Prometheus.

    PYTHONPATH=tests/integration:tests/metrics:tests/slo/dashboards \\
        python tests/bench/rule_cost.py [--queues 200] [--seconds 330] [--no-history] [--wait]

One worker with every queue in every one of `PARTITIONS` is scraped. Prometheus has a month of
history of what the rules look back at (`--no-history`: none), so that what is measured is what it
costs every day. It says how long each group of rules takes, how much of a core all of it is, how
many series it holds for each queue, and which queries of the dashboards are the slowest. Seconds
are those of this machine as loaded as it is: the share of a core is what to compare. With `--wait`
it asks for Enter before it watches, so that the machine can be made quiet for that time alone.
"""

import argparse
import json
import os
import re
import signal
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

from grafana_files import Query, queries, sent
from ledger_workers import T0, Worker, answered_call
from remote_write import FLAG, Together, send
from scraped import published
from webhook import ask

from streams.instants import HOUR
from streams.ledger import VERDICTS
from streams.metrics import Endpoint, Exposition
from streams.slo import Timing, load_slo
from streams.slo.counters import COUNTERS, DEALT_WITH, OUTCOMES, USEFULNESS, Counter
from streams.slo.durations import compact
from streams.slo.local_stack import Program, prometheus, prometheus_config
from streams.slo.long_windows import hour_step
from streams.slo.rulesfile import dump, render_rules, rule_groups
from streams.slo.ruletests import RULES_FILE
from streams.slo.shown import DELAYS, WAITS
from streams.slo.timing import Pace

PARTITIONS: Final = 12
QUARTER: Final = 15
FIVE: Final = 300
BLOCKS: Final = ("--storage.tsdb.min-block-duration=1d", "--storage.tsdb.retention.time=40d")
"""A month that has just been written is in 360 blocks; one that has grown is in some 25."""
HALVES: Final = tuple(counter for family in OUTCOMES for counter in family.counters)
SPLIT: Final = {
    **{counter.name: counter.states for counter in HALVES},
    USEFULNESS.counters[0].name: tuple(VERDICTS["usefulness"]),
}
Splits = dict[str, tuple[str, list[str]]]
"""By a part of a recorded name: the label that splits what it counts, and its values."""
BY_STATE: Final[Splits] = {
    ":callcenter_calls:": ("outcome", [*VERDICTS["outcome"]]),
    ":callcenter_answers:": ("usefulness", [*VERDICTS["usefulness"]]),
    ":callcenter_corrections:": ("verdict", [*VERDICTS]),
    ":callcenter_window_calls:": ("class", [f"callback_{n}" for n in VERDICTS["callback"]]),
}
OPENED: Final = {"window": "1h"}
"""What dashboards ask when they are opened: all queues, six hours, the formulas of an hour."""
STEP: Final = 30
"""Seconds between two points of six hours on half a screen of 1,920."""
SLOW: Final = (*COUNTERS, *HALVES, *USEFULNESS.counters)
FAST: Final = (*COUNTERS, DEALT_WITH)


def main() -> None:
    """Print what it costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queues", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=330)
    parser.add_argument("--no-history", dest="history", action="store_false")
    parser.add_argument("--wait", action="store_true")
    given = parser.parse_args()
    names = [f"q{number:03}" for number in range(given.queues)]
    exposition = published(_worker(names))
    endpoint = Endpoint(exposition, "127.0.0.1", 0)
    timing = Timing()
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / RULES_FILE).write_text(render_rules(load_slo(), timing), encoding="utf-8")
            with prometheus(folder, dump({"global": {}}), FLAG, *BLOCKS) as program:
                if given.history:
                    _write_history(program.url, names, _buckets(exposition))
                config = prometheus_config([f"127.0.0.1:{endpoint.port}"], None, timing)
                (folder / "prometheus.yaml").write_text(config, encoding="utf-8")
                os.kill(program.pid, signal.SIGHUP)
                if given.wait:
                    input("Enter: watch\n")
                _watch(program, given.seconds)
    finally:
        endpoint.stop()


def _worker(names: list[str]) -> Worker:
    worker = Worker(rules=load_slo().rules())
    for number in range(PARTITIONS):
        owned = worker.assign(number)
        for queue in names:
            owned.take(*answered_call(f"{number}-{queue}", queue, T0, wait=3))
        owned.tick(T0 + HOUR)
    return worker


def _buckets(exposition: Exposition) -> Splits:
    """The buckets of the recorded histograms, as they are exported."""
    text = b"".join(exposition.text()).decode()
    found = {
        name: dict.fromkeys(re.findall(rf'{name}_bucket\{{[^}}]*le="([^"]+)"', text))
        for name in (WAITS, DELAYS)
    }
    return {f":{name}_bucket:": ("le", [*les]) for name, les in found.items()}


def _write_history(url: str, names: list[str], buckets: Splits) -> None:
    """What the rules look back at, oldest first: hours, 5 minutes, and the rhythm of the rules.

    Of what is broken there is none, or every alert would be worded for every queue.
    """
    slow, fast = Timing().slow, Timing().fast
    hours = _both(_by_queue(SLOW, hour_step, names))
    fives = _both(_by_queue(SLOW, lambda counter: counter.step(slow), names))
    steps = _both(_by_queue(FAST, lambda counter: counter.step(fast), names))
    sums = _both(_by_queue(COUNTERS, lambda counter: f"queue:{counter.name}:sum", names))
    splits = {**BY_STATE, **buckets}
    shown, slow_shown = (_both(_shown(names, splits, pace)) for pace in (Timing().fast, slow))
    slow_held = _both(_by_partition((*HALVES, *USEFULNESS.counters), names))
    held = _both(_by_partition(FAST, names))
    now = int(time.time()) // FIVE * FIVE - FIVE
    written = 0
    for at in range(now - 30 * 24 * 3600, now + 1, QUARTER):
        ago, is_five = now - at, at % FIVE == 0
        due = [
            *((hours,) if at % 3600 == 0 else ()),
            *((fives,) if is_five and ago <= 24 * 3600 else ()),
            *((slow_shown,) if is_five and ago <= 6 * 3600 else ()),
            *((steps, shown) if ago <= 6 * 3600 else ()),
            *((slow_held,) if is_five and ago <= 6 * 3600 else ()),
            *((sums, held) if ago <= 30 * 60 else ()),
        ]
        parts = [some.at(at, at // FIVE % 3) + none.at(at, 0) for some, none in due]
        written += sum(len(some) + len(none) for some, none in due)
        if parts:
            send(url, b"".join(parts))
    print(f"history: {written} samples", flush=True)


def _both(series: Iterable[dict[str, str]]) -> tuple[Together, Together]:
    """Those of which something happens, and those of which nothing does."""
    every = list(series)
    broken = [labels for labels in every if "_broken" in labels["__name__"]]
    return Together(e for e in every if "_broken" not in e["__name__"]), Together(broken)


def _by_queue(
    counters: tuple[Counter, ...], name: Any, names: list[str]
) -> Iterator[dict[str, str]]:
    for counter in counters:
        for queue in names:
            for state in SPLIT.get(counter.name, ("",)):
                yield {
                    "__name__": name(counter),
                    "queue": queue,
                    **({counter.split: state} if state else {}),
                }


def _by_partition(counters: tuple[Counter, ...], names: list[str]) -> Iterator[dict[str, str]]:
    for number in range(PARTITIONS):
        for labels in _by_queue(counters, lambda counter: counter.held, names):
            yield {**labels, "partition": str(number)}


def _shown(names: list[str], splits: Splits, pace: Pace) -> Iterator[dict[str, str]]:
    """Recordings by queue that panels show curves of, of the groups that have this pace."""
    recorded = {
        rule.get("record")
        for group in rule_groups(load_slo())
        for rule in group["rules"]
        if group["interval"] == compact(pace.interval)
    }
    text = " ".join(sent(query.expr, **OPENED) for query in queries())
    for name in sorted(set(re.findall(r"\bqueue:\w+:\w+", text)) & recorded):
        label, values = next((of for part, of in splits.items() if part in name), ("", [""]))
        for queue in names:
            for value in values:
                yield {"__name__": name, "queue": queue, **({label: value} if label else {})}


def _watch(program: Program, seconds: float) -> None:
    time.sleep(60)
    began, used = time.monotonic(), _cpu_seconds(program.pid)
    each: dict[str, dict[str, float]] = {}
    while time.monotonic() - began < seconds:
        time.sleep(5)
        for group in _groups(program.url):
            if not group["lastEvaluation"].startswith("0001"):
                of_group = each.setdefault(group["name"], {})
                of_group[group["lastEvaluation"]] = group["evaluationTime"]
    share = (_cpu_seconds(program.pid) - used) / (time.monotonic() - began)
    print(f"load average {os.getloadavg()[0]:.1f}; {100 * share:.1f} % of a core in all")
    for name, took in each.items():
        typical, longest = median(took.values()), max(took.values())
        print(f"| {name} | {typical:.3f} | {longest:.3f} | {_interval(name)} |")
    every = ask(program.url, 'count({__name__=~".+",queue="q001"})')
    exported = ask(program.url, 'count({__name__=~"callcenter_.+",queue="q001"})')
    print("series of a queue:", every[0]["value"][1], "of them exported:", exported[0]["value"][1])
    _slowest_rules(program.url)
    _slowest_queries(program.url)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _groups(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/api/v1/rules", timeout=120) as answer:  # noqa: S310
        return json.load(answer)["data"]["groups"]


def _interval(name: str) -> str:
    groups = {group["name"]: group["interval"] for group in rule_groups(load_slo())}
    return str(groups[name])


def _slowest_rules(url: str) -> None:
    rules = [rule for group in _groups(url) for rule in group["rules"]]
    for rule in sorted(rules, key=lambda rule: -rule["evaluationTime"])[:8]:
        print(f"  rule {rule['name']}: {1000 * rule['evaluationTime']:.0f} ms")


def _slowest_queries(url: str) -> None:
    took = []
    for query in queries():
        began = time.monotonic()
        with urllib.request.urlopen(_address(url, query), timeout=120) as answer:  # noqa: S310
            answer.read()
        took.append((time.monotonic() - began, str(query)))
    print(f"queries: {len(took)}, over 1 s: {sum(seconds > 1 for seconds, _ in took)}")
    for seconds, query_name in sorted(took, reverse=True)[:8]:
        print(f"  query {query_name}: {seconds:.2f} s")


def _address(url: str, query: Query) -> str:
    """As Grafana asks: curves over six hours, bars and tables for the moment alone."""
    end, text = time.time(), sent(query.expr, **OPENED)
    if query.is_instant:
        asked = {"query": text, "time": f"{end:.3f}"}
        return f"{url}/api/v1/query?{urllib.parse.urlencode(asked)}"
    start = f"{end - 6 * 3600:.3f}"
    step = query.least_step or str(STEP)
    asked = {"query": text, "start": start, "end": f"{end:.3f}", "step": step}
    return f"{url}/api/v1/query_range?{urllib.parse.urlencode(asked)}"


if __name__ == "__main__":
    main()
