"""What the benchmarks share: figures against their bars, and their sections of RESULTS.md."""

import os
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Final

from yardstick import yardstick

from streams import KERNEL

__all__ = [
    "Report",
    "busy_seconds",
    "quantile",
    "reporting",
    "resident_bytes",
    "table",
    "thread_seconds",
]

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
_CLOCK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def machine() -> str:
    """Return what a figure depends on: the machine, its load, and what runs on it."""
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, yardstick {yardstick():.0f} ms, "
        f"kernel of the ledger: {KERNEL.name}, {os.cpu_count()} cores, "
        f"load {load:.1f} at the end."
    )


def busy_seconds(process: int) -> float:
    """Return the CPU seconds a process has used so far."""
    return _busy(Path(f"/proc/{process}/stat"))


def thread_seconds(process: int) -> dict[int, float]:
    """Return the CPU seconds of each thread of a process; the main one has the process' number."""
    threads = Path(f"/proc/{process}/task")
    return {int(each.name): _busy(each / "stat") for each in threads.iterdir()}


def _busy(stat: Path) -> float:
    # The name in brackets may hold blanks.
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK


def resident_bytes(process: int | str) -> int:
    """Return how much memory a process (`self`: this one) has in use."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile by nearest rank; infinite if there is none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else float("inf")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


class Report:
    """One benchmark's section of RESULTS.md, printed while it is written."""

    def __init__(self, title: str, command: str) -> None:
        self.title = title
        self.missed: list[str] = []
        self._parts = [f"`{command}`."]

    def say(self, text: str) -> None:
        """Print `text` and keep it as a paragraph."""
        print(text, flush=True)
        self._parts.append(text)

    def bar(
        self, name: str, value: float, most: float, unit: str = "ms", scale: float = 1e3
    ) -> list[str]:
        """Return the row of a figure that is to be at most `most`; a miss is remembered.

        Shown in `unit`, times `scale`.
        """
        fine = value <= most
        if not fine:
            self.missed.append(name)
        shown = f"{value * scale:,.1f} {unit}", f"{most * scale:,.1f} {unit}"
        print(f"  {name}: {shown[0]} (bar {shown[1]}) {'ok' if fine else 'MISSED'}", flush=True)
        return [name, *shown, "yes" if fine else "**no**"]

    def bars(self, rows: Sequence[Sequence[str]]) -> None:
        """Keep the rows of `bar` as a table."""
        self._parts.append(table(("", "measured", "bar", "kept"), rows))

    def close(self) -> int:
        """Write the section in place of the last one; returns the exit code."""
        self._parts[0] += f" {machine()}"
        text = f"## {self.title}\n\n" + "\n\n".join(self._parts) + "\n"
        RESULTS.write_text(replaced(RESULTS.read_text(), self.title, text))
        if self.missed:
            print("missed: " + "; ".join(self.missed), file=sys.stderr)
        return 3 if self.missed else 0


def replaced(document: str, title: str, section: str) -> str:
    """Return `document` with the section `title` exchanged, or added at its end."""
    # A comment before a section belongs to that one, not to the one above it.
    parts = re.split(r"(?m)^(?=## |<!-- )", document)
    kept = [section if part.startswith(f"## {title}\n") else part for part in parts]
    if section not in kept:
        kept.append(section)
    return "\n\n".join(part.strip("\n") for part in kept) + "\n"


@contextmanager
def reporting(title: str, command: str) -> Iterator[Report]:
    """Have the section written only if all of it was measured."""
    report = Report(title, command)
    yield report
    sys.exit(report.close())
