"""Several seeds one after the other, and what is said of each."""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from one_run import Result, run_plan
from releases import FORMER, HistoryMissingError, release
from schedule import Plan, plan_of, upgrade_from

__all__ = ["main"]

SHOWN: Final = 20


def _told(result: Result) -> None:
    for note in result.notes:
        print(f"  note: {note}")
    for problem in result.problems[:SHOWN]:
        print(f"  DIFFERS: {problem}")
    if len(result.problems) > SHOWN:
        print(f"  DIFFERS: and {len(result.problems) - SHOWN} more")
    print(msgspec.json.encode(result).decode(), flush=True)


def _plan(asked: argparse.Namespace, seed: int) -> Plan:
    if asked.upgrade_from is None:
        return plan_of(seed, asked.seconds)
    return upgrade_from(asked.upgrade_from, seed, asked.seconds)


def main() -> int:
    """Run the seeds asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Chaos on real Kafka, by seed.")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--seconds", type=float, default=45.0, help="how long faults happen")
    parser.add_argument("--mutate", help="break the worker so: see hook/mutations.py")
    parser.add_argument(
        "--upgrade-from", nargs="?", const=FORMER, metavar="RELEASE",
        help="exchange workers of this commit or tag for today's and back (default: the former)",
    )  # fmt: skip
    parser.add_argument("--directory", help="where everything goes; default: a temporary one")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a good run, too")
    asked = parser.parse_args()
    if asked.upgrade_from is not None:
        try:
            release(asked.upgrade_from)
        except HistoryMissingError as error:
            parser.exit(4, f"{error}\n")
    # Or brokers and workers would outlive a run that is given up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = []
    for seed in range(asked.seed, asked.seed + asked.seeds):
        directory = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-", dir=asked.directory))
        result = run_plan(_plan(asked, seed), directory, asked.mutate)
        _told(result)
        if result.problems:
            failed.append(seed)
            print(f"seed {seed} differs; everything is in {directory}; again: --seed {seed}")
        elif not asked.keep:
            shutil.rmtree(directory)
    print(f"{asked.seeds - len(failed)} of {asked.seeds} seeds without a difference; {failed=}")
    return 1 if failed else 0
