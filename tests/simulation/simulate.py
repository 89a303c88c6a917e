"""Run simulated seeds: `python tests/simulation/simulate.py --seeds 5000`, or one: `--seed N`.

Prints each seed that fails, what was wrong with it, and the command that shows it again. Exit
code 3 if any failed. `--mutate NAME` breaks the program first: then a failure is a success of the
simulation, and the run stops at it.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from breaks import MUTATIONS, mutated
from checks import problems_of
from world import World

__all__ = ["Report", "first_failure", "run_seed"]

SHOWN: Final = 8
BLOCK: Final = 20


class Report(NamedTuple):
    """One run: what is wrong with it, and what happened in it, to be sure that something did."""

    seed: int
    problems: list[str]
    happened: dict[str, int]
    digest: int


def run_seed(seed: int, mutation: str | None = None, *, trace: bool = False) -> Report:
    """Simulate run `seed` and judge it."""
    with mutated(mutation):
        world = World(seed)
        if trace:
            world.cluster.trace = lambda what: print(f"{world.loop.now:9.3f}  {what}")
        try:
            world.run()
            problems = problems_of(world)
        finally:
            world.close()
    world.cluster.happened["refused"] = len(world.refusals)
    return Report(seed, problems, dict(world.cluster.happened), world.digest())


def first_failure(mutation: str | None, first: int, seeds: int) -> Report | None:
    """Return the first run of a range that fails; None: all are right."""
    reports = (run_seed(seed, mutation) for seed in range(first, first + seeds))
    return next((report for report in reports if report.problems), None)


def _blocks(first: int, seeds: int, mutation: str | None, jobs: int) -> Iterator[Report]:
    every = range(first, first + seeds)
    work = partial(run_seed, mutation=mutation)
    if jobs == 1:
        yield from map(work, every)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, every, chunksize=BLOCK)


def _tell(report: Report, mutation: str | None) -> None:
    again = f" --mutate {mutation}" if mutation else ""
    print(f"seed {report.seed}: {len(report.problems)} wrong")
    for problem in report.problems[:SHOWN]:
        print(f"    {problem}")
    print(f"    again: python tests/simulation/simulate.py --seed {report.seed} --trace{again}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulate the Kafka edge, seed by seed.")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="tell what happens")
    parser.add_argument("--mutate", choices=sorted(MUTATIONS))
    return parser.parse_args()


def main() -> int:
    """Run what the command line says."""
    given = _arguments()
    if given.seed is not None:
        report = run_seed(given.seed, given.mutate, trace=given.trace)
        print(f"seed {given.seed}: {len(report.problems)} wrong; {report.happened}")
        print("\n".join(report.problems))
        return 3 if report.problems else 0
    began, failed, happened = time.monotonic(), 0, Counter[str]()
    for report in _blocks(given.first, given.seeds, given.mutate, given.jobs):
        happened.update(report.happened)
        if report.problems:
            failed += 1
            _tell(report, given.mutate)
            if given.mutate:
                print(f"{given.mutate} is caught by seed {report.seed}")
                return 3
    seconds = time.monotonic() - began
    print(", ".join(f"{name} {number}" for name, number in sorted(happened.items())))
    print(f"{given.seeds} seeds from {given.first}, {failed} wrong, {seconds:.0f} s")
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
