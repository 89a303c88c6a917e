"""The Kafka edge under simulated misfortune: exact in every seed, and broken code is noticed."""

import subprocess
import sys
from pathlib import Path

import pytest
from breaks import MUTATIONS
from simulate import first_failure, run_seed

PROGRAM = Path(__file__).with_name("simulate.py")
BLOCK = 25
BLOCKS = 12


@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_count_is_exact(block: int) -> None:
    """Whatever crashes, pauses, is lost or comes late."""
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        report = run_seed(seed)
        assert report.problems == [], f"python tests/simulation/simulate.py --seed {seed} --trace"


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_broken_code_is_noticed(name: str) -> None:
    """A simulation that notices nothing would prove nothing."""
    assert first_failure(name, 0, 250) is not None


def test_a_seed_is_the_same_in_every_process() -> None:
    """Else the command that is printed would show something else."""
    command = [sys.executable, str(PROGRAM), "--seed", "4", "--trace"]
    told = [
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=False
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert b"generation" in told[0]
