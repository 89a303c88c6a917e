"""A brute-force judge of the promise: all facts at once, the simplest loops, nothing shared.

It reads a list of events, in any order, plain settings and the instant `until` (microseconds, not
before the last event), and works out every verdict and the figures. It knows nothing of the
ledger it checks; only the event types are common to both.

Where the definition of the promise leaves room, this is how it is read:

* Of two events with one source and id the first in arrival order counts. Ties of time go to the
  smaller value (queue, customer, source; of simultaneous ends to the smaller `ended_by`, absent
  first, then to `resolved` false, true, absent).
* The queue of a call is that of the earliest event with its call id that names one, callback
  events included; its customer likewise. It is anonymous if any of its events says so. Its
  settings are those of its queue.
* `arrival` is the earliest offer or queue entry, and the source is the source of that event. The
  clock starts there, or at the earliest queue entry if there is one and the settings say so.
* Facts later than start + max_call are without effect; at exactly that moment they count.
* A human answer not later than the earliest `call.abandoned` decides, whatever diversions,
  rejections, requests, ends or restarts there are. `call.ended` never makes an answer
  contradictory. An answer before the start has waited 0.
* A restart closes the calls of its source with arrival < restart.
* An open call is broken from start + target on, though its outcome is still open.
* A callback event that names a customer belongs to that customer; one that names only a call
  belongs to that call's customer, or to the call itself. `callback.requested` with a call id is a
  fact of that call and of nothing else.
* A conversation at the very moment a promise opens settles it, and may settle the one before it
  too: both have `opened_at <= at <= due_at`.
* The settings of a callback promise are those of the queue of its first failure; of simultaneous
  failures the smaller call id is first, a request without a call before any call.
* Attempts and cancellations count from `opened_at` to `due_at`, both included. An attempt is a
  `callback.attempted`, or a `callback.connected` that did not reach a human.
* The end of a talk is the earliest `call.ended` that is not before the human answer.
"""

from typing import Any, TypeVar

from streams.events import CallbackEvent, CallbackRequested, CallEvent, Event, SourceRestarted

from .callbacks import promises_of
from .calls import judge_call
from .usefulness import judge_usefulness
from .verdicts import DEFAULTS, STATES, CallVerdict, Key, PromiseVerdict, Truth

__all__ = ["DEFAULTS", "STATES", "CallVerdict", "PromiseVerdict", "Truth", "judge"]

T = TypeVar("T")


def judge(events: list[Event], settings: dict[str, Any], until: int | None = None) -> Truth:
    """Return the truth about `events` as of `until` (default: the last event).

    `settings` overrides `DEFAULTS`; its key `queues` maps a queue to overrides of its own.
    """
    facts = _without_duplicates(events)
    truth = Truth(max((e.at for e in events), default=0) if until is None else until)
    truth.duplicates = len(events) - len(facts)
    by_call = _grouped([(_call_id(e), e) for e in facts])
    restarts = [e for e in facts if isinstance(e, SourceRestarted)]
    started: dict[str, CallVerdict] = {}
    for call_id in sorted(by_call):
        call = judge_call(call_id, by_call[call_id], restarts, settings, truth.until)
        if call is not None:
            started[call_id] = call
    truth.calls = list(started.values())
    truth.orphans = sum(_is_orphan(e, started) for e in facts)
    _judge_customers(truth, facts, started, settings)
    of_customer = _grouped([(call.customer, call) for call in truth.calls])
    for call in truth.calls:
        if call.answered:
            others = [c for c in of_customer.get(call.customer, []) if c is not call]
            own = by_call[call.call_id]
            call.usefulness = judge_usefulness(call, own, others, truth.until)
    return truth


def _judge_customers(
    truth: Truth, facts: list[Event], started: dict[str, CallVerdict], settings: dict[str, Any]
) -> None:
    calls = _grouped([(call.key, call) for call in truth.calls])
    events = _grouped([(_key_of(e, started), e) for e in facts if isinstance(e, CallbackEvent)])
    for key in sorted({*calls, *events}):
        truth.promises += promises_of(
            key, calls.get(key, []), events.get(key, []), settings, truth.until
        )


def _grouped(pairs: "list[tuple[Any, T]]") -> "dict[Any, list[T]]":
    groups: dict[Any, list[T]] = {}
    for key, value in pairs:
        if key is not None:
            groups.setdefault(key, []).append(value)
    return groups


def _call_id(event: Event) -> str | None:
    return event.call_id if isinstance(event, CallEvent | CallbackEvent) else None


def _without_duplicates(events: list[Event]) -> list[Event]:
    seen: set[tuple[str, str]] = set()
    facts = []
    for event in events:
        if (event.source, event.id) not in seen:
            facts.append(event)
        seen.add((event.source, event.id))
    return facts


def _is_orphan(event: Event, started: dict[str, CallVerdict]) -> bool:
    call_id = _call_id(event)
    if call_id is None or call_id in started:
        return False
    named = isinstance(event, CallbackEvent) and event.customer is not None
    return not named or isinstance(event, CallbackRequested)


def _key_of(event: CallbackEvent, started: dict[str, CallVerdict]) -> Key | None:
    """Whose callback this is about; None for an orphan."""
    if event.customer is not None:
        return ("customer", event.customer)
    call = started.get(str(event.call_id))
    return None if call is None else call.key
