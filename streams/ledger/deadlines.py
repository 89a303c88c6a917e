"""Moments at which a verdict can change although nothing happens."""

from heapq import heappop, heappush
from operator import attrgetter
from typing import Final

from streams.instants import SECOND

__all__ = ["DUE", "Deadlines", "Waiter"]

DUE: Final = -1
_SLOT: Final = SECOND

_order: Final = attrgetter("wake", "id")


class Waiter:
    """Something that is to be looked at again at `wake` (microseconds; 0: never, -1: now).

    `id` orders waiters of one moment, the same on every run.
    """

    __slots__ = ("id", "wake")

    def __init__(self, key: str) -> None:
        self.id = key
        self.wake = 0


class Deadlines:
    """A timing wheel: setting is O(1), an obsolete entry is skipped when its time comes.

    A waiter stands in the slot of its `wake`, perhaps twice, and perhaps in others where it is
    obsolete.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[Waiter]] = {}
        self._order: list[int] = []

    def set(self, waiter: Waiter, at: int) -> None:
        """Wake `waiter` at `at` and at no other moment."""
        before = waiter.wake
        if before == at:
            return
        waiter.wake = at
        slot = at // _SLOT
        if before > 0 and before // _SLOT == slot:
            return
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = [waiter]
            heappush(self._order, slot)
        else:
            entries.append(waiter)

    def pop(self, now: int) -> list[Waiter]:
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

    def _take(self, slot: int, now: int) -> list[Waiter]:
        entries = [one for one in self._slots.pop(slot) if one.wake // _SLOT == slot]
        if slot == now // _SLOT:
            rest = [one for one in entries if one.wake > now]
            if rest:
                self._slots[slot] = rest
                heappush(self._order, slot)
        entries.sort(key=_order)
        due = []
        for one in entries:
            # One that stands twice is due once; and what was due a moment ago is no longer.
            if 0 < one.wake <= now:
                one.wake = DUE
                due.append(one)
        return due
