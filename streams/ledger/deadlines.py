"""Moments at which a verdict can change although nothing happens."""

from heapq import heappop, heappush
from typing import Final, Generic, Protocol, TypeVar

from streams.instants import SECOND

__all__ = ["DUE", "Deadlines", "Waiter"]

DUE: Final = -1
_SLOT: Final = SECOND


class Waiter(Protocol):
    """Something that is to be looked at again at `wake` (microseconds; 0: never, -1: now)."""

    wake: int

    @property
    def id(self) -> str:
        """What orders waiters of one moment, the same on every run."""


W = TypeVar("W", bound=Waiter)


class Deadlines(Generic[W]):
    """A timing wheel: setting is O(1), an obsolete entry is skipped when its time comes.

    An entry is obsolete when its waiter's `wake` is no longer the moment it was set for.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[tuple[int, W]]] = {}
        self._order: list[int] = []

    def set(self, waiter: W, at: int) -> None:
        """Wake `waiter` at `at` and at no other moment."""
        if waiter.wake == at:
            return
        waiter.wake = at
        slot = at // _SLOT
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = [(at, waiter)]
            heappush(self._order, slot)
        else:
            entries.append((at, waiter))

    def pop(self, now: int) -> list[W]:
        """Return the waiters of the earliest slot that are due at `now`; none: empty.

        Call again until it is empty: the ones returned may set deadlines that are due too. One
        whose `wake` is no longer `DUE` when its turn comes has been seen to already.
        """
        last = now // _SLOT
        while self._order and self._order[0] <= last:
            slot = heappop(self._order)
            due = self._take(slot, now)
            if due:
                return due
            if slot == last:
                break
        return []

    def _take(self, slot: int, now: int) -> list[W]:
        entries = [entry for entry in self._slots.pop(slot) if entry[1].wake == entry[0]]
        rest = [entry for entry in entries if entry[0] > now]
        if rest:
            self._slots[slot] = rest
            heappush(self._order, slot)
        due = []
        for at, waiter in sorted(entries, key=_order):
            # A deadline that was moved away and back again stands twice.
            if at <= now and waiter.wake == at:
                waiter.wake = DUE
                due.append(waiter)
        return due


def _order(entry: tuple[int, Waiter]) -> tuple[int, str]:
    return entry[0], entry[1].id
