"""Many small numbers that are added up and taken away again, by place.

Written once more in C (counts.c), which is used where the ledger is compiled: the windows of a
worker add whole slices of time to each other all day.
"""

from collections.abc import Sequence

__all__ = ["Counts"]

_MOST = 1 << 63
_ROOMY = 1 << 60


class Counts:
    """`size` integers, all 0 at first; each 64 bits at most, so that C can hold them.

    Its methods raise IndexError for a place there is not, ValueError for counts of another size,
    and OverflowError for a result that 64 bits do not hold.
    """

    __slots__ = ("_numbers", "longest")

    def __init__(self, size: int) -> None:
        self._numbers = [0] * size
        self.longest = 0
        """of the durations of what is counted (microseconds)"""

    def add(self, place: int, number: int) -> None:
        """Add `number` to the count at `place`."""
        if place < 0:
            raise IndexError(place)
        self._numbers[place] = _bounded(self._numbers[place] + number)

    def add_one(self, *places: int) -> None:
        """Add 1 to the count at each of `places`."""
        for place in places:
            self.add(place, 1)

    def merge(self, other: "Counts") -> None:
        """Add what is in `other`, place by place."""
        both = self._beside(other)
        self._numbers = [_bounded(mine + theirs) for mine, theirs in both]
        self.longest = max(self.longest, other.longest)

    def take_away(self, other: "Counts") -> None:
        """Subtract what is in `other`, place by place; the longest duration stays."""
        both = self._beside(other)
        self._numbers = [_bounded(mine - theirs) for mine, theirs in both]

    def merge_within(self, others: dict[int, "Counts"], after: int, until: int) -> None:
        """Add those of `others` whose number is above `after` and at most `until`."""
        for number, other in others.items():
            if after < number <= until:
                self.merge(other)

    def take_away_all(self, others: dict[int, "Counts"]) -> int:
        """Subtract what is in `others`; return the longest duration in them, 0 if there is none."""
        longest = 0
        for other in others.values():
            self.take_away(other)
            longest = max(longest, other.longest)
        return longest

    def take_away_within(self, others: dict[int, "Counts"], after: int, until: int) -> int:
        """Subtract those whose number is above `after` and at most `until`.

        Returns the longest duration in them, 0 if there is none.
        """
        longest = 0
        for number, other in others.items():
            if after < number <= until:
                self.take_away(other)
                longest = max(longest, other.longest)
        return longest

    def numbers(self) -> list[int]:
        """Return all of them."""
        return list(self._numbers)

    def set(self, numbers: Sequence[int]) -> None:
        """Have these numbers, as many as there are."""
        if len(numbers) != len(self._numbers):
            raise ValueError(len(numbers))
        self._numbers = [_bounded(number) for number in numbers]

    def set_pairs(self, pairs: Sequence[int]) -> None:
        """Have these numbers at these places, as `pairs` gives them, and 0 everywhere else.

        ValueError also for a place without a number, one named twice, and a number of more than
        60 bits: what comes out of bytes leaves room for counting on.
        """
        numbers = [0] * len(self._numbers)
        if len(pairs) % 2:
            raise ValueError(len(pairs))
        for place, number in zip(pairs[::2], pairs[1::2], strict=True):
            if not 0 <= place < len(numbers):
                raise IndexError(place)
            if numbers[place] or not 0 < abs(number) < _ROOMY:
                raise ValueError(number)
            numbers[place] = number
        self._numbers = numbers

    def pairs(self) -> list[int]:
        """Return place and number of each that is not 0, one behind the other."""
        found: list[int] = []
        for place, number in enumerate(self._numbers):
            if number:
                found += (place, number)
        return found

    def _beside(self, other: "Counts") -> list[tuple[int, int]]:
        return list(zip(self._numbers, other._numbers, strict=True))  # noqa: SLF001


def _bounded(number: int) -> int:
    if not -_MOST <= number < _MOST:
        raise OverflowError(number)
    return number
