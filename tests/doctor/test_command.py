"""The command on a terminal: colours for whoever wants them, and groups under one title."""

import os
import subprocess
import sys

import pytest


def on_a_terminal(**environ: str) -> str:
    """Return what `callsla doctor` shows on a terminal, where nothing is configured."""
    ours, theirs = os.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLSLA_")}
    kept.pop("NO_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-c", "from streams.cli import main; main(['doctor'])"],
        env={**kept, "PYTHONIOENCODING": "utf-8", **environ},
        stdout=theirs,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65_536):
            shown += piece
    except OSError:
        pass  # Linux tells the end of a terminal so.
    os.close(ours)
    assert done.returncode == 0
    return shown.decode()


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_a_terminal_and_for_whoever_wants_them(
    environ: dict[str, str], coloured: bool
) -> None:
    """As no-color.org asks; what nobody was asked about for one reason has one title."""
    shown = on_a_terminal(**environ)
    assert ("\x1b[" in shown) is coloured
    lines = shown.splitlines()
    assert lines[0] == "Configuration"
    assert "Kafka: the way in, Kafka: topics, Kafka: rights, Events, Workers, Clocks" in lines
    assert lines[-1] == "1 well, 1 could be better, 10 not asked"
