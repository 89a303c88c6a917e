"""The ledger of one partition: events and ticks in, verdicts out; no I/O, no clock, no chance."""

from bisect import insort
from collections.abc import Callable
from operator import attrgetter
from struct import Struct
from typing import Any, Final
from zlib import adler32, crc32

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackCancelled,
    CallbackConnected,
    CallbackEvent,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallEvent,
    CallOffered,
    CallQueued,
    CallRejected,
    CallTransferred,
    Event,
    SourceEvent,
    SourceHeartbeat,
    SourceRestarted,
)
from streams.ledger.calls import Call
from streams.ledger.changes import Change
from streams.ledger.customers import CallbackFact, Customer
from streams.ledger.deadlines import DUE
from streams.ledger.live import LiveQueue, live_queues
from streams.ledger.noting import NOTE, earlier
from streams.ledger.retention import forget_call, is_forgettable, prune
from streams.ledger.rules import Rules
from streams.ledger.settle import Settlement
from streams.ledger.totals import Totals
from streams.ledger.windows import Windows

__all__ = ["FATES", "Ledger"]

FATES: Final = ("applied", "duplicate", "late", "orphan", "contradictory", "ignored")
MAX_SOURCES: Final = 256
_PAIR: Final = Struct(">II").pack
_id: Final = attrgetter("id")


