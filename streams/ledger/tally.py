"""Counting a verdict: in the totals, in the windows and as a change that others learn of."""

from typing import Final

from streams.ledger.calls import ANSWERED, Call
from streams.ledger.changes import NONE, Change
from streams.ledger.course import NO_WAIT
from streams.ledger.rules import Rules
from streams.ledger.totals import PLACES, Totals
from streams.ledger.windows import OFFERED, NoWindows, Windows

__all__ = ["Tally", "differs", "next_state"]

_IN_TARGET: Final = PLACES["outcome"]["answered_in_target"]
_KEPT: Final = PLACES["answer"]["kept"]
_WHOLE_KEPT: Final = PLACES["promise"]["kept"]


class Tally:
    """The totals and windows of one partition, and the changes since the last drain."""

    def __init__(self, rules: Rules, *, windows: bool = True) -> None:
        self.totals = Totals(rules)
        self.windows = Windows(rules) if windows else NoWindows(rules)
        self.changes: list[Change] = []

    def place(self, call: Call) -> str:
        """Return the label of `call`, counting it as offered there the first time.

        A call that turns out to belong to another queue takes its counts along as corrections.
        """
        known = call.label
        if known is not None and known == call.queue:
            return known
        label = self.totals.label(call.queue)
        if known is None:
            self.totals.of(label).count(OFFERED)
            self.windows.note(label, OFFERED, call.arrival, 1)
        elif known != label:
            self._move(call, known, label)
        call.label = label
        return label

    def change(
        self,
        call: Call,
        verdict: str,
        was: str | None,
        was_at: int,
        state: str,
        at: int,
        wait: int = NO_WAIT,
        was_wait: int = NO_WAIT,
    ) -> None:
        """Count `state` of a verdict on `call` and tell of it."""
        self.count(self.place(call), verdict, was, was_at, state, at)
        self._tell(call, verdict, was, state, at, wait, was_wait)

    def first_answer(self, call: Call, at: int, wait: int) -> None:
        """Count an answer in target that is the first thing to be counted of `call`.

        The same as three times `change`, for the verdict that is by far the most frequent.
        """
        label = self.place(call)
        totals = self.totals.of(label)
        totals.count(_IN_TARGET)
        totals.count(_KEPT)
        totals.count(_WHOLE_KEPT)
        totals.answer_wait.add(wait)
        self.windows.answered_in_target(label, wait, at)
        course = call.follow()
        queue, key, customer, number = call.queue, call.id, call.customer, course.revision
        outcome, kept = "answered_in_target", "kept"
        self.changes += (
            Change(at, key, customer, None, key, queue, number + 1, outcome, "outcome", wait),
            Change(at, key, customer, None, key, queue, number + 2, kept, "answer"),
            Change(at, key, customer, None, key, queue, number + 3, kept, "promise"),
        )
        course.revision = number + 3

    def _tell(
        self,
        call: Call,
        verdict: str,
        was: str | None,
        state: str,
        at: int,
        wait: int,
        was_wait: int,
    ) -> None:
        key = call.id
        change = Change(
            at, key, call.customer, None, key, call.queue, call.revise(), state, verdict,
            None if wait == NO_WAIT else wait, was, None if was_wait == NO_WAIT else was_wait,
        )  # fmt: skip
        self.changes.append(change)

    def count(
        self, label: str, verdict: str, was: str | None, was_at: int, state: str, at: int
    ) -> None:
        """Count `state` at event time `at` instead of what `was` counted at `was_at`."""
        places = PLACES[verdict]
        if was is None:
            self.totals.of(label).count(places[state])
        elif state != was:
            self.totals.of(label).correct(verdict, was, state)
        if was is not None and was != NONE:
            self.windows.note(label, places[was], was_at, -1)
        if state != NONE:
            self.windows.note(label, places[state], at, 1)

    def move(self, verdict: str, state: str | None, at: int, old: str, new: str) -> None:
        """Take a counted `state` from the label `old` to `new`."""
        if state is None or state == NONE:
            return
        self.count(old, verdict, state, at, NONE, at)
        self.count(new, verdict, NONE, at, state, at)

    def _move(self, call: Call, old: str, new: str) -> None:
        self.move("offered", "offered", call.arrival, old, new)
        self.move("outcome", call.outcome, call.outcome_at, old, new)
        self.move("answer", call.answer, call.answer_at, old, new)
        self.move("promise", call.promise, call.promise_at, old, new)
        self.move("usefulness", call.usefulness, call.usefulness_at, old, new)
        course = call.course
        if course is not None and course.outcome in ANSWERED and course.waited != NO_WAIT:
            self.windows.wait(old, course.waited, course.outcome_at, -1)
            self.windows.wait(new, course.waited, course.outcome_at, 1)


def next_state(was: str | None, found: str | None) -> str | None:
    """Return the state to count: a verdict that was counted and vanished is `none`."""
    if found is None and was is not None:
        return NONE
    return found


def differs(state: str, at: int, was: str | None, was_at: int) -> bool:
    """Return whether there is anything to count."""
    return state != was or (at != was_at and state != NONE)
