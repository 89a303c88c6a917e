"""The measured runs as text: a table for people, in the terminal and in RESULTS.md."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from engines.catalogue import ENGINES, OURS, Engine
from engines.figures import Run, Spread, paired_ratios, spread

__all__ = ["BEGIN", "END", "Runs", "kept_table", "placed", "speed_table", "usage_table"]

BEGIN: Final = "<!-- engines: written by `make bench-engines` -->"
END: Final = "<!-- engines: end -->"

Runs = Mapping[str, Sequence[Run]]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _between(found: Spread, form: str = ",.0f") -> str:
    return f"{found.least:{form}} / **{found.middle:{form}}** / {found.largest:{form}}"


def _middle(numbers: Iterable[float | None]) -> str:
    known = [number for number in numbers if number is not None]
    return f"{spread(known).middle:,.0f}" if known else "-"


def _engines(runs: Runs) -> "list[tuple[Engine, Sequence[Run]]]":
    return [(ENGINES[name], found) for name, found in runs.items() if found]


def speed_table(runs: Runs) -> str:
    """Return events a second of each engine, and how many times as fast callsla is."""
    lines = [
        _row(
            "engine", "events", "events/s (min / median / max)", "with the start", "second half",
            "callsla is faster by",
        ),
        _row("---", "---", "---", "---", "---", "---"),
    ]  # fmt: skip
    for engine, found in _engines(runs):
        cells = (
            engine.title,
            f"{found[0].events:,}",
            _between(spread(run.rate for run in found)),
            _middle(run.rate_with_start for run in found),
            _middle(run.warm_rate for run in found),
            _ratio(runs, found),
        )
        lines.append(_row(*cells))
    return "\n".join(lines)


def _ratio(runs: Runs, found: Sequence[Run]) -> str:
    ours = runs.get(OURS, ())
    if found is ours or len(ours) != len(found):
        return ""
    return _between(spread(paired_ratios(ours, found)), ".2f")


def usage_table(runs: Runs) -> str:
    """Return what each engine took: processor, memory, and time to its first result."""
    lines = [
        _row(
            "engine", "CPU seconds per million events", "CPU seconds of the start",
            "peak memory, MiB", "first result, s",
        ),
        _row("---", "---", "---", "---", "---"),
    ]  # fmt: skip
    for engine, found in _engines(runs):
        cells = (
            engine.title,
            _between(spread(run.cpu_per_million for run in found), ".1f"),
            f"{spread(run.cpu_to_start for run in found).middle:.1f}",
            _between(spread(run.peak_bytes / 2**20 for run in found)),
            _between(spread(run.to_first_result for run in found), ".1f"),
        )
        lines.append(_row(*cells))
    return "\n".join(lines)


def kept_table(runs: Runs) -> str:
    """Return what each engine does and keeps."""
    lines = [_row("engine", "what it does and keeps"), _row("---", "---")]
    lines += [_row(engine.title, engine.keeps) for engine, _ in _engines(runs)]
    return "\n".join(lines)


def placed(document: str, section: str) -> str:
    """Return `document` with `section` between its markers (appended if there are none)."""
    block = f"{BEGIN}\n{section.strip()}\n{END}"
    if BEGIN not in document:
        return f"{document.rstrip()}\n\n{block}\n"
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{BEGIN} without {END}")
    return f"{before}{block}{after}"
