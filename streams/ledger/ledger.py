"""The ledger of one partition: events and ticks in, verdicts out; no I/O, no clock, no chance."""

from bisect import insort
from operator import attrgetter
from typing import Final

from streams.events import Event
from streams.ledger import kinds
from streams.ledger.calls import OVER, Call
from streams.ledger.changes import Change
from streams.ledger.customers import CallbackFact, Customer
from streams.ledger.deadlines import DUE, Waiter
from streams.ledger.live import LiveQueue, live_queues
from streams.ledger.retention import forget_call, is_forgettable, prune, prune_alone
from streams.ledger.rules import Rules
from streams.ledger.settle import Settlement
from streams.ledger.totals import Totals
from streams.ledger.windows import OFFERED, Windows

__all__ = ["FATES", "Ledger"]

FATES: Final = ("applied", "duplicate", "late", "orphan", "contradictory", "ignored")
MAX_SOURCES: Final = 256
_MARKED: Final = 8
_MAX_MARKS: Final = 64 * _MARKED

_id: Final = attrgetter("id")


class _FullError(Exception):
    """Nothing more of this kind can be remembered; nothing was changed."""


class Ledger:
    """Keeps the promises of one partition.

    The same events and the same ticks give the same state, however they were batched; and
    within `lateness` the verdicts do not depend on the order of the events.
    """

    def __init__(self, rules: Rules, *, windows: bool = True) -> None:
        self.rules = rules
        self.watermark = 0
        """the highest event time applied, in microseconds"""
        self._applied = 0
        self._fates: dict[str, int] = dict.fromkeys(FATES, 0)
        self.heartbeats: dict[str, int] = {}
        """when each source was last known to be alive"""
        self.book = Settlement(rules, windows=windows)
        self.source_seen: dict[str, bytes] = {}
        """the last events of each source itself, by their marks"""
        self._max_future = rules.max_future
        limits = rules.limits
        self._most_calls = limits.max_calls_of_source, limits.max_calls
        self._oldest = -rules.lateness
        """what happened before is late"""

    @property
    def now(self) -> int:
        """The time up to which deadlines have fired."""
        return self.book.now

    @property
    def fates(self) -> dict[str, int]:
        """Events by what became of them.

        Orphans are counted when they are given up. An answer that an abandonment told of later
        contradicts was applied first and is contradictory as well.
        """
        return {**self._fates, "applied": self._applied + self._fates["applied"]}

    @fates.setter
    def fates(self, fates: dict[str, int]) -> None:
        self._fates = fates
        self._applied = 0

    @property
    def totals(self) -> Totals:
        """The counters by queue."""
        return self.book.tally.totals

    @property
    def windows(self) -> Windows:
        """The rolling windows by queue."""
        return self.book.tally.windows

    @property
    def boundary_ambiguous(self) -> int:
        """How many verdicts lie closer to the target than their source's clock can tell."""
        return self.book.boundary_ambiguous

    @property
    def pending_orphans(self) -> int:
        """How many events wait for the offer of their call."""
        return sum(call.pending for call in self.book.register.calls.values())

    def apply(self, event: Event, recorded_at: int = 0) -> str:
        """Take in one event and return its fate.

        Verdicts follow with the next `advance`. `recorded_at` is when Kafka got it (microseconds),
        0 or less that nobody knows. `future` (more than `max_future` after that), `too_old` (older
        than `max_age`) and `limit` (see `Limits`) mean that it was refused and belongs with the
        dead letters. `orphan` is provisional: the offer may still come.
        """
        return self.take(kinds.told(event), recorded_at)

    def take(self, told: kinds.Told, recorded_at: int = 0) -> str:
        """Take in what an event says and return its fate, as `apply` does."""
        at: int = told[kinds.AT]
        if recorded_at > 0 and at > recorded_at + self._max_future:
            return "future"
        if at < self._oldest:
            return self._too_late(at)
        try:
            fate = self._take(told[kinds.KIND], told, at)
        except _FullError:
            return "limit"
        if at > self.watermark:  # noqa: PLR1730 - twice as fast as max()
            self.watermark = at
        if fate == "applied":
            self._applied += 1
        elif fate != "orphan":
            self._fates[fate] += 1
        return fate

    def advance(self, now: int) -> None:
        """Judge what was applied and fire every deadline up to `now` (event time, microseconds).

        The only moment at which verdicts are counted, so that they do not depend on how the
        events came in batches. An earlier `now` than before moves nothing back.
        """
        book = self.book
        if book.originals is not None:
            book.originals.hurry()
        if now > book.now:
            self.set_clock(now)
        book.settle()
        over: list[Waiter] = []
        while due := book.deadlines.pop(book.now):
            for waiter in due:
                if waiter.wake == DUE:
                    waiter.wake = 0
                    self._wake(waiter, over)
            book.settle()
        # Only now: what is over can still matter to a deadline of the same tick.
        for waiter in over:
            self._forget(waiter)
        book.tally.windows.advance(book.now)

    def set_clock(self, now: int) -> None:
        """Have it be `now` (microseconds) without a deadline fired, as after a snapshot."""
        self.book.now = now
        self._oldest = now - self.rules.lateness

    def drain(self) -> list[Change]:
        """Return what changed since the last drain."""
        changes, self.book.tally.changes = self.book.tally.changes, []
        return changes

    def live(self, at: int) -> dict[str, LiveQueue]:
        """Return the gauges as of `at`, which may be a wall clock: nothing is changed by it."""
        return live_queues(self.book, at)

    def _too_late(self, at: int) -> str:
        if at < self.book.now - self.rules.max_age:
            return "too_old"
        self._fates["late"] += 1
        return "late"

    def _take(self, kind: int, told: kinds.Told, at: int) -> str:
        """Take in an event of `kind`; verdicts follow with the next tick."""
        if kind >= kinds.REQUESTED and (kind != kinds.REQUESTED or told[kinds.CALL_ID] is None):
            return self._take_other(kind, told, at)
        call = self._call_of(told)
        if call is None:
            return "duplicate"
        if kind <= kinds.QUEUED:
            return self._started(call, kind, told, at)
        fate = "applied"
        if kind == kinds.ANSWERED:
            if not call.answered(at, told[kinds.BY]):
                fate = "ignored"
        elif kind == kinds.ENDED:
            call.follow().ended(at, told[kinds.BY], told[kinds.RESOLVED])
        elif kind != kinds.TRANSFERRED:
            call.left(kind, at)
        fate = self._noted(call, told, at, fate)
        if kind == kinds.ANSWERED:
            return "contradictory" if self._new_contradictions(call) else fate
        if kind == kinds.ABANDONED:
            self._fates["contradictory"] += self._new_contradictions(call)
        return fate

    def _take_other(self, kind: int, told: kinds.Told, at: int) -> str:
        """Take in an event of a callback or of a source itself."""
        if kind < kinds.RESTARTED:
            return self._take_callback(kind, told, at)
        return self._take_source_event(kind, told, at)

    def _started(self, call: Call, kind: int, told: kinds.Told, at: int) -> str:
        before = call.arrival
        if kind == kinds.QUEUED:
            call.entered(at)
        source = call.source
        told_source: str = told[kinds.SOURCE]
        call.arrived(at, told_source if told_source != source else source)
        if call.source != source:
            # It seemed to be another source's.
            self.book.register.by_source.remove(source)
            self.book.register.by_source.add(call.source)
        if not before:
            self._applied += call.release()
        elif before != call.arrival:
            self._came_earlier(call, before)
        self._name(call, told, at)
        self.book.touch(call)
        return "applied"

    def _came_earlier(self, call: Call, before: int) -> None:
        label = call.label
        if label is not None:
            self.windows.note(label, OFFERED, before, -1)
            self.windows.note(label, OFFERED, call.arrival, 1)

    def _new_contradictions(self, call: Call) -> int:
        if not call.abandoned:
            return 0
        return call.new_contradictions(self.book.terms.of(call.queue))

    def _noted(self, call: Call, told: kinds.Told, at: int, fate: str) -> str:
        """Have `call` judged after a new fact."""
        self._name(call, told, at)
        if not call.arrival:
            return self._hold(call)
        self.book.touch(call)
        return fate

    def _hold(self, call: Call) -> str:
        """Keep an event of a call whose offer is not known yet."""
        call.follow().odds().pending += 1
        # The offer may come from a source whose clock is ahead: the grace is for that.
        self.book.deadlines.set(call, call.last_at + self.rules.lateness + self.rules.grace + 1)
        return "orphan"

    def _name(self, call: Call, told: kinds.Told, at: int) -> None:
        """Note queue, customer and anonymity from any event of a call."""
        call.happened(at)
        queue: str | None = told[kinds.QUEUE]
        if queue is not None and (call.queue is None or at <= call.queue_at):
            call.named_queue(at, self.book.shared(queue))
        if told[kinds.ANONYMOUS]:
            call.anonymous = True
        customer: str | None = told[kinds.CUSTOMER]
        if customer is not None and (call.customer is None or at <= call.customer_at):
            self.book.name_customer(call, at, customer)

    def _take_callback(self, kind: int, told: kinds.Told, at: int) -> str:
        source: str = told[kinds.SOURCE]
        meaning = kinds.meaning(kind, told[kinds.BY])
        queue, anonymous = told[kinds.QUEUE], told[kinds.ANONYMOUS]
        fact = CallbackFact(at, meaning, told[kinds.MARK], queue, anonymous, source)
        name: str | None = told[kinds.CUSTOMER]
        self._require_room(told[kinds.CALL_ID], name, source)
        if told[kinds.CALL_ID] is None:
            return self._give(self._customer(str(name)), fact)
        call = self._call_of(told)
        if call is None:
            return "duplicate"
        if name is None:
            self.book.attached.setdefault(call.id, []).append(fact)
            self.book.facts_of.add(fact.source)
            return self._noted(call, told, at, "applied")
        fate = self._give(self._customer(name), fact)
        if self._noted(call, told, at, fate) == "orphan":
            # The customer is known, so the event counts; the call is only named by it.
            call.follow().odds().pending -= 1
        return fate

    def _require_room(self, call_id: str | None, name: str | None, source: str) -> None:
        """Raise `_FullError` if another callback event of this call or customer is too much."""
        limits = self.rules.limits
        if name is None:
            known = len(self.book.attached.get(str(call_id), ()))
        else:
            customer = self.book.callers.by_key.get(name)
            known = len(customer.facts) if isinstance(customer, Customer) else 0
        most = limits.max_callbacks_of_source, limits.max_callbacks
        if known >= limits.max_callbacks_of_one or self.book.facts_of.is_full(source, *most):
            raise _FullError

    def _customer(self, name: str) -> Customer:
        callers = self.book.callers
        if self.book.originals is not None and name in callers.by_key:
            self.book.originals.keep_customer(name, callers.by_key[name])
        return callers.known(name, name)

    def _give(self, customer: Customer, fact: CallbackFact) -> str:
        if any(known.fingerprint == fact.fingerprint for known in customer.facts):
            return "duplicate"
        customer.facts = (*customer.facts, fact)
        self.book.facts_of.add(fact.source)
        customer.troubled = True
        self.book.touch_customer(customer)
        return "applied"

    def _take_source_event(self, kind: int, told: kinds.Told, at: int) -> str:
        source: str = told[kinds.SOURCE]
        if len(self.heartbeats) >= MAX_SOURCES and source not in self.heartbeats:
            return "ignored"
        mark = int(told[kinds.MARK]).to_bytes(_MARKED, "big")
        seen = self.source_seen.get(source, b"")
        if seen.find(mark) >= 0:
            return "duplicate"
        if kind == kinds.RESTARTED:
            self._require_few_restarts(source)
        self.source_seen[source] = (seen + mark)[-_MAX_MARKS:]
        self.heartbeats[source] = max(self.heartbeats.get(source, 0), at)
        if kind == kinds.RESTARTED:
            self._restart(source, at)
        return "applied"

    def _require_few_restarts(self, source: str) -> None:
        if len(self.book.restarts.get(source, ())) >= self.rules.limits.max_restarts:
            raise _FullError

    def _restart(self, source: str, at: int) -> None:
        book = self.book
        if book.originals is not None:
            book.originals.hurry()
        restarts = book.restarts.setdefault(source, [])
        insort(restarts, at)
        oldest = book.now - self.rules.lateness - 2 * self.rules.max_call
        book.restarts[source] = [moment for moment in restarts if moment >= oldest]
        touched = [call for call in book.register.of(source) if call.may_be_lost(at)]
        # A ledger that was loaded holds its calls in another order.
        touched.sort(key=_id)
        for call in touched:
            call.is_contestable = True
            book.touch(call)

    def _call_of(self, told: kinds.Told) -> Call | None:
        """Return the call that an event tells of; None if the event was taken before."""
        call_id: str = told[kinds.CALL_ID]
        mark: int = told[kinds.MARK]
        call = self.book.register.find(call_id)
        if call is None:
            call = Call(call_id, mark)
            call.source = self.book.shared(told[kinds.SOURCE])
            most_of_one, most = self._most_calls
            if self.book.register.by_source.is_full(call.source, most_of_one, most):
                raise _FullError
            self.book.register.remember(call)
            return call
        return call if self.book.is_news(call, mark) else None

    def _wake(self, waiter: Waiter, over: list[Waiter]) -> None:
        """Have what is due judged; what may be forgotten afterwards goes to `over`."""
        if isinstance(waiter, Customer):
            if waiter.troubled:
                self.book.touch_customer(waiter)
            over.append(waiter)
        elif isinstance(waiter, Call):
            is_over = waiter.hold == OVER or not waiter.arrival
            if is_over or is_forgettable(self.book, waiter):
                over.append(waiter)
            else:
                self.book.touch(waiter)

    def _forget(self, waiter: Waiter) -> None:
        if isinstance(waiter, Customer):
            if waiter.id in self.book.callers.by_key:
                prune(self.book, waiter)
        elif isinstance(waiter, Call):
            if waiter.hold == OVER:
                prune_alone(self.book, waiter)
            elif not waiter.arrival:
                self._fates["orphan"] += waiter.pending
                forget_call(self.book, waiter)
            elif is_forgettable(self.book, waiter):
                forget_call(self.book, waiter)
