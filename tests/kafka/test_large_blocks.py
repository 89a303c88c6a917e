"""What was freed is kept for the next fetch, not for ever: measured in processes of their own."""

import subprocess
import sys

import pytest

GROWING = """
import sys
from streams.kafka.memory import give_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

bytes(2_000_000)  # the C library learns from this one
begun, kept = resident(), []
for _ in range(10):
    large = []
    for _ in range(20):
        large.append(b"x" * (1_000_000 + len(kept)))
        kept.append(b"x" * (2_000 + len(kept)))
    del large
if sys.argv[1] == "told":
    give_back()
print(resident() - begun)
"""


def counted(program: str, way: str) -> int:
    """Return the number that `program` prints, in a process of its own."""
    command = [sys.executable, "-c", program, way]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_large_blocks_are_given_back_although_small_ones_lie_between() -> None:
    """Twenty megabytes at a time, all freed, and four hundred kilobytes kept: by how many bytes
    the process has grown."""
    assert counted(GROWING, "told") < 4_000_000
    assert counted(GROWING, "as it is") > 10_000_000


FETCHING = """
import resource, sys
from streams.kafka.memory import keep_blocks

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "told":
    keep_blocks()
for number in range(12):
    if number == 2:
        begun = faults()
    fetched = [b"x" * (3_000_000 + number) for _ in range(8)]
    del fetched
print(faults() - begun)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_the_next_fetch_finds_the_pages_of_the_last_one() -> None:
    """Ten of 24 megabytes, each freed: they would fault in each of six thousand pages anew."""
    assert counted(FETCHING, "told") < 5_000
    assert counted(FETCHING, "as it is") > 50_000
