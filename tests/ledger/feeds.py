"""Events in few words, and what a ledger makes of them."""

from collections.abc import Iterable
from itertools import count
from typing import Any, Final

from oracle import DEFAULTS, Truth, judge

from streams.events import EVENT_TYPES, CallbackEvent, CallEvent, Event
from streams.instants import SECOND
from streams.ledger import NO_QUEUE, Change, Ledger, QueueRules, Rules, figures_by_queue

__all__ = ["BASE", "Told", "agree", "event", "fed", "figures", "rules_from", "s", "tell"]

BASE: Final = 1_767_571_200 * SECOND
"""2026-01-05T00:00:00Z, where every story starts."""
COUNTED: Final = ("offered", "outcomes", "answer", "callback", "promise", "usefulness")

_numbers = count()


def s(seconds: float) -> int:
    """Return a duration in microseconds."""
    return round(seconds * SECOND)


def event(kind: str, at: float, call: str | None = None, **fields: Any) -> Event:
    """Return an event `at` seconds into the story; `reached` stands for the wire's `with`."""
    made: dict[str, Any] = {"id": f"{kind}-{next(_numbers)}", "source": "pbx", **fields}
    cls: Any = EVENT_TYPES[kind]
    if issubclass(cls, CallEvent | CallbackEvent):
        made["call_id"] = call
    result: Event = cls(at=BASE + s(at), **made)
    return result


def rules_from(settings: dict[str, Any]) -> Rules:
    """Return the ledger's rules for plain settings of the oracle (and `lateness`, `grace`)."""
    own = {name: settings.get(name, DEFAULTS[name]) for name in DEFAULTS if name != "max_call"}
    queues = {
        queue: QueueRules(**{**own, **changed})
        for queue, changed in settings.get("queues", {}).items()
    }
    general = {
        name: settings[name] for name in ("max_call", "lateness", "grace") if name in settings
    }
    return Rules(default=QueueRules(**own), queues=queues, **general)


def fed(events: Iterable[Event], settings: dict[str, Any], until: int | None = None) -> Ledger:
    """Return a ledger after `events` in order of time and one tick at `until` (microseconds)."""
    ledger = Ledger(rules_from(settings))
    in_order = sorted(events, key=lambda e: e.at)
    for one in in_order:
        ledger.apply(one)
    ledger.advance(max((e.at for e in in_order), default=0) if until is None else until)
    return ledger


def figures(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return the ledger's figures by queue ("" = of no queue) without those of empty queues."""
    found = {}
    for label, of_queue in figures_by_queue(ledger).items():
        numbers = {name: of_queue[name] for name in COUNTED}
        if numbers["offered"] or numbers["callback"]["opened"]:
            found["" if label == NO_QUEUE else label] = numbers
    return found


def agree(ledger: Ledger, truth: Truth) -> None:
    """Assert that the ledger counts what the oracle found, queue by queue."""
    expected = {
        queue: {name: truth.figures(queue)[name] for name in COUNTED} for queue in truth.queues
    }
    assert figures(ledger) == expected


class Told:
    """A short story as the ledger sees it at its end. The oracle must see the same."""

    def __init__(self, ledger: Ledger, truth: Truth) -> None:
        self.ledger = ledger
        self.truth = truth
        self.changes: list[Change] = ledger.drain()

    def _last(self, verdict: str, call: str) -> Change | None:
        found = [c for c in self.changes if c.verdict == verdict and c.call_id == call]
        return found[-1] if found and found[-1].state != "none" else None

    def _state(self, verdict: str, call: str) -> str:
        last = self._last(verdict, call)
        return "open" if last is None else last.state

    def outcome(self, call: str = "a") -> str:
        """Return the outcome of `call`."""
        return self._state("outcome", call)

    def wait(self, call: str = "a") -> float:
        """Return how long `call` waited until its outcome, in seconds."""
        last = self._last("outcome", call)
        assert last is not None
        assert last.wait is not None
        return last.wait / SECOND

    def answer(self, call: str = "a") -> str:
        """Return what became of the answer promise of `call`."""
        return self._state("answer", call)

    def decided_at(self, call: str = "a") -> float:
        """Return when the answer promise of `call` was decided, in seconds of the story."""
        last = self._last("answer", call)
        assert last is not None
        return (last.at - BASE) / SECOND

    def promise(self, call: str = "a") -> str:
        """Return what became of the whole promise of `call`."""
        return self._state("promise", call)

    def usefulness(self, call: str = "a") -> str:
        """Return whether the answer of `call` was useful."""
        return self._state("usefulness", call)

    def callbacks(self) -> list[tuple[float, str]]:
        """Return when each callback promise opened (seconds) and what became of it."""
        last = {(c.verdict, c.key): c for c in self.changes}
        opened = [c for c in last.values() if c.verdict == "opened" and c.state != "none"]
        states = [last.get(("callback", c.key)) for c in opened]
        named = ["open" if c is None or c.state == "none" else c.state for c in states]
        return sorted(zip([(c.at - BASE) / SECOND for c in opened], named, strict=True))

    def callback(self) -> str:
        """Return what became of the only callback promise."""
        (only,) = self.callbacks()
        return only[1]

    def count(self, verdict: str, state: str) -> int:
        """Return the true total of all queues."""
        return sum(of.truth(verdict, state) for of in self.ledger.totals.queues.values())


def tell(*events: Event, until: float | None = None, **settings: Any) -> Told:
    """Tell a story up to `until` (seconds into it; default: its last event)."""
    end = None if until is None else BASE + s(until)
    ledger = fed(events, settings, end)
    truth = judge(list(events), settings, end)
    agree(ledger, truth)
    return Told(ledger, truth)
