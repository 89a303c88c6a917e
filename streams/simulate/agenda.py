"""What will happen next: the clock of the simulation."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, TypeVar

__all__ = ["Agenda"]

T = TypeVar("T")


class Agenda:
    """A heap of what is to be done when; `now` (microseconds) moves from one to the next.

    What falls on the same instant is done in the order in which it was put down.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self._heap: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._count = 0

    def at(self, instant: int, action: Callable[[T], None], subject: T) -> None:
        """Do `action(subject)` at `instant`, not before now."""
        self._count += 1
        heappush(self._heap, (max(instant, self.now), self._count, action, subject))

    def after(self, delay: int, action: Callable[[T], None], subject: T) -> None:
        """Do `action(subject)` when `delay` microseconds have passed."""
        self._count += 1
        heappush(self._heap, (self.now + delay, self._count, action, subject))

    def step(self) -> None:
        """Go to the next thing and do it.

        Raises:
            IndexError: nothing is left to do.
        """
        self.now, _, action, subject = heappop(self._heap)
        action(subject)
