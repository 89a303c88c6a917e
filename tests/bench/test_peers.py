"""The peers are pinned apart from the product: each by hashes, none by an address."""

import re
from pathlib import Path
from typing import Final

import pytest
from engines.catalogue import ENGINES, OURS

PEERS: Final = Path(__file__).with_name("peers")
PYTHON: Final = sorted(path.parent.name for path in PEERS.glob("*/requirements.in"))


def test_there_are_all_that_a_user_would_pick() -> None:
    """Three in Python, one in Java, and callsla itself first."""
    assert PYTHON == ["bytewax", "faust", "quix"]
    assert (PEERS / "kafka_streams" / "pom.xml").exists()
    assert next(iter(ENGINES)) == OURS


@pytest.mark.parametrize("peer", PYTHON)
def test_a_lock_pins_every_requirement_by_hash(peer: str) -> None:
    """What was asked for is in it, and everything it needs."""
    text = (PEERS / peer / "requirements.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.+!-]+ \\\n", entry), entry
        assert "--hash=sha256:" in entry, entry
    locked = {entry.partition("==")[0] for entry in entries}
    for line in (PEERS / peer / "requirements.in").read_text().split():
        assert re.split(r"[\[=]", line)[0] in locked


@pytest.mark.parametrize("peer", PYTHON)
def test_a_lock_names_no_address(peer: str) -> None:
    """Where the files come from is the business of whoever installs them."""
    text = (PEERS / peer / "requirements.txt").read_text()

    assert not re.search(r"https?://|index-url|find-links|trusted-host", text)
