"""What is told of runs: rates, spreads, ratios, and where it is written."""

import pytest
from engines.figures import Run, paired_ratios, spread
from engines.table import BEGIN, END, placed, speed_table, usage_table


def _run(seconds: float, events: int = 1_000_000) -> Run:
    return Run(
        events=events,
        began=100.0,
        first=102.0,
        half=102.0 + seconds / 4,
        half_events=events // 2,
        done=102.0 + seconds,
        told=102.5,
        cpu_to_start=1.0,
        cpu_seconds=5.0,
        peak_bytes=100 * 2**20,
    )


def test_a_run_is_timed_from_its_first_record() -> None:
    """The start of the process is told apart, and so is the second half."""
    run = _run(4)

    assert run.rate == 250_000
    assert run.rate_with_start == pytest.approx(1_000_000 / 6)
    assert run.warm_rate == pytest.approx(500_000 / 3)
    assert (run.cpu_per_million, run.to_first_result) == (4.0, 2.5)


def test_a_prefix_costs_what_it_costs_for_each_event() -> None:
    """CPU seconds are per million, however many there were, and without the start."""
    assert _run(4, events=100_000).cpu_per_million == pytest.approx(40)


def test_ratios_are_taken_round_by_round() -> None:
    """Noise of the machine that hits both cancels."""
    assert paired_ratios([_run(1), _run(4)], [_run(2), _run(8)]) == [2, 2]
    with pytest.raises(ValueError, match="zip"):
        paired_ratios([_run(1)], [])


def test_spread_of_numbers() -> None:
    """Least, middle, largest; of an even number the mean of both in the middle."""
    assert spread([3, 1, 2]) == (1, 2, 3)
    assert spread([4, 1, 2, 3]) == (1, 2.5, 4)


def test_the_tables_name_every_engine_and_the_ratio() -> None:
    """callsla has no ratio to itself."""
    runs = {"callsla": [_run(2), _run(4)], "kafka-streams-eos": [_run(4), _run(8)]}

    ours, theirs = speed_table(runs).splitlines()[2:]
    assert "250,000 / **375,000** / 500,000" in ours
    assert ours.endswith("|  |")
    assert theirs.endswith("| 2.00 / **2.00** / 2.00 |")
    assert "100 / **100** / 100" in usage_table(runs)


def test_the_section_takes_its_own_place() -> None:
    """What others wrote before and behind it stays, however often it is written."""
    document = f"# Results\n\nbefore\n\n{BEGIN}\nold\n{END}\n\nbehind\n"

    new = placed(document, "## New\n")
    assert new == f"# Results\n\nbefore\n\n{BEGIN}\n## New\n{END}\n\nbehind\n"
    assert placed(new, "## New\n") == new
    assert placed("# Results\n", "x") == f"# Results\n\n{BEGIN}\nx\n{END}\n"


def test_a_damaged_document_is_left_alone() -> None:
    """Without the closing marker nobody knows how far the section goes."""
    with pytest.raises(ValueError, match="without"):
        placed(f"{BEGIN}\nold", "new")
