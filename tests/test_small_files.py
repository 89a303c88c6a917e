"""A file without an end is refused before it fills the memory."""

from pathlib import Path

import pytest

from streams.small_files import MOST_BYTES, read_small, read_small_text


@pytest.mark.parametrize("read", [read_small, read_small_text])
@pytest.mark.parametrize("name", ["zero", "full"])
def test_a_device_is_not_read_to_its_end(read: object, name: str) -> None:
    """It has none."""
    assert callable(read)
    with pytest.raises(OSError, match="more than 16 megabytes"):
        read(f"/dev/{name}")


def test_the_largest_file_is_read_whole(tmp_path: Path) -> None:
    """One byte more is too much."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * MOST_BYTES)
    assert len(read_small(path)) == len(read_small_text(str(path))) == MOST_BYTES
    path.write_bytes(b"x" * (MOST_BYTES + 1))
    for read in (read_small, read_small_text):
        with pytest.raises(OSError, match="more than 16 megabytes"):
            read(path)


def test_text_has_one_kind_of_line_end(tmp_path: Path) -> None:
    """Wherever it was written; its bytes stay as they are."""
    path = tmp_path / "file"
    path.write_bytes("é\r\nb\rc\n".encode())
    assert read_small_text(path) == "é\nb\nc\n"
    assert read_small(path) == "é\r\nb\rc\n".encode()
