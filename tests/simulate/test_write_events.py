"""Events become JSON lines, and a live feed keeps time."""

import io
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from streams.events import EventDecoder
from streams.instants import SECOND
from streams.simulate import Centre, Delivery, paced, small_centre, write_events, write_to


def test_one_event_a_line() -> None:
    """What is written can be read back, in the same order."""
    stream = io.BytesIO()
    events = list(Centre(small_centre(), 1).events(300))
    assert write_events(events, stream) == len(events)
    lines = stream.getvalue().splitlines()
    assert [EventDecoder().decode(line) for line in lines] == events
    assert stream.getvalue().endswith(b"}\n")


def test_nothing_written_for_no_events() -> None:
    """An empty run is an empty file."""
    stream = io.BytesIO()
    assert write_events([], stream) == 0
    assert stream.getvalue() == b""


def test_to_a_file_and_to_standard_output_the_same(tmp_path: Path) -> None:
    """`-` is standard output."""
    written = tmp_path / "events.jsonl"
    count = write_to(str(written), islice(Centre(small_centre(), 6).events(), 2500))
    program = (
        "from itertools import islice\n"
        "from streams.simulate import Centre, small_centre, write_to\n"
        "write_to('-', islice(Centre(small_centre(), 6).events(), 2500))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60
    )
    assert count == 2500
    assert run.stdout == written.read_bytes()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The caller says so to the user."""
    with pytest.raises(FileNotFoundError):
        write_to(str(tmp_path / "missing" / "events.jsonl"), [])


class Clock:
    """A clock that moves only while somebody sleeps."""

    def __init__(self, now: float) -> None:
        self.now = now

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_paced_feed_delivers_at_the_time_of_delivery(recorded: list[Delivery]) -> None:
    """No delivery before its time, and none after it if nobody is slow."""
    clock = Clock(recorded[0].at / SECOND)
    for delivery in paced(recorded[:500], clock=clock.read, sleep=clock.sleep):
        assert abs(clock.now - delivery.at / SECOND) < 1e-5


def test_a_paced_feed_that_is_behind_does_not_wait(recorded: list[Delivery]) -> None:
    """What is overdue is delivered at once."""
    clock = Clock(recorded[400].at / SECOND)
    feed = paced(recorded[:300], clock=clock.read, sleep=clock.sleep)
    assert sum(1 for _ in feed) == 300
    assert clock.now == recorded[400].at / SECOND
