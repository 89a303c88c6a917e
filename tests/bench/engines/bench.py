"""The engines side by side, in rounds: `make bench-engines ROUNDS=3 EVENTS=1000000`.

A broker of its own, a topic filled by `callsla simulate`, and in each round every engine once over
it, in turn. An engine whose result is not that of brute force is out of it, and nothing is written.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kafka_server import kafka_server, missing

from engines.catalogue import ENGINES
from engines.contest import Contest
from engines.job import WrongResultError
from engines.machine import cores, leave_in_order, load, machine, pin, versions
from engines.table import Runs, kept_table, placed, speed_table, usage_table
from engines.topics import Topics

if TYPE_CHECKING:
    from engines.figures import Run

RESULTS: Final = Path(__file__).parents[1] / "RESULTS.md"


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="bench-engines")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000, help="about as many")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--engines", default=",".join(ENGINES), help="some of: %(default)s")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    asked = parser.parse_args(given)
    asked.engines = asked.engines.split(",")
    unknown = [name for name in asked.engines if name not in ENGINES]
    if unknown:
        parser.error(f"there is no engine {unknown[0]}: one of {', '.join(ENGINES)}")
    return asked


@contextmanager
def contest(asked: argparse.Namespace, folder: Path) -> Iterator[Contest]:
    """A filled broker on one core, engines to run on another."""
    ours, theirs = cores()
    with kafka_server(folder) as server:
        logs = folder / "logs"
        logs.mkdir()
        held = Contest(logs, Topics(server.bootstrap), theirs)
        held.fill(asked.events, asked.seed, {ENGINES[name].share for name in asked.engines})
        assert server.process is not None
        if ours is not None:
            pin(server.process.pid, ours)
            pin(os.getpid(), ours)
        yield held


def _rounds(asked: argparse.Namespace, held: Contest, failed: dict[str, str]) -> Runs:
    """Run all in turn; one that fails, or counts wrong, is out of it."""
    runs: dict[str, list[Run]] = {name: [] for name in asked.engines}
    kept = [backlog.topic for backlog in held.backlogs.values()]
    for number in range(1, asked.rounds + 1):
        for name in [each for each in asked.engines if each not in failed]:
            engine = ENGINES[name]
            try:
                run = engine.run(held, held.backlogs[engine.share])
            except (WrongResultError, RuntimeError) as error:
                failed[name] = f"{type(error).__name__}: {error}"
                _say(f"round {number}: {engine.title}: {failed[name]}")
            else:
                runs[name].append(run)
                _say(f"round {number}: {engine.title}: {run.rate:,.0f} events/s, "
                     f"{run.cpu_per_million:.1f} CPU s per million")  # fmt: skip
            held.topics.keep_only(kept)
    return {name: found for name, found in runs.items() if name not in failed}


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _section(asked: argparse.Namespace, runs: Runs, where: str, loads: str) -> str:
    events = max(run.events for found in runs.values() for run in found)
    lines = (
        "## Engines side by side",
        "",
        f"`make bench-engines ROUNDS={asked.rounds} EVENTS={asked.events}`, "
        f"{time.strftime('%Y-%m-%d')}; {events:,} events of a large centre in its busy hour "
        f"(50 queues, callbacks, seed {asked.seed}), 4 partitions, key = customer, one broker.",
        where,
        f"The broker has one core, the engine the other (`taskset`). {loads}.",
        "",
        speed_table(runs),
        "",
        usage_table(runs),
        "",
        kept_table(runs),
        "",
        (Path(__file__).with_name("notes.md")).read_text(),
    )
    return "\n".join(lines)


def _prepare(names: Sequence[str]) -> None:
    """Build what is missing before anything is measured."""
    for build in (ENGINES[name].command for name in names):
        if build is not None:
            build()


def main(given: Sequence[str] | None = None) -> int:
    """Measure, print, and write the results when asked to."""
    asked = _arguments(given)
    leave_in_order()
    if lacking := missing():
        print(lacking, file=sys.stderr)
        return 4
    _prepare(asked.engines)
    failed: dict[str, str] = {}
    before, where = load(), machine()
    with tempfile.TemporaryDirectory() as name, contest(asked, Path(name)) as held:
        runs = _rounds(asked, held, failed)
    if runs:
        loads = f"Load average before {before}, after {load()}"
        section = _section(asked, runs, f"{where}; {versions()}.", loads)
        print(section)
        if asked.write and not failed:
            RESULTS.write_text(placed(RESULTS.read_text(), section))
    if failed:
        print("Not counted, so nothing is written: " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
