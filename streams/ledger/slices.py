"""Slices of time by number, most of them kept as the bytes that a snapshot has of them.

A slice is what was counted in it and its longest wait.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from streams.ledger.compiled import mypyc_attr
from streams.ledger.counts import Counts

__all__ = ["Slices", "Stretch"]

_TOGETHER: Final = 12
"""So many slices side by side are packed as one: a minute of 5 s, or six hours of 30 min."""
_FEW: Final = 0x90
"""Begins a MessagePack array of up to 15 elements."""

_MOST: Final = 1 << 60
"""No wait in microseconds is as long."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[list[int]])


@mypyc_attr(acyclic=True)
class Stretch:
    """Some slices side by side: open, packed, or both while they are only read."""

    __slots__ = ("_count", "_longest", "_open", "_packed", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._open: dict[int, Counts] | None = {}
        self._packed = b""
        self._count = 0
        self._longest = 0
        """how many, and their longest wait: while they are not open"""

    def __len__(self) -> int:
        return self._count if self._open is None else len(self._open)

    def read(self) -> dict[int, Counts]:
        """Return the slices by number; they stay as they are."""
        if self._open is None:
            rows = _decoder.decode(bytes((_FEW | self._count,)) + self._packed)
            self._open = {row[0]: self._slice_of(row) for row in rows}
        return self._open

    def change(self) -> dict[int, Counts]:
        """Return the slices by number, which are going to be others."""
        found = self.read()
        self._packed = b""
        return found

    def longest(self) -> int:
        """Return the longest wait."""
        if self._open is None:
            return self._longest
        return max([one.longest for one in self._open.values()], default=0)

    def packed(self) -> bytes:
        """Return each slice's number, longest wait, and place and number of what it counts."""
        if not self._packed and self._open is not None:
            slices = self._open
            rows = [_row(number, slices[number]) for number in sorted(slices)]
            self._packed = _encoder.encode(rows)[1:]
        return self._packed

    def close(self) -> bool:
        """Keep the slices as bytes alone; False if that was done before."""
        if self._open is None:
            return False
        self.packed()
        self._count, self._longest = len(self._open), self.longest()
        self._open = None
        return True

    def keep(self, rows: Sequence[list[int]]) -> None:
        """Have the slices of `rows`, by number, as bytes alone."""
        self._packed = _encoder.encode(rows)[1:]
        self._count, self._longest = len(rows), max([row[1] for row in rows])
        self._open = None

    def _slice_of(self, row: list[int]) -> Counts:
        one = Counts(self._size)
        one.longest = row[1]
        one.set_pairs(row[2:])
        return one


@mypyc_attr(acyclic=True)
class Slices:
    """The slices of a queue, of `size` counts each."""

    __slots__ = ("_size", "_stretches")

    def __init__(self, size: int) -> None:
        self._size = size
        self._stretches: dict[int, Stretch] = {}

    def __len__(self) -> int:
        return sum([len(stretch) for stretch in self._stretches.values()])

    def at(self, number: int) -> Counts:
        """Return the slice `number`, which is going to be another, as a new one if need be."""
        slices = self._stretch_of(number).change()
        known = slices.get(number)
        if known is None:
            known = slices[number] = Counts(self._size)
        return known

    def adopt(self, number: int, added: Counts) -> None:
        """Add what is in `added`, which nobody changes any more, to the slice `number`."""
        slices = self._stretch_of(number).change()
        known = slices.get(number)
        if known is None:
            slices[number] = added
        else:
            known.merge(added)

    def restore(self, rows: Sequence[list[int]]) -> None:
        """Have what `rows` say: of each slice its number, longest wait, places and numbers.

        Raises:
            IndexError, ValueError: they come from bytes that are damaged.
        """
        self._require_written(rows)
        begin = 0
        while begin < len(rows):
            key = rows[begin][0] // _TOGETHER
            end = begin + 1
            while end < len(rows) and rows[end][0] // _TOGETHER == key:
                end += 1
            stretch = self._stretches[key] = Stretch(self._size)
            stretch.keep(rows[begin:end])
            begin = end

    def _require_written(self, rows: Sequence[list[int]]) -> None:
        counts = Counts(self._size)
        last: int | None = None
        for row in rows:
            if len(row) < 2 or (last is not None and row[0] <= last) or abs(row[1]) >= _MOST:
                raise ValueError(row)
            last = row[0]
            counts.set_pairs(row[2:])

    def take_from(self, sums: Counts, after: int, until: int) -> int:
        """Subtract those whose number is above `after` and at most `until` from `sums`.

        Returns the longest wait in them, 0 if there is none.
        """
        longest = 0
        for key in self._keys(after, until):
            slices = self._stretches[key].read()
            if after < key * _TOGETHER and (key + 1) * _TOGETHER <= until + 1:
                gone = sums.take_away_all(slices)
            else:
                gone = sums.take_away_within(slices, after, until)
            longest = max(longest, gone)
        return longest

    def forget(self, after: int, until: int) -> None:
        """Forget those whose number is above `after` and at most `until`."""
        for key in self._keys(after, until):
            slices = self._stretches[key].change()
            for number in [number for number in slices if after < number <= until]:
                del slices[number]
            if not slices:
                del self._stretches[key]

    def change_all(self) -> list[Counts]:
        """Return all of them, which are going to be others."""
        return [one for each in self._stretches.values() for one in each.change().values()]

    def last(self) -> int:
        """Return a number above which there is none."""
        return (max(self._stretches, default=-1) + 1) * _TOGETHER - 1

    def longest_after(self, last: int) -> int:
        """Return the longest wait of those whose number is above `last`."""
        edge = last // _TOGETHER
        longest = 0
        for key, stretch in self._stretches.items():
            if key > edge:
                longest = max(longest, stretch.longest())
        on_the_edge = self._stretches.get(edge)
        if on_the_edge is not None:
            for number, one in on_the_edge.read().items():
                if number > last:
                    longest = max(longest, one.longest)
        return longest

    def stretches(self) -> list[Stretch]:
        """Return what may be closed, now or later."""
        return list(self._stretches.values())

    def packed(self) -> bytes:
        """Return all of them by number, one MessagePack array behind the other."""
        stretches = self._stretches
        return b"".join([stretches[key].packed() for key in sorted(stretches)])

    def _stretch_of(self, number: int) -> Stretch:
        key = number // _TOGETHER
        stretch = self._stretches.get(key)
        if stretch is None:
            stretch = self._stretches[key] = Stretch(self._size)
        return stretch

    def _keys(self, after: int, until: int) -> list[int]:
        first, last = (after + 1) // _TOGETHER, until // _TOGETHER
        if last - first > len(self._stretches):
            return [key for key in self._stretches if first <= key <= last]
        return [key for key in range(first, last + 1) if key in self._stretches]


def _row(number: int, one: Counts) -> list[int]:
    return [number, one.longest, *one.pairs()]
