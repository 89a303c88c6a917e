"""Moments at which a verdict can change although nothing happens."""

from typing import Final

from streams.instants import SECOND
from streams.ledger.compiled import mypyc_attr
from streams.ledger.ordered import Ordered

__all__ = ["DUE", "NOWHERE", "Deadlines", "Waiter"]

DUE: Final = -1
NOWHERE: Final = -1
_SLOT: Final = SECOND


@mypyc_attr(acyclic=True)
class Waiter:
    """Something that is to be looked at again at `wake` (microseconds; 0: never, -1: now).

    `id` orders waiters of one moment, the same on every run.
    """

    __slots__ = ("id", "stands", "wake")

    def __init__(self, key: str) -> None:
        self.id = key
        self.wake = 0
        self.stands = NOWHERE
        """the slot that holds it"""


class Deadlines:
    """A timing wheel: setting costs the same however many wait, putting off takes no room.

    A waiter stands in the slot of its `wake` or in one before, from where it moves on when the
    time of that slot comes; where it stood later, before it was brought forward, it is obsolete.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[Waiter]] = {}
        self._order = Ordered()
        """the numbers of the slots"""

    @property
    def earliest(self) -> int | None:
        """The moment before which nothing is due; None: nothing is to be waited for.

        Exact to a slot, and sometimes of what was put off since: then nothing will be due.
        """
        slot = self._order.first
        return None if slot is None else slot * _SLOT

    def due(self, now: int, most: int) -> list[Waiter] | None:
        """Return who would be woken at `now`, in no order; changes nothing.

        None: they stand among more than `most`, and to look at all of them would take long.
        """
        last, found = now // _SLOT, list[Waiter]()
        slot = self._order.first
        while slot is not None and slot <= last:
            most -= len(self._slots[slot])
            if most < 0:
                return None
            for one in self._slots[slot]:
                if one.stands == slot and 0 < one.wake <= now:
                    found.append(one)
            slot = self._order.first_after(slot)
        return found

    def set(self, waiter: Waiter, at: int) -> None:
        """Wake `waiter` at `at` and at no other moment."""
        waiter.wake = at
        slot = at // _SLOT
        if not 0 <= waiter.stands <= slot:
            self._enter(waiter, slot)

    def _enter(self, waiter: Waiter, slot: int) -> None:
        waiter.stands = slot
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = [waiter]
            self._order.add(slot)
        else:
            entries.append(waiter)

    def pop(self, now: int) -> list[Waiter]:
        """Return the waiters of the earliest slot that are due at `now`; none: empty.

        Call again until it is empty: the ones returned may set deadlines that are due too. One
        whose `wake` is no longer `DUE` when its turn comes has been seen to already.
        """
        last = now // _SLOT
        slot = self._order.first
        while slot is not None and slot <= last:
            due = self._take(self._order.pop_first(), now)
            if due:
                return due
            if slot == last:
                break
            slot = self._order.first
        return []

    def _take(self, slot: int, now: int) -> list[Waiter]:
        due: list[Waiter] = []
        rest: list[Waiter] = []
        for one in self._slots.pop(slot):
            if one.stands != slot:
                continue
            one.stands = NOWHERE
            if one.wake // _SLOT > slot:
                self._enter(one, one.wake // _SLOT)
            elif one.wake > now:
                rest.append(one)
            elif one.wake > 0:
                due.append(one)
        if rest:
            self._slots[slot] = rest
            self._order.add(slot)
        for one in rest:
            one.stands = slot
        if len(due) > 1:
            # By a key each would be asked by name. A call and a customer may have one id.
            order = [(one.wake, one.id, place) for place, one in enumerate(due)]
            order.sort()
            due = [due[place] for _, _, place in order]
        for one in due:
            one.wake = DUE
        return due
