"""Files as lines."""

import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources import MAX_LINE_BYTES, SourceError, open_input
from streams.sources.inputs import lines_of


def test_plain_and_gzip_files_are_one_stream(tmp_path: Path) -> None:
    """Gzip is known by its first bytes and not by its name; order is that of the arguments."""
    (tmp_path / "one.gz").write_bytes(b"1\n2\n")
    (tmp_path / "two").write_bytes(gzip.compress(b"3\n4") + gzip.compress(b"5\n"))
    assert list(open_input(tmp_path / "two", tmp_path / "one.gz")) == [
        b"3\n",
        b"45\n",
        b"1\n",
        b"2\n",
    ]


def test_a_file_without_last_line_end_does_not_run_into_the_next(tmp_path: Path) -> None:
    """The last line of one file and the first of the next stay two lines."""
    (tmp_path / "a").write_bytes(b"1\n2")
    (tmp_path / "b").write_bytes(b"3\n")
    assert list(open_input(tmp_path / "a", tmp_path / "b")) == [b"1\n", b"2", b"3\n"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch, pack: type[bytes]) -> None:
    """`-` reads standard input, plain or gzip."""
    raw = io.BytesIO(pack(b"1\n2\n"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(raw)))
    assert list(open_input("-")) == [b"1\n", b"2\n"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """Nothing in, nothing out, no error."""
    (tmp_path / "empty").touch()
    assert list(open_input(tmp_path / "empty")) == []


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    """What some programs write at the beginning of a file is no part of its first line."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf1\n2\n")
    assert list(open_input(tmp_path / "a", tmp_path / "b")) == [b"1\n", b"2\n"] * 2


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    """A line is cut one byte beyond the limit, its rest skipped, the next line read whole."""

    class Endless(io.BytesIO):
        longest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            self.longest = max(self.longest, len(line))
            return line

    stream = Endless(b"1\n" + b"x" * (5 * MAX_LINE_BYTES) + b"\n2\n")
    assert [len(line) for line in lines_of(stream)] == [2, MAX_LINE_BYTES + 1, 2]
    assert stream.longest <= MAX_LINE_BYTES + 1


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    """The limit itself is still allowed."""
    whole = b"x" * MAX_LINE_BYTES + b"\n"
    assert list(lines_of(io.BytesIO(whole + b"2\n"))) == [whole, b"2\n"]


@given(st.binary(max_size=200))
def test_no_byte_is_lost(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Put together, the lines are the file again, unless a byte order mark was left off."""
    path = tmp_path_factory.mktemp("input") / "any"
    path.write_bytes(gzip.compress(content))
    assert b"".join(open_input(path)) == content.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, name: str) -> None:
    """The message names the file and why."""
    with pytest.raises(SourceError, match=r"cannot read .*: (No such file|Is a directory)"):
        list(open_input(tmp_path / name))


def test_a_gzip_file_cut_short_is_said_so_after_its_lines(tmp_path: Path) -> None:
    """What is there is read, and then nobody is left to think that it was all."""
    packed = gzip.compress(b"1\n" * 100_000)
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    seen: list[bytes] = []
    with pytest.raises(SourceError, match="ends too early"):
        seen.extend(open_input(tmp_path / "cut.gz"))
    (tmp_path / "bad.gz").write_bytes(packed[:20] + b"rubbish" + packed[27:])
    with pytest.raises(SourceError, match=r"damaged|too early"):
        list(open_input(tmp_path / "bad.gz"))
