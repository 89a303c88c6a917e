"""Counting what is owed to a customer: callback promises opened, settled, made good."""

from streams.ledger.callbacks import Owed
from streams.ledger.calls import NAMELESS
from streams.ledger.changes import NONE, Change
from streams.ledger.customers import Counted, Customer
from streams.ledger.due import CallbacksDue
from streams.ledger.tally import Tally, differs, next_state

__all__ = ["CallbackTally"]


class CallbackTally:
    """Counts the callback promises of customers."""

    def __init__(self, tally: Tally, due: CallbacksDue) -> None:
        self._tally = tally
        self._due = due

    def count(self, customer: Customer, owed: list[Owed]) -> None:
        """Count `owed`, all promises of `customer`, in place of what was counted before."""
        before = {(kept.owed.opened_at, kept.ordinal): kept for kept in customer.promises}
        for counted in customer.promises:
            self._due.remove(counted)
        promises: list[Counted] = []
        ordinal = 0
        for position, promise in enumerate(owed):
            again = position and owed[position - 1].opened_at == promise.opened_at
            ordinal = ordinal + 1 if again else 0
            kept = before.pop((promise.opened_at, ordinal), None)
            if kept is None:
                kept = self._open(customer, promise, ordinal)
            promises.append(kept)
            self._count_one(customer, kept, promise)
            self._due.add(kept)
        customer.promises = tuple(promises)
        for kept in before.values():
            self._withdraw(customer, kept)

    def _open(self, customer: Customer, promise: Owed, ordinal: int) -> Counted:
        label = self._tally.totals.label(promise.queue)
        kept = Counted(promise, ordinal, label)
        opened = promise.opened_at
        self._change(customer, kept, "opened", None, 0, "opened", opened)
        return kept

    def _count_one(self, customer: Customer, kept: Counted, promise: Owed) -> None:
        kept.owed = promise
        self._place(kept)
        state = next_state(kept.state, promise.state)
        if state is not None and differs(state, promise.settled_at, kept.state, kept.state_at):
            was, was_at = kept.state, kept.state_at
            if was is None and state in ("kept", "kept_by_recall"):
                self._delay(kept, promise.settled_at)
            kept.state, kept.state_at = state, promise.settled_at
            self._change(customer, kept, "callback", was, was_at, state, kept.state_at)
        self._count_late(customer, kept, promise)

    def _count_late(self, customer: Customer, kept: Counted, promise: Owed) -> None:
        state = next_state(kept.late, "late" if promise.late_at else None)
        at = promise.late_at or kept.late_at
        if state is None or not differs(state, at, kept.late, kept.late_at):
            return
        if kept.late is None:
            self._delay(kept, at)
        was, was_at = kept.late, kept.late_at
        kept.late, kept.late_at = state, at
        self._change(customer, kept, "late", was, was_at, state, at)

    def _delay(self, kept: Counted, at: int) -> None:
        self._tally.totals.of(kept.label).callback_delay.add(at - kept.owed.opened_at)

    def _withdraw(self, customer: Customer, kept: Counted) -> None:
        opened = kept.owed.opened_at
        for verdict, state, at in (
            ("opened", "opened", opened),
            ("callback", kept.state, kept.state_at),
            ("late", kept.late, kept.late_at),
        ):
            if state is not None and state != NONE:
                self._change(customer, kept, verdict, state, at, NONE, at)

    def _place(self, kept: Counted) -> None:
        label = self._tally.totals.label(kept.owed.queue)
        if label == kept.label:
            return
        self._tally.move("opened", "opened", kept.owed.opened_at, kept.label, label)
        self._tally.move("callback", kept.state, kept.state_at, kept.label, label)
        self._tally.move("late", kept.late, kept.late_at, kept.label, label)
        kept.label = label

    def _change(
        self,
        customer: Customer,
        kept: Counted,
        verdict: str,
        was: str | None,
        was_at: int,
        state: str,
        at: int,
    ) -> None:
        self._tally.count(kept.label, verdict, was, was_at, state, at)
        customer.revision += 1
        delay = at - kept.owed.opened_at
        self._tally.changes.append(
            Change(
                verdict=verdict,
                state=state,
                was=was,
                at=at,
                queue=kept.owed.queue,
                call_id=None,
                customer=customer.name,
                key=f"{customer.id.replace(NAMELESS, 'call:')}@{kept.owed.opened_at}",
                revision=customer.revision,
                wait=delay if state in ("kept", "kept_by_recall", "late") else None,
                due_at=kept.owed.due_at,
            )
        )
