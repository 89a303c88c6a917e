"""How many series a queue costs Prometheus: what is stated in RESULTS.md is what there is."""

import re
from pathlib import Path
from typing import Final

from ledger_workers import T0, Worker, answered_call
from scraped import published

from streams.instants import HOUR
from streams.ledger import VERDICTS
from streams.slo import load_slo
from streams.slo.counters import OUTCOMES
from streams.slo.rulesfile import rule_groups

PARTITIONS: Final = 12
RESULTS: Final = Path(__file__).with_name("RESULTS.md")
STATED: Final = re.compile(r"has ([\d,]+) exported series in 12 partitions and ([\d,]+) recorded")
VERDICT: Final = re.compile(r'verdict="(\w+)"')
STATES: Final = {
    "callcenter_calls:": len(VERDICTS["outcome"]),
    **{f"{c.name}:": len(c.states) for family in OUTCOMES for c in family.counters},
    "callcenter_answers:": len(VERDICTS["usefulness"]),
    "callcenter_window_calls:": sum(len(VERDICTS[v]) for v in ("callback", "opened", "late")),
}
"""What is split by a state; of corrections there are as many as there were any."""


def _lines() -> list[str]:
    worker = Worker(rules=load_slo().rules())
    for number in range(PARTITIONS):
        owned = worker.assign(number)
        owned.take(*answered_call(f"call-{number}", "sales", T0, wait=3))
        owned.tick(T0 + HOUR)
    text = b"".join(published(worker).text()).decode()
    return [line for line in text.splitlines() if 'queue="sales"' in line]


def _recorded(exported: list[str]) -> int:
    rules = [rule for group in rule_groups(load_slo()) for rule in group["rules"]]
    return sum(_series(rule["record"], exported) for rule in rules if "record" in rule)


def _series(record: str, exported: list[str]) -> int:
    level, _, name = record.partition(":")
    if name.startswith("callcenter_corrections:"):
        corrected = (line for line in exported if line.startswith("callcenter_corrections_total{"))
        return len({VERDICT.findall(line)[0] for line in corrected})
    if level not in {"queue", "partition_queue"} or "corrections" in name:
        return 0
    if "_bucket:" in name:
        return (
            sum(line.startswith(f"{name.partition(':')[0]}{{") for line in exported) // PARTITIONS
        )
    states = next((count for begin, count in STATES.items() if name.startswith(begin)), 1)
    return states * (PARTITIONS if level == "partition_queue" else 1)


def test_the_series_of_a_queue_are_as_many_as_stated() -> None:
    """Twelve partitions, all of which have calls of the queue; corrections come on top."""
    found = STATED.search(RESULTS.read_text(encoding="utf-8"))
    assert found
    stated = [int(number.replace(",", "")) for number in found.groups()]
    exported = _lines()
    assert stated == [len(exported), _recorded(exported)]
