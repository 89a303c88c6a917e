"""What `/metrics` counts: the totals of one partition as of one tick, never changed afterwards."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from streams.events import REASONS
from streams.kafka.ledgerlog.machine import Machine
from streams.ledger import Ledger
from streams.ledger.rules import Rules
from streams.ledger.totals import QueueTotals, Totals

__all__ = ["Exported", "copied"]


class Exported(Struct, frozen=True, kw_only=True):
    """The totals of a partition at a tick. Instants in microseconds; 0 means not yet."""

    totals: Totals
    fates: Mapping[str, int]
    dead_letters: Mapping[str, int]
    boundary_ambiguous: int = 0
    crowded: int = 0
    watermark: int = 0
    now: int = 0

    @classmethod
    def nothing(cls, rules: Rules) -> "Exported":
        """Return what is exported before the first tick."""
        fates = dict.fromkeys(Ledger(rules).fates, 0)
        return cls(totals=Totals(rules), fates=fates, dead_letters=dict.fromkeys(REASONS, 0))

    @classmethod
    def of(cls, machine: Machine, before: "Exported") -> "Exported":
        """Return a copy of the machine's totals; queues unchanged since `before` are shared."""
        ledger = machine.ledger
        return cls(
            totals=copied(ledger.totals, ledger.rules, before.totals.queues),
            fates=dict(ledger.fates),
            dead_letters=dict(machine.dead_letters),
            boundary_ambiguous=ledger.boundary_ambiguous,
            crowded=ledger.book.callers.crowded,
            watermark=ledger.watermark,
            now=ledger.now,
        )

    def later(self, machine: Machine) -> "Exported":
        """Return the totals as they are, under a later `now`."""
        return replace(self, fates=dict(machine.ledger.fates), now=machine.ledger.now)


def copied(totals: Totals, rules: Rules, before: Mapping[str, QueueTotals]) -> Totals:
    """Return a copy of `totals`; queues that are as they were `before` are shared."""
    copy = Totals(rules)
    copy.overflowed = totals.overflowed
    for label, queue in totals.queues.items():
        known = before.get(label)
        copy.queues[label] = queue.copy() if known is None or queue.is_changed else known
    return copy
