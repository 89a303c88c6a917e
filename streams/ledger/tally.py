"""Counting a verdict: in the totals, in the windows and as a change that others learn of."""

from typing import Final

from streams.ledger.calls import ANSWERED, Call
from streams.ledger.changes import NONE, Change
from streams.ledger.rules import Rules
from streams.ledger.totals import VERDICTS, Totals
from streams.ledger.windows import Windows

__all__ = ["Tally"]

_CLASSES: Final = {
    (verdict, state): verdict if verdict == state else f"{verdict}_{state}"
    for verdict, states in VERDICTS.items()
    for state in states
}


class Tally:
    """The totals and windows of one partition, and the changes since the last drain."""

    def __init__(self, rules: Rules) -> None:
        self.totals = Totals(rules)
        self.windows = Windows(rules)
        self.changes: list[Change] = []

    def place(self, call: Call) -> str:
        """Return the label of `call`, counting it as offered there the first time.

        A call that turns out to belong to another queue takes its counts along as corrections.
        """
        label = self.totals.label(call.queue)
        if call.label is None:
            self.count(label, "offered", None, 0, "offered", call.arrival or 0)
        elif call.label != label:
            self._move(call, call.label, label)
        call.label = label
        return label

    def count(
        self, label: str, verdict: str, was: str | None, was_at: int, state: str, at: int
    ) -> None:
        """Count `state` at event time `at` instead of what `was` counted at `was_at`."""
        if state != was:
            self.totals.of(label).count(verdict, was, state)
        if was is not None and was != NONE:
            self.windows.count(label, _CLASSES[verdict, was], was_at, -1)
        if state != NONE:
            self.windows.count(label, _CLASSES[verdict, state], at, 1)

    def move(self, verdict: str, state: str | None, at: int, old: str, new: str) -> None:
        """Take a counted `state` from the label `old` to `new`."""
        if state is None or state == NONE:
            return
        self.count(old, verdict, state, at, NONE, at)
        self.count(new, verdict, NONE, at, state, at)

    def _move(self, call: Call, old: str, new: str) -> None:
        self.move("offered", "offered", call.arrival or 0, old, new)
        self.move("outcome", call.outcome, call.outcome_at, old, new)
        self.move("answer", call.answer, call.answer_at, old, new)
        self.move("promise", call.promise, call.promise_at, old, new)
        self.move("usefulness", call.usefulness, call.usefulness_at, old, new)
        if call.outcome in ANSWERED and call.waited is not None:
            self.windows.wait(old, call.waited, call.outcome_at, -1)
            self.windows.wait(new, call.waited, call.outcome_at, 1)
