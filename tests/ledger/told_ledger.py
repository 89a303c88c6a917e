"""A ledger in a process of its own: reads histories, tells what became of each, line by line.

A history is a JSON object: `rules`, and `steps`, each a canonical event as text or a tick's `now`.
"""

import json
import sys
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from streams import KERNEL
from streams.events import EventDecoder, Rejected
from streams.ledger import Ledger, Rules, dump, figures_by_queue, load, state_hash
from streams.ledger.intake import NEVER, Intake
from streams.replay import judge

__all__ = ["tell"]


def tell(history: dict[str, Any]) -> dict[str, Any]:
    """Return everything a ledger shows while it goes through `history`."""
    rules = msgspec.convert(history["rules"], Rules)
    story = _Story(rules)
    for step in history["steps"]:
        story.take(step)
    return {
        "kernel": KERNEL.name,
        "told": story.told,
        "figures": figures_by_queue(story.ledger),
        "windows": repr(sorted(story.ledger.windows.read().items())),
        "totals": _totals(story.ledger),
        "replay": _totals(judge(sorted(story.events, key=lambda one: one.at), rules).ledger),
        "state": dump(story.ledger).hex(),
        "of records": state_hash(story.twin),
    }


class _Record(NamedTuple):
    value: bytes
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class _Story:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.ledger = Ledger(rules)
        self.events: list[Any] = []
        self.told: list[Any] = []
        self.twin = Ledger(rules)
        """told the same by records"""
        self._intake = Intake()
        self._decoder = EventDecoder()

    def take(self, step: str | int) -> None:
        """An event, or a tick, after every second of which the ledger is taken up anew."""
        if isinstance(step, str):
            self.told.append(self._apply(step.encode()))
            self._intake.take(self.twin, [_Record(step.encode())], 0, NEVER, None, 0)
            return
        self.ledger.advance(step)
        self.twin.advance(step)
        changes = sha256(repr(self.ledger.drain()).encode()).hexdigest()
        gauges = sorted((label, vars_of(live)) for label, live in self.ledger.live(step).items())
        self.told.append([changes, state_hash(self.ledger), gauges])
        if len(self.told) % 2:
            self.ledger = load(self.rules, dump(self.ledger))

    def _apply(self, line: bytes) -> str:
        try:
            event = self._decoder.decode(line)
        except Rejected as refused:
            return f"{refused.reason}: {refused}"
        self.events.append(event)
        return self.ledger.apply(event)


def vars_of(live: Any) -> list[Any]:
    """Return the values of an object with slots, by name."""
    names = [name for name in dir(live) if not name.startswith("_")]
    return [[name, value] for name in names if not callable(value := getattr(live, name))]


def _totals(ledger: Ledger) -> list[Any]:
    queues = [
        [label, list(q.counts.values()), sorted(map(list, q.corrections.items())),
         q.answer_wait.counts, q.answer_wait.total, q.callback_delay.counts, q.callback_delay.total]
        for label, q in sorted(ledger.totals.queues.items())
    ]  # fmt: skip
    return [queues, ledger.fates, ledger.boundary_ambiguous, ledger.totals.overflowed]


def main() -> None:
    """Answer until there is nothing more to read."""
    for line in sys.stdin:
        print(json.dumps(tell(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
