"""Where a benchmark writes what it found."""

from measuring import replaced

DOCUMENT = """# Results

## Memory

old

<!-- engines: written by `make bench-engines` -->
## Engines

kept
<!-- engines: end -->

## Scale

kept
"""


def test_a_section_is_replaced_and_nothing_around_it() -> None:
    """Marks of the section below it are no part of it."""
    found = replaced(DOCUMENT, "Memory", "## Memory\n\nnew\n")
    assert found.replace("\n\n", "\n") == DOCUMENT.replace("old", "new").replace("\n\n", "\n")


def test_a_new_section_comes_last() -> None:
    """Nothing else changes."""
    found = replaced(DOCUMENT, "Latency", "## Latency\n\nnew\n")
    assert found.endswith("kept\n\n## Latency\n\nnew\n")
    assert "old" in found
