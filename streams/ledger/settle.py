"""From facts to counted verdicts: judge again what a new fact or a deadline can have changed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from streams.instants import MINUTE, SECOND, resolution
from streams.ledger.by_source import BySource
from streams.ledger.callbacks import Owed, callback_promises
from streams.ledger.callers import Callers
from streams.ledger.calls import (
    ALONE,
    ANSWERED,
    APART,
    FREE,
    NAMELESS,
    OVER,
    Call,
)
from streams.ledger.changes import NONE
from streams.ledger.course import NO_WAIT, Course
from streams.ledger.customers import CallbackFact, Customer, History, history
from streams.ledger.deadlines import Deadlines, Waiter
from streams.ledger.due import CallbacksDue
from streams.ledger.judging import Judgement, judge
from streams.ledger.owed import CallbackTally
from streams.ledger.register import Register
from streams.ledger.rules import Rules
from streams.ledger.tally import Tally, differs, next_state
from streams.ledger.terms import Terms, TermsOf
from streams.ledger.usefulness import judge_usefulness
from streams.ledger.waiting import Waiting

if TYPE_CHECKING:
    from streams.ledger.packing import Originals

__all__ = ["Settlement"]

_LOOK_AGAIN: Final = 15 * MINUTE
_MOST_NAMES: Final = 4096
_NO_RESTARTS: Final[list[int]] = []
_WHOLE: Final = {
    "kept": "kept",
    "kept_by_recall": "kept",
    "broken": "broken",
    "unreachable": "outside",
    "uncallable": "outside",
    "cancelled": "outside",
}


class Settlement:
    """The calls and customers of one partition and the verdicts on them."""

    def __init__(self, rules: Rules, *, windows: bool = True) -> None:
        self.rules = rules
        self.terms = TermsOf(rules)
        self._max_call = rules.max_call
        self._lateness = rules.lateness
        self.now = 0
        self.tally = Tally(rules, windows=windows)
        self._names: dict[str, str] = {}
        self.attached: dict[str, list[CallbackFact]] = {}
        """callback events that named only a call, by call"""
        self.restarts: dict[str, list[int]] = {}
        self.register = Register()
        self.waiting = Waiting()
        self.due = CallbacksDue()
        self._callbacks = CallbackTally(self.tally, self.due)
        self.boundary_ambiguous = 0
        self.facts_of = BySource()
        """callback events that are remembered"""
        self.deadlines = Deadlines()
        self.callers = Callers(self.deadlines, rules.limits.max_calls_of_one)
        self.originals: Originals | None = None
        """of a snapshot that is being written"""
        self._touched: list[Call] = []
        self._touched_customers: dict[str, Customer] = {}

    def shared(self, name: str) -> str:
        """Return `name`, as one object for all calls: each event brings a copy of its own."""
        known = self._names.get(name)
        if known is not None:
            return known
        if len(self._names) < _MOST_NAMES:
            self._names[name] = name
        return name

    @property
    def touched(self) -> tuple[list[str], list[str]]:
        """The ids of calls and customers that the next tick will judge, in that order."""
        return [call.id for call in self._touched], list(self._touched_customers)

    def touched_calls(self) -> list[Call]:
        """Return the calls that the next tick will judge."""
        return self._touched

    @property
    def calls(self) -> dict[str, Call]:
        """All calls by their ids."""
        return self.register.calls

    def touch(self, call: Call) -> None:
        """Have `call` judged at the next tick."""
        if not call.is_touched:
            self.tell(call)
            call.is_touched = True
            self._touched.append(call)

    def is_news(self, call: Call, mark: int) -> bool:
        """Return whether `call` is to be told the event of `mark`, of which it knew nothing."""
        if self.originals is not None:
            self.originals.keep_call(call)
        if not call.is_news(mark):
            return False
        self.tell(call)
        return True

    def tell(self, call: Call) -> None:
        """Have `call` wait no longer, before facts of it change."""
        if call.is_waiting:
            self.waiting.remove(call, self.terms.of(call.queue))

    def touch_customer(self, customer: Customer) -> None:
        """Have the promises to `customer` worked out at the next tick."""
        self._touched_customers[customer.id] = customer

    def settle(self) -> None:
        """Judge every call and customer touched since the last time.

        Once for all facts of a stretch: what several events say together is counted once.
        """
        calls, self._touched = self._touched, []
        customers, self._touched_customers = self._touched_customers, {}
        for call in calls:
            call.is_touched = False
            if call.arrival:
                customer = self._settle_call(call)
                if customer is not None:
                    customers[customer.id] = customer
        for customer in customers.values():
            if customer.troubled:
                self._settle_troubled(customer)
            else:
                self._settle_untroubled(customer)

    def _settle_call(self, call: Call) -> Customer | None:
        """Judge `call`; return its customer if he has to be looked at as well."""
        terms = self.terms.of(call.queue)
        if call.is_contestable or call.outcome not in ANSWERED:
            call.is_contestable = False
            found = self.judged(call, terms)
            if found is not None:
                self._count_call(call, found, terms)
                if found.outcome is None:
                    self.waiting.add(call, terms)
        outcome = call.outcome
        failed = outcome is not None and outcome not in ANSWERED
        is_trouble = failed or (bool(self.attached) and call.id in self.attached)
        customer = self.callers.of(call, is_trouble)
        if customer is None:
            self._settle_alone(call, terms, ())
            return None
        if is_trouble:
            customer.troubled = True
        if customer.troubled or len(customer.calls) > 1:
            return customer
        self._settle_alone(call, terms, ())
        return None

    def judged(self, call: Call, terms: Terms) -> Judgement | None:
        """Return what the facts of `call` say now; nothing is counted. None: an orphan."""
        restarts = self.restarts.get(call.source, _NO_RESTARTS)
        return judge(call, terms, restarts, self._max_call, self.now)

    def _settle_untroubled(self, customer: Customer) -> None:
        """Settle the calls of a customer whom nobody owes a callback."""
        arrivals = sorted([call.arrival for call in customer.calls if call.arrival])
        for call in customer.calls:
            if call.arrival:
                self._settle_alone(call, self.terms.of(call.queue), arrivals)

    def _settle_troubled(self, customer: Customer) -> None:
        """Work out the callback promises to `customer` and what follows for each call."""
        past = history(customer, self.attached, self.terms)
        customer.troubled = bool(past.failures or customer.facts)
        owed = callback_promises(
            past.failures,
            past.conversations,
            past.attempts,
            past.cancellations,
            self.terms,
            self.now,
        )
        self._callbacks.count(customer, owed)
        self._settle_calls(customer, past, owed)
        self._wake_customer(customer, owed)

    def name_customer(self, call: Call, at: int, name: str) -> None:
        """Note a customer of `call`, which may turn out to be another's than who holds it."""
        before, hold = call.customer, call.hold
        call.named_customer(at, name)
        if hold == APART:
            self._leave(call, NAMELESS + call.id)
        elif hold != FREE and call.customer != before:
            self._leave(call, str(before))

    def _leave(self, call: Call, key: str) -> None:
        if self.originals is not None:
            self.originals.keep_customer(key, self.callers.by_key[key])
        self.touch_customer(self.callers.leave(call, key))

    def _count_call(self, call: Call, found: Judgement, terms: Terms) -> None:
        if found.outcome == "answered_in_target" and call.outcome is None and call.answer is None:
            self._count_first_answer(call, found, terms)
            return
        if call.queue is not None or found.answer is not None or call.label is not None:
            self.tally.place(call)
        self._count_outcome(call, found, terms)
        state = next_state(call.answer, found.answer)
        if state is not None and differs(state, found.answer_at, call.answer, call.answer_at):
            was, was_at = call.answer, call.answer_at
            call.count_answer(state, found.answer_at)
            self.tally.change(call, "answer", was, was_at, state, found.answer_at)
        call.is_open = found.outcome is None

    def _count_first_answer(self, call: Call, found: Judgement, terms: Terms) -> None:
        at, wait = found.outcome_at, found.wait
        self.tally.first_answer(call, at, wait)
        course = call.follow()
        course.outcome, course.outcome_at, course.waited = "answered_in_target", at, wait
        course.answer, course.answer_at = "kept", at
        course.promise, course.promise_at = "kept", at
        self._note_ambiguity(at, wait, terms)
        call.is_open = False

    def _count_outcome(self, call: Call, found: Judgement, terms: Terms) -> None:
        state = next_state(call.outcome, found.outcome)
        if state is None:
            return
        course = call.follow()
        was, was_at, was_wait = course.outcome, course.outcome_at, course.waited
        if found.wait == was_wait and not differs(state, found.outcome_at, was, was_at):
            return
        self._count_wait(self.tally.place(call), course, found, terms)
        course.outcome, course.outcome_at, course.waited = state, found.outcome_at, found.wait
        at, wait = found.outcome_at, found.wait
        self.tally.change(call, "outcome", was, was_at, state, at, wait, was_wait)

    def _count_wait(self, label: str, was: Course, found: Judgement, terms: Terms) -> None:
        if was.outcome in ANSWERED and was.waited != NO_WAIT:
            self.tally.windows.wait(label, was.waited, was.outcome_at, -1)
        if found.wait == NO_WAIT:
            return
        if found.outcome in ANSWERED:
            self.tally.windows.wait(label, found.wait, found.outcome_at, 1)
        if was.outcome is None:
            self._first_outcome(label, found, terms)

    def _first_outcome(self, label: str, found: Judgement, terms: Terms) -> None:
        if found.wait == NO_WAIT:
            return
        if found.outcome in ANSWERED:
            self.tally.totals.of(label).answer_wait.add(found.wait)
        elif not str(found.outcome).startswith("abandoned"):
            return
        self._note_ambiguity(found.outcome_at, found.wait, terms)

    def _note_ambiguity(self, at: int, wait: int, terms: Terms) -> None:
        distance = abs(wait - terms.answer_target)
        if distance < SECOND and distance < resolution(at - wait, at):
            self.boundary_ambiguous += 1

    def _settle_alone(self, call: Call, terms: Terms, arrivals: Sequence[int]) -> None:
        """Settle a call that no callback concerns; `arrivals` as for `judge_usefulness`."""
        if call.outcome not in ANSWERED:
            self._count_promise(call, None, 0)
            self._wake_call(call, terms, None)
            return
        state = "kept" if call.outcome == "answered_in_target" else "broken"
        if call.promise != state or call.promise_at != call.answer_at:
            self._count_promise(call, state, call.answer_at)
        again = self._settle_usefulness(call, arrivals, terms)
        self._wake_call(call, terms, again)

    def _settle_calls(self, customer: Customer, past: History, owed: list[Owed]) -> None:
        promise_of = {call_id: promise for promise in owed for call_id in promise.calls}
        for call in customer.calls:
            if not call.arrival:
                continue
            terms = self.terms.of(call.queue)
            wake = None
            if call.outcome in ANSWERED:
                state = "kept" if call.outcome == "answered_in_target" else "broken"
                self._count_promise(call, state, call.answer_at)
                wake = self._settle_usefulness(call, past.arrivals, terms)
            else:
                promise = promise_of.get(call.id)
                self._no_usefulness(call)
                if promise is None or promise.state is None:
                    self._count_promise(call, None, 0)
                else:
                    self._count_promise(call, _WHOLE[promise.state], promise.settled_at)
            self._wake_call(call, terms, wake)

    def _settle_usefulness(self, call: Call, arrivals: Sequence[int], terms: Terms) -> int | None:
        """Count the usefulness of an answer; return when to ask again, None if it is decided."""
        if call.usefulness == "useless" and self.final_at(call) < self.now - self._lateness:
            return None  # the call that made it useless may have been forgotten
        found = judge_usefulness(call, arrivals, terms, self._max_call, self.now)
        state = next_state(call.usefulness, found.verdict)
        if state is not None and differs(state, found.at, call.usefulness, call.usefulness_at):
            was, was_at = call.usefulness, call.usefulness_at
            self.tally.change(call, "usefulness", was, was_at, state, found.at)
            course = call.follow()
            course.usefulness, course.usefulness_at = state, found.at
        return found.at if found.verdict is None else None

    def _no_usefulness(self, call: Call) -> None:
        if call.usefulness is not None and call.usefulness != NONE:
            was, was_at = call.usefulness, call.usefulness_at
            self.tally.change(call, "usefulness", was, was_at, NONE, was_at)
            call.follow().usefulness = NONE

    def _count_promise(self, call: Call, found: str | None, at: int) -> None:
        state = next_state(call.promise, found)
        if state is not None and differs(state, at, call.promise, call.promise_at):
            self.tally.change(call, "promise", call.promise, call.promise_at, state, at)
            course = call.follow()
            course.promise, course.promise_at = state, at

    def _wake_call(self, call: Call, terms: Terms, again: int | None) -> None:
        start = call.start(terms)
        if call.outcome is None or call.outcome == NONE:
            undecided = call.answer is None or call.answer == NONE
            delay = terms.answer_target if undecided else self._max_call
            self._wake_at(call, start + delay)
        elif again is not None:
            if not call.has_ended:
                # Looked at now and then, so that no entry outlives a call that ended long ago.
                again = min(again, max(self.now, call.outcome_at) + _LOOK_AGAIN)
            self._wake_at(call, again)
        else:
            self._wake_to_forget(call)

    def _wake_at(self, call: Call, at: int) -> None:
        if call.hold == OVER:
            # From now on there are two deadlines: one of its own, one of its customer.
            self.callers.promote(call, str(call.customer))
        self.deadlines.set(call, at)

    def _wake_to_forget(self, call: Call) -> None:
        forget_at = self.final_at(call) + self._lateness + 1
        hold = call.hold
        if hold == FREE:
            self.deadlines.set(call, forget_at)
            return
        holder: Waiter = call
        if hold == ALONE:
            call.hold, call.wake = OVER, 0
        elif hold != OVER:
            call.wake = 0
            holder = self.callers.customer(str(call.held_by))
        if holder.wake <= self.now:
            # Something else still holds what could be forgotten: no hurry to look again.
            later = self.now + self._lateness + 1
            self.deadlines.set(holder, forget_at if forget_at > self.now else later)

    def _wake_customer(self, customer: Customer, owed: list[Owed]) -> None:
        due = [promise.due_at for promise in owed if promise.state is None]
        if due:
            self.deadlines.set(customer, min(due))
        elif customer.wake <= self.now:
            self.deadlines.set(customer, self.now + max(self._lateness, SECOND))

    def final_at(self, call: Call) -> int:
        """Return the event time after which no fact can change a verdict of a decided `call`."""
        terms = self.terms.of(call.queue)
        arrival = call.arrival
        if call.outcome in ANSWERED or 0 < call.abandoned == call.outcome_at:
            last = arrival
        else:  # only an abandonment bars a later answer
            last = call.start(terms) + self._max_call
        repeated = arrival + terms.repeat_window
        return _latest(last, repeated, call.outcome_at, call.answer_at, call.usefulness_at)


def _latest(at: int, second: int, third: int, fourth: int, fifth: int) -> int:
    """Return the highest; in this form several times as fast as max()."""
    at = second if second > at else at  # noqa: FURB136
    at = third if third > at else at  # noqa: FURB136
    at = fourth if fourth > at else at  # noqa: FURB136
    return fifth if fifth > at else at  # noqa: FURB136
