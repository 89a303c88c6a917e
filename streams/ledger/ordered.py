"""Instants in order, of which some come and go all the time."""

from array import array
from bisect import bisect_left, bisect_right, insort
from typing import Final

from streams.ledger.compiled import mypyc_attr

__all__ = ["Ordered"]

_MOST: Final = 1024
"""Instants in one block, 8 KiB: what has to be moved to make room for another one."""


@mypyc_attr(acyclic=True)
class Ordered:
    """A sorted multiset of instants (or numbers of slots), each eight bytes in a block of few.

    Adding and taking away cost the same however many there are, up to millions.
    """

    __slots__ = ("_blocks", "_firsts")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self._blocks: list[array[int]] = []
        self._firsts: list[int] = []

    def __len__(self) -> int:
        return sum([len(block) for block in self._blocks])

    def add(self, at: int) -> None:
        """Take in `at`, again if it is there already."""
        if not self._blocks or at >= self._blocks[-1][-1]:
            self._append(at)
            return
        place = max(0, bisect_right(self._firsts, at) - 1)
        block = self._blocks[place]
        insort(block, at)
        self._firsts[place] = block[0]
        if len(block) > _MOST:
            self._split(place)

    def remove(self, at: int) -> None:
        """Take away one `at`.

        Raises:
            LookupError: there is none.
        """
        place = bisect_right(self._firsts, at) - 1
        block = self._blocks[place] if place >= 0 else _NONE
        position = bisect_left(block, at)
        if position == len(block) or block[position] != at:
            raise LookupError(at)
        del block[position]
        if not block:
            del self._blocks[place], self._firsts[place]
            return
        self._firsts[place] = block[0]
        self._join(place)

    def pop_first(self) -> int:
        """Take away the earliest and return it.

        Raises:
            IndexError: there is none.
        """
        block = self._blocks[0]
        first: int = block[0]
        del block[0]
        if block:
            self._firsts[0] = block[0]
        else:
            del self._blocks[0], self._firsts[0]
        return first

    def after(self, at: int) -> int:
        """Return how many are later than `at`."""
        place = bisect_right(self._firsts, at) - 1
        later = sum([len(block) for block in self._blocks[place + 1 :]])
        if place < 0:
            return later
        block = self._blocks[place]
        return later + len(block) - bisect_right(block, at)

    @property
    def first(self) -> int | None:
        """The earliest; None: there is none."""
        return self._firsts[0] if self._firsts else None

    def first_after(self, at: int) -> int | None:
        """Return the first that is later than `at`."""
        place = bisect_right(self._firsts, at) - 1
        if place >= 0:
            block = self._blocks[place]
            position = bisect_right(block, at)
            if position < len(block):
                return block[position]
        return self._firsts[place + 1] if place + 1 < len(self._firsts) else None

    def _append(self, at: int) -> None:
        """Add what comes in order: blocks stay full then."""
        if self._blocks and len(self._blocks[-1]) < _MOST:
            self._blocks[-1].append(at)
        else:
            self._blocks.append(array("q", (at,)))
            self._firsts.append(at)

    def _split(self, place: int) -> None:
        block = self._blocks[place]
        half = block[_MOST // 2 :]
        # A copy: one that was cut keeps its room.
        self._blocks[place] = block[: _MOST // 2]
        self._blocks.insert(place + 1, half)
        self._firsts.insert(place + 1, half[0])

    def _join(self, place: int) -> None:
        """Have a block that became small share the one before."""
        if not place or len(self._blocks[place - 1]) + len(self._blocks[place]) > _MOST // 2:
            return
        self._blocks[place - 1].extend(self._blocks[place])
        del self._blocks[place], self._firsts[place]


_NONE: Final = array("q")
