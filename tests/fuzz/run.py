"""Fuzz one target, or all: `python tests/fuzz/run.py TARGET --count N --seed S`.

Input number i of a seed is always the same, so a finding is looked at again by
`python tests/fuzz/run.py TARGET --seed S --first i --count 1`, and any file by `--input FILE`.
Exit code 3 if something was found.
"""

import argparse
import os
import sys
import time
from contextlib import closing
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from fuzzing import TARGETS
from fuzzing.engine import Finding, Report, Target, bounded_memory, fuzz


def main() -> int:
    """Return the exit code."""
    given = _arguments()
    if given.low_priority:
        os.nice(15)
    bounded_memory()
    names = list(TARGETS) if given.target == "all" else [given.target]
    if given.input is not None:
        for name in names:
            with closing(TARGETS[name]()) as target:
                target.check(given.input.read_bytes())
        return 0
    found = False
    for name in names:
        with closing(TARGETS[name]()) as target:
            report = _run(target, given)
        found = found or bool(report.findings)
    return 3 if found else 0


def _run(target: Target, given: argparse.Namespace) -> Report:
    began = time.monotonic()

    def told(report: Report) -> None:
        if not report.inputs % 100_000:
            seconds = time.monotonic() - began
            print(f"{target.name}: {report.inputs:,} in {seconds:.0f} s", file=sys.stderr)

    report = fuzz(target, given.seed, given.first, given.count, told)
    print(
        f"{target.name}: {report.inputs:,} inputs ({report.read / report.inputs:.0%} read), "
        f"{report.cpu_seconds:.0f} s CPU, "
        f"{report.wall_seconds:.0f} s wall, slowest {report.slowest_seconds * 1000:.0f} ms "
        f"(input {report.slowest_index}), memory +{report.more_memory / 2**20:.0f} MiB, "
        f"{len(report.findings)} findings"
    )
    for finding in report.findings.values():
        _show(target.name, given.seed, finding)
    return report


def _show(name: str, seed: int, finding: Finding) -> None:
    print(f"\n  {finding.what}: {finding.times} times")
    print(f"  again: {sys.argv[0]} {name} --seed {seed} --first {finding.index} --count 1")
    print(f"  input: {finding.data[:600]!r}")
    print(f"  {finding.trace}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--count", type=int, default=10_000, help="inputs (default 10000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--input", type=Path, help="check the bytes of this file instead")
    parser.add_argument("--low-priority", action="store_true", help="make way for others")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
