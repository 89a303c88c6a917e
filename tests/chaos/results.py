"""The output of a run of seeds as a table: `chaos.py --seeds 30 | python results.py`."""

import json
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

__all__ = ["document"]

_HEAD: Final = re.compile(r"seed (\d+): \w+; (.*); stream: (.*)")
_FAULT: Final = re.compile(r"\s+[\d.]+ s  (\w[\w ]*?)  ")

_INTRODUCTION: Final = """\
# Chaos on real Kafka, seed by seed

Each seed is one run: a cluster, workers, a stream with faults of its own, and what goes wrong when.
Afterwards `/metrics`, the state rebuilt from the log, the promise events and the dead letters are
compared with what an independent reader makes of the source; in between no total may go down.
The same seed does the same again: `make chaos FIRST=<seed> SEEDS=1`.
"""


def document(lines: Iterable[str]) -> str:
    """Return the results in the output `lines` of `chaos.py` as Markdown."""
    runs = list(_runs(lines))
    wrong = [run for run in runs if run["problems"]]
    total: Counter[str] = Counter()
    for run in runs:
        total.update({k: v for k, v in run["figures"].items() if isinstance(v, int)})
    summary = (
        f"{len(runs)} seeds, **{len(wrong)} with a difference**: {total['take-overs']:,} "
        f"take-overs, {total['events']:,} events, {total['calls']:,} calls, {total['ticks']:,} "
        f"ticks, {total['torn']:,} torn snapshots, {total['ignored']:,} late records of replaced "
        f"owners, {total['repeated']:,} promise events written twice, {total['samples']:,} scrapes "
        f"in which {total['dips']:,} totals went down. "
        f"Python {platform.python_version()}, {platform.machine()}."
    )
    rows = "\n".join(_row(run) for run in runs)
    head = "| seed | faults | stream | take-overs | ticks | events | differences |\n"
    return f"{_INTRODUCTION}\n{summary}\n\n{head}|---|---|---|---|---|---|---|\n{rows}\n"


def _runs(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    setting, stream, faults = "", "", Counter[str]()
    for line in lines:
        if head := _HEAD.match(line):
            setting, stream, faults = head[2], head[3].strip(), Counter()
        elif fault := _FAULT.match(line):
            faults[fault[1].strip()] += 1
        elif line.startswith("{"):
            yield {**json.loads(line), "setting": setting, "stream": stream, "faults": faults}


def _row(run: dict[str, Any]) -> str:
    figures = run["figures"]
    faults = ", ".join(f"{n} x {kind}" if n > 1 else kind for kind, n in run["faults"].items())
    numbers = (f"{figures.get(name, 0):,}" for name in ("take-overs", "ticks", "events"))
    told = f"{run['theme']}: {faults} ({run['setting']})"
    cells = [str(run["seed"]), told, run["stream"], *numbers, str(len(run["problems"]))]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(document(sys.stdin), end="")
