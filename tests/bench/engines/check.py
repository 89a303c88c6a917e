"""Today's code against that of the last release, in pairs: `make bench-check BASE=v0.1.0`.

The other commit is checked out below .cache with an environment and a compiled kernel of its own.
Each pair lets both replay one file, and both workers drain one topic of a real broker, now the one
first and now the other. The exit code is 3 on more than 10 % loss beyond noise (`verdict.py`).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from kafka_server import kafka_server, missing

from engines.callsla import run_callsla
from engines.contest import REPOSITORY, Backlog, Contest
from engines.job import Result
from engines.machine import cores, leave_in_order, load, machine, pin
from engines.process import pinned
from engines.topics import Topics
from engines.verdict import ALLOWED, FEWEST_PAIRS, Verdict, judge

CACHE: Final = REPOSITORY / ".cache" / "bench"
Costs = dict[str, float]


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="bench-check")
    parser.add_argument("--base", default="", help="a commit; default: the last tag")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--events", type=int, default=200_000, help="about as many")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args(given)
    if asked.pairs < FEWEST_PAIRS:
        parser.error(f"{asked.pairs} pairs say nothing: at least {FEWEST_PAIRS}")
    if not (asked.base or _git("tag")):
        parser.error("there is no release yet: name a commit, make bench-check BASE=...")
    asked.base = asked.base or _git("describe", "--tags", "--abbrev=0")
    return asked


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def checked_out(base: str) -> Path:
    """Return the command `callsla` of another commit, built as `make venv` builds it there."""
    commit = _git("rev-parse", "--verify", f"{base}^{{commit}}")
    folder = CACHE / commit[:12]
    if not folder.exists():
        _git("worktree", "prune")
        _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(["make", "--quiet", "venv"], cwd=folder, env=environment, check=True)
    return folder / ".venv" / "bin" / "callsla"


class Contestant(NamedTuple):
    """One version of the code: its command."""

    name: str
    command: Path


class Course(NamedTuple):
    """What both have to do: the same events in a file and in a topic."""

    held: Contest
    events: Path
    backlog: Backlog

    def costs(self, contestant: Contestant) -> Costs:
        """Run a contestant once over both; every cost is the lower the better."""
        run = run_callsla(self.held, self.backlog, callsla=contestant.command)
        self.held.topics.keep_only([self.backlog.topic])
        replay = [str(contestant.command), "replay", "--from", "events", str(self.events), "--json"]
        return {
            "replay, CPU seconds": _cpu_of(replay, self.held.core),
            "worker, CPU seconds for the backlog": run.cpu_seconds - run.cpu_to_start,
            "worker, seconds for the backlog": run.done - run.first,
        }


def _cpu_of(command: Sequence[str], core: int | None) -> float:
    """Run a command to its end and return its CPU seconds."""
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(pinned(command, core), stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _course(asked: argparse.Namespace, folder: Path) -> Iterator[Course]:
    ours, theirs = cores()
    with kafka_server(folder) as server:
        held = Contest(folder / "logs", Topics(server.bootstrap), theirs)
        held.folder.mkdir()
        held.topics.simulate("events", asked.events, asked.seed)
        records = held.topics.read("events")
        events = folder / "events.jsonl"
        # The same order for both, if not that of event time: `replay` takes any.
        events.write_bytes(b"".join(value + b"\n" for values in records for value in values))
        # Figures may differ where a fault has been corrected since; the bench compares them.
        backlog = Backlog("events", [*map(len, records)], Result({}, {}))
        assert server.process is not None
        if ours is not None:
            pin(server.process.pid, ours)
            pin(os.getpid(), ours)
        yield Course(held, events, backlog)


def _pairs(course: Course, number: int, base: Contestant, today: Contestant) -> list[Costs]:
    """Return the ratios of cost, today's to the base's, of each pair."""
    found = []
    for pair in range(number):
        order = (base, today) if pair % 2 else (today, base)
        costs = {each.name: course.costs(each) for each in order}
        ratios = {what: costs[today.name][what] / costs[base.name][what] for what in costs["base"]}
        told = ", ".join(f"{what} x {ratio:.3f}" for what, ratio in ratios.items())
        print(f"pair {pair + 1}: {told}", file=sys.stderr, flush=True)
        found.append(ratios)
    return found


def _told(what: str, verdict: Verdict) -> str:
    said = "fine"
    if verdict.is_lost:
        said = f"LOST more than {ALLOWED - 1:.0%}"
    elif verdict.is_open:
        said = "undecided: noise is larger than the loss; more PAIRS, or a quiet hour"
    return f"{what:<38}{verdict!s:<28}{said}"


def conclude(ratios: Sequence[Costs]) -> int:
    """Print what the pairs say of each cost; return 3 if one of them rose too much."""
    verdicts = {what: judge([each[what] for each in ratios]) for what in ratios[0]}
    for what, verdict in verdicts.items():
        print(_told(what, verdict))
    return 3 if any(verdict.is_lost for verdict in verdicts.values()) else 0


def main(given: Sequence[str] | None = None) -> int:
    """Compare, print, and return 3 if speed was lost."""
    asked = _arguments(given)
    leave_in_order()
    if lacking := missing():
        print(lacking, file=sys.stderr)
        return 4
    base = Contestant("base", checked_out(asked.base))
    today = Contestant("today", Path(sys.executable).with_name("callsla"))
    where, before = machine(), load()
    with tempfile.TemporaryDirectory() as name, _course(asked, Path(name)) as course:
        ratios = _pairs(course, asked.pairs, base, today)
        number = course.backlog.events
    print(f"today against {asked.base}: {asked.pairs} pairs of {number:,} events, {where}, load")
    print(
        f"{before} before, {load()} after. Cost today / cost then, median (bounds beyond chance):"
    )
    return conclude(ratios)


if __name__ == "__main__":
    sys.exit(main())
