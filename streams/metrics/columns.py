"""The text of one metric in pieces, and compressed for as long as it stays the same."""

from collections.abc import Iterable, Sequence
from typing import Final

from streams.metrics.deflate import NOTHING, Packed, gzip_file, packed, together

__all__ = ["Column", "compressed", "plain"]

RUN_BYTES: Final = 16 * 1024
"""Bytes that are compressed at once: of fewer little can be left out, of more much is done anew."""


class Column:
    """Pieces of text, such as those of the queues of one partition.

    They are compressed in runs of as many pieces each, and only when that is asked for. Joined
    they are as large as all of them: who has them compressed, as Prometheus has, keeps no such
    text.
    """

    __slots__ = ("_joined", "_run", "_runs", "_whole", "texts")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts = tuple(texts)
        self._joined: bytes | None = None
        size = sum(map(len, self.texts))
        self._run = max(1, RUN_BYTES * len(self.texts) // max(1, size))
        self._runs: dict[int, Packed] = {}
        self._whole: Packed | None = None

    def followed_by(self, texts: Sequence[bytes]) -> "Column":
        """Return the column of `texts`, this one if they are the same.

        It knows the compressed runs of this one that it has as well, at the same place.
        """
        after = tuple(texts)
        if after == self.texts:
            return self
        column = Column(after)
        if len(after) == len(self.texts) and self._run <= 2 * column._run <= 4 * self._run:
            # With the same ends, though the pieces may be a little longer now.
            column._run = self._run
            column._runs = {
                begin: run for begin, run in self._runs.items() if self._has(after, begin)
            }
        return column

    def joined(self) -> bytes:
        """Return the whole column, kept for the next time unless `packed` is asked for."""
        if self._joined is None:
            self._joined = b"".join(self.texts)
        return self._joined

    def packed(self) -> Packed:
        """Return the whole column compressed."""
        self._joined = None
        if self._whole is None:
            self._whole = together(map(self._packed_run, range(0, len(self.texts), self._run)))
        return self._whole

    def _has(self, texts: tuple[bytes, ...], begin: int) -> bool:
        end = begin + self._run
        return texts[begin:end] == self.texts[begin:end]

    def _packed_run(self, begin: int) -> Packed:
        run = self._runs.get(begin)
        if run is None:
            text = b"".join(self.texts[begin : begin + self._run])
            run = self._runs[begin] = packed(text) if text else NOTHING
        return run


def plain(columns: Iterable[Column]) -> list[bytes]:
    """Return the text of `columns` in pieces."""
    return [column.joined() for column in columns]


def compressed(columns: Iterable[Column]) -> list[bytes]:
    """Return a gzip file of the text of `columns` in pieces."""
    return gzip_file(together(column.packed() for column in columns))