class Ledger:
    """Keeps the promises of one partition.

    The same events and the same ticks give the same state, however they were batched; and
    within `lateness` the verdicts do not depend on the order of the events.
    """

    def __init__(self, rules: Rules, *, windows: bool = True) -> None:
        self.rules = rules
        self.watermark = 0
        """the highest event time applied, in microseconds"""
        self.fates: dict[str, int] = dict.fromkeys(FATES, 0)
        """events by what became of them

        Orphans are counted when they are given up. An answer that an abandonment told of later
        contradicts was applied first and is contradictory as well.
        """
        self.heartbeats: dict[str, int] = {}
        """when each source was last known to be alive"""
        self.book = Settlement(rules, windows=windows)
        self._calls = self.book.calls
        self._lateness = rules.lateness
        self.source_seen: dict[str, bytes] = {}
        """the last events of each source itself, by fingerprint"""
        self._take = self._taken_by()

    @property
    def now(self) -> int:
        """The time up to which deadlines have fired."""
        return self.book.now

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
        return sum(call.pending for call in self.book.calls.values())

    def apply(self, event: Event, recorded_at: int | None = None) -> str:
        """Take in one event and return its fate.

        Verdicts follow with the next `advance`. `future` (more than `max_future` after
        `recorded_at`, the time in microseconds at which
        Kafka got it) and `too_old` (older than `max_age`) mean that it was refused and belongs
        with the dead letters. `orphan` is provisional: the offer may still come.
        """
        at = event.at
        if recorded_at is not None and at > recorded_at + self.rules.max_future:
            return "future"
        if at < self.book.now - self._lateness:
            return self._too_late(at)
        if at > self.watermark:  # noqa: PLR1730 - twice as fast as max()
            self.watermark = at
        fate = self._take[type(event)](event)
        if fate != "orphan":
            self.fates[fate] += 1
        return fate

    def advance(self, now: int) -> None:
        """Judge what was applied and fire every deadline up to `now` (event time, microseconds).

        The only moment at which verdicts are counted, so that they do not depend on how the
        events came in batches. An earlier `now` than before moves nothing back.
        """
        book = self.book
        book.now = max(book.now, now)
        book.settle()
        over: list[Call | Customer] = []
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
        self.fates["late"] += 1
        return "late"

    def _taken_by(self) -> dict[type[Any], Callable[[Any], str]]:
        return {
            CallOffered: self._take_start,
            CallQueued: self._take_start,
            CallTransferred: self._take_fact,
            CallAnswered: self._take_answer,
            CallAbandoned: self._take_abandonment,
            CallDiverted: self._take_fact,
            CallRejected: self._take_fact,
            CallEnded: self._take_fact,
            CallbackRequested: self._take_request,
            CallbackAttempted: self._take_callback,
            CallbackConnected: self._take_callback,
            CallbackCancelled: self._take_callback,
            SourceRestarted: self._take_source_event,
            SourceHeartbeat: self._take_source_event,
        }

    def _take_start(self, event: CallOffered | CallQueued) -> str:
        call = self._call_of(event)
        if call is None:
            return "duplicate"
        before = call.arrival
        if type(event) is CallQueued and (call.queued is None or event.at < call.queued):
            call.queued = event.at
            call.is_contestable = True
        call.arrived(event.at, event.source)
        if before is None:
            self.fates["applied"] += call.pending
            call.pending = 0
        elif before != call.arrival and call.label is not None:
            self.windows.count(call.label, "offered", before, -1)
            self.windows.count(call.label, "offered", call.arrival or 0, 1)
        self._name(call, event)
        self.book.touch(call)
        return "applied"

    def _take_request(self, event: CallbackRequested) -> str:
        return self._take_callback(event) if event.call_id is None else self._take_fact(event)

    def _take_fact(self, event: Any) -> str:
        call = self._call_of(event)
        if call is None:
            return "duplicate"
        NOTE[type(event)](call, event)
        return self._noted(call, event, "applied")

    def _take_answer(self, event: CallAnswered) -> str:
        call = self._call_of(event)
        if call is None:
            return "duplicate"
        fate = "applied" if call.answered(event) else "ignored"
        fate = self._noted(call, event, fate)
        return "contradictory" if self._new_contradictions(call) else fate

    def _take_abandonment(self, event: CallAbandoned) -> str:
        call = self._call_of(event)
        if call is None:
            return "duplicate"
        call.abandoned = earlier(call.abandoned, event.at)
        call.is_contestable = True
        fate = self._noted(call, event, "applied")
        self.fates["contradictory"] += self._new_contradictions(call)
        return fate

    def _new_contradictions(self, call: Call) -> int:
        if call.abandoned is None:
            return 0
        return call.new_contradictions(self.book.rules_of(call.queue))

    def _noted(self, call: Call, event: Any, fate: str) -> str:
        """Have `call` judged after a new fact."""
        self._name(call, event)
        if call.arrival is None:
            return self._hold(call)
        self.book.touch(call)
        return fate

    def _hold(self, call: Call) -> str:
        """Keep an event of a call whose offer is not known yet."""
        call.pending += 1
        # The offer may come from a source whose clock is ahead: the grace is for that.
        self.book.deadlines.set(call, call.last_at + self.rules.lateness + self.rules.grace + 1)
        return "orphan"

    def _name(self, call: Call, event: Any) -> None:
        """Note queue, customer and anonymity from any event of a call."""
        at = event.at
        if at > call.last_at:  # noqa: PLR1730 - twice as fast as max()
            call.last_at = at
        queue = event.queue
        if queue is not None and (call.queue is None or at <= call.queue_at):
            call.named_queue(at, queue)
        if event.anonymous:
            call.anonymous = True
        customer = event.customer
        if customer is not None and (call.customer is None or at <= call.customer_at):
            call.named_customer(at, customer)
            if call.held_by is not None and call.held_by != call.customer:
                self.book.leave(call)

    def _take_callback(self, event: CallbackEvent) -> str:
        fact = CallbackFact(
            event.at, _meaning(event), _fingerprint(event), event.queue, event.anonymous
        )
        if event.call_id is None:
            return self._give(self._customer(str(event.customer)), fact)
        call = self._call_of(event)
        if call is None:
            return "duplicate"
        if event.customer is None:
            self.book.attached.setdefault(call.id, []).append(fact)
            return self._noted(call, event, "applied")
        fate = self._give(self._customer(event.customer), fact)
        if self._noted(call, event, fate) == "orphan":
            # The customer is known, so the event counts; the call is only named by it.
            call.pending -= 1
        return fate

    def _customer(self, name: str) -> Customer:
        customer = self.book.customers.get(name)
        if customer is None:
            customer = self.book.customers[name] = Customer(id=name, name=name)
        return customer

    def _give(self, customer: Customer, fact: CallbackFact) -> str:
        if any(known.fingerprint == fact.fingerprint for known in customer.facts):
            return "duplicate"
        customer.facts.append(fact)
        customer.troubled = True
        self.book.touch_customer(customer)
        return "applied"

    def _take_source_event(self, event: SourceEvent) -> str:
        if len(self.heartbeats) >= MAX_SOURCES and event.source not in self.heartbeats:
            return "ignored"
        fingerprint = _fingerprint(event)
        seen = self.source_seen.get(event.source, b"")
        if fingerprint in seen:
            return "duplicate"
        self.source_seen[event.source] = (seen + fingerprint)[-512:]
        self.heartbeats[event.source] = max(self.heartbeats.get(event.source, 0), event.at)
        if isinstance(event, SourceRestarted):
            self._restart(event)
        return "applied"

    def _restart(self, event: SourceRestarted) -> None:
        book = self.book
        restarts = book.restarts.setdefault(event.source, [])
        insort(restarts, event.at)
        oldest = book.now - self.rules.lateness - 2 * self.rules.max_call
        book.restarts[event.source] = [at for at in restarts if at >= oldest]
        touched = [call for call in book.calls.values() if call.source == event.source]
        # A ledger that was loaded holds its calls in another order.
        for call in sorted(touched, key=_id):
            call.is_contestable = True
            book.touch(call)

    def _call_of(self, event: Any) -> Call | None:
        """Return the call that `event` tells of; None if the event was taken before."""
        calls, call_id = self._calls, event.call_id
        fingerprint = _fingerprint(event)
        call = calls.get(call_id)
        if call is None:
            call = calls[call_id] = Call(id=call_id, seen=fingerprint)
        elif fingerprint in call.seen:
            return None
        else:
            call.remember(fingerprint)
        return call

    def _wake(self, waiter: Call | Customer, over: list[Call | Customer]) -> None:
        """Have what is due judged; what may be forgotten afterwards goes to `over`."""
        if isinstance(waiter, Customer):
            if waiter.troubled:
                self.book.touch_customer(waiter)
            over.append(waiter)
        elif waiter.arrival is None or is_forgettable(self.book, waiter):
            over.append(waiter)
        else:
            self.book.touch(waiter)

    def _forget(self, waiter: Call | Customer) -> None:
        if isinstance(waiter, Customer):
            if waiter.id in self.book.customers:
                prune(self.book, waiter)
        elif waiter.arrival is None:
            self.fates["orphan"] += waiter.pending
            forget_call(self.book, waiter)
        elif is_forgettable(self.book, waiter):
            forget_call(self.book, waiter)


def _fingerprint(event: CallEvent | CallbackEvent | SourceEvent) -> bytes:
    """Return what makes an event one: its source and its id, in eight bytes.

    Compared only among the events of one call, customer or source, so that two different ids
    are taken for one about once in 10**15 comparisons.
    """
    named = f"{event.source}\0{event.id}".encode()
    return _PAIR(crc32(named), adler32(named))


def _meaning(event: CallbackEvent) -> str:
    kind = type(event)
    if kind is CallbackConnected:
        return "conversation" if event.reached == "human" else "attempted"  # type: ignore[attr-defined]
    return _MEANINGS[kind]


_MEANINGS: Final[dict[type[CallbackEvent], str]] = {
    CallbackRequested: "requested",
    CallbackAttempted: "attempted",
    CallbackCancelled: "cancelled",
}
