"""The newcomer's path leads where it says."""

from pathlib import Path

from control_plane import ControlPlane
from newcomer import SECONDS, walk


def test_a_newcomer_comes_to_a_correct_number(plane: ControlPlane, tmp_path: Path) -> None:
    """The manifest's containers make the topics, start, become ready, and the dashboard is right.

    `walk` raises where it ends too early; here each step comes after the one before it.
    """
    times = walk(plane, tmp_path)
    assert times.installed > 0
    assert times.started <= times.ready < times.watched < times.called <= times.correct < SECONDS
    print(times)
