"""A log followed while it is written, on real files and in a real thread."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread, Timer

import pytest
from queue_log import line, reader

from streams.sources import MAX_LINE_BYTES, SourceError, follow

POLL = 0.01
PATIENCE = 20.0


class Follower:
    """Follows a log in a thread; `next` waits for the next line."""

    def __init__(self, path: Path) -> None:
        self._stop = Event()
        self._lines: Queue[bytes] = Queue()
        self._path = path
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for one in follow(self._path, self._stop, poll_seconds=POLL):
            if one:
                self._lines.put(one)

    def next(self, count: int = 1) -> list[bytes]:
        return [self._lines.get(timeout=PATIENCE) for _ in range(count)]

    def nothing(self) -> bool:
        """Whether nothing comes for many polls."""
        try:
            self._lines.get(timeout=20 * POLL)
        except Empty:
            return True
        return False

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "queue_log"


@pytest.fixture
def following(log: Path) -> Iterator[Callable[[], Follower]]:
    followers: list[Follower] = []

    def start() -> Follower:
        followers.append(Follower(log))
        return followers[-1]

    yield start
    for follower in followers:
        follower.stop()


def append(path: Path, content: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(content)


def test_what_is_there_and_what_comes(log: Path, following: Callable[[], Follower]) -> None:
    """The lines of the file so far, then each new one as it is written."""
    append(log, b"1\n2\n")
    follower = following()
    assert follower.next(2) == [b"1\n", b"2\n"]
    append(log, b"3\n")
    assert follower.next() == [b"3\n"]


def test_a_file_that_does_not_exist_yet(log: Path, following: Callable[[], Follower]) -> None:
    """It is waited for."""
    follower = following()
    assert follower.nothing()
    append(log, b"1\n")
    assert follower.next() == [b"1\n"]


def test_a_half_written_line_waits_for_its_end(
    log: Path, following: Callable[[], Follower]
) -> None:
    """A writer may be caught in the middle of a line."""
    append(log, b"1\n2 begins")
    follower = following()
    assert follower.next() == [b"1\n"]
    assert follower.nothing()
    append(log, b" and ends\n")
    assert follower.next() == [b"2 begins and ends\n"]


def test_rotation_by_rename(log: Path, following: Callable[[], Follower]) -> None:
    """The old file is read to its end, also what is written after its renaming, then the new."""
    append(log, b"1\n")
    follower = following()
    assert follower.next() == [b"1\n"]
    old = log.rename(log.with_name("queue_log.1"))
    append(old, b"2\n")
    log.touch()
    append(old, b"3\n")
    assert follower.next(2) == [b"2\n", b"3\n"]
    append(log, b"4\n")
    assert follower.next() == [b"4\n"]
    append(log, b"5\n")
    assert follower.next() == [b"5\n"]


def test_rotations_lose_and_repeat_nothing(log: Path, following: Callable[[], Follower]) -> None:
    """Many rotations under a steady writer: every line once, in order."""
    follower = following()
    for rotation in range(10):
        written = [b"%d/%d\n" % (rotation, number) for number in range(20)]
        for one in written:
            append(log, one)
        # A second rotation between two looks is beyond any reader by polling.
        assert follower.next(20) == written
        log.rename(log.with_name(f"queue_log.{rotation}"))
    assert follower.nothing()


def test_truncation(log: Path, following: Callable[[], Follower]) -> None:
    """A file made shorter is read from its beginning again."""
    append(log, b"1\n2\n3\n")
    follower = following()
    assert follower.next(3) == [b"1\n", b"2\n", b"3\n"]
    os.truncate(log, 0)
    append(log, b"4\n")
    assert follower.next() == [b"4\n"]


def test_copy_and_truncate_that_grows_longer_at_once(
    log: Path, following: Callable[[], Follower]
) -> None:
    """A file that begins otherwise than before was truncated, even if it is longer now."""
    append(log, b"1\n")
    follower = following()
    assert follower.next() == [b"1\n"]
    shutil.copy(log, log.with_name("queue_log.1"))
    log.write_bytes(b"2 is longer\n3\n")
    assert follower.next(2) == [b"2 is longer\n", b"3\n"]


def test_a_line_cut_off_by_a_truncation_is_given_out(
    log: Path, following: Callable[[], Follower]
) -> None:
    """So that whoever reads it can count it as malformed."""
    append(log, b"1\n2 begins")
    follower = following()
    assert follower.next() == [b"1\n"]
    assert follower.nothing()
    os.truncate(log, 0)
    append(log, b"3\n")
    assert follower.next(2) == [b"2 begins", b"3\n"]


def test_from_the_end(log: Path) -> None:
    """Without `from_start` only what is written from now on, from its first whole line."""
    append(log, b"1\n2\n3 be")
    lines = follow(log, Event(), poll_seconds=POLL, quiet_seconds=POLL, from_start=False)
    assert next(lines) == b""
    append(log, b"gins\n4\n")
    assert [next(lines), next(lines)] == [b"3 begins\n", b"4\n"]


def test_a_line_beyond_all_bounds_goes_out_cut_once(
    log: Path, following: Callable[[], Follower]
) -> None:
    """Memory stays bounded, the line can be counted, the next one is whole."""
    follower = following()
    append(log, b"x" * (3 * MAX_LINE_BYTES) + b"\n1\n")
    assert [len(one) for one in follower.next(2)] == [MAX_LINE_BYTES + 1, 2]


def test_quiet_is_told_once(log: Path) -> None:
    """After a while without anything new comes one empty line, and no more until something did."""
    append(log, b"1\n")
    stop = Event()
    lines = follow(log, stop, poll_seconds=POLL, quiet_seconds=3 * POLL)
    assert [next(lines), next(lines)] == [b"1\n", b""]
    append(log, b"2\n")
    assert [next(lines), next(lines)] == [b"2\n", b""]
    Timer(20 * POLL, stop.set).start()
    assert list(lines) == []


def test_waiting_costs_next_to_nothing(log: Path, following: Callable[[], Follower]) -> None:
    """A quiet log at the default pace must not keep a processor busy."""
    append(log, b"1\n")
    stop = Event()
    lines = follow(log, stop)
    assert [next(lines), next(lines)] == [b"1\n", b""]
    Timer(1.0, stop.set).start()
    before = time.thread_time()
    assert list(lines) == []
    assert time.thread_time() - before < 0.05


def test_a_file_that_may_not_be_read_is_one_clear_line(tmp_path: Path) -> None:
    """Waiting for ever on a file nobody can open would look like a quiet call centre."""
    with pytest.raises(SourceError, match=r"cannot follow .*: Is a directory"):
        next(follow(tmp_path, Event()))


def test_an_abandonment_is_told_while_the_log_is_quiet(log: Path) -> None:
    """What the reader holds back comes out after a second of quiet, without a further line."""
    append(log, line(0, "c1|q|NONE|ENTERQUEUE|||1") + line(9, "c1|q|NONE|ABANDON|1|1|9"))
    stop = Event()
    events = reader().read(follow(log, stop, poll_seconds=POLL, quiet_seconds=2 * POLL))
    assert [next(events).kind, next(events).kind] == ["call.queued", "call.abandoned"]
    append(log, line(20, "c2|q|NONE|ENTERQUEUE|||1"))
    assert next(events).kind == "call.queued"
