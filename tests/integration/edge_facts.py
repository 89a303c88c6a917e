"""What goes into a worker over Kafka, and what it has told there."""

import time
from collections import Counter
from collections.abc import Iterable

from topic_reader import read_all, value_of

from streams import promise_events
from streams.events import Event
from streams.kafka.produce import produce
from streams.keys import CallKeys
from streams.settings import Settings

__all__ = ["PROMISED", "now", "produced", "promise_ids", "promise_states", "stated"]

PROMISED = (("answer", "kept"), ("answer", "broken"), ("answer", "excluded"), ("promise", "broken"))
"""Verdicts and states of which there is a promise event for each one that is counted."""


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


def produced(settings: Settings, events: Iterable[Event]) -> int:
    """Write `events` as a source does; return how many records that made."""
    keys = CallKeys()
    return produce(settings, settings.broker, ((keys.key(event), event) for event in events))


def _promises(settings: Settings) -> list[promise_events.PromiseEvent]:
    messages = read_all(settings.broker, settings.promises_topic)
    return [promise_events.decode(value_of(message)) for message in messages]


def promise_ids(settings: Settings) -> Counter[str]:
    """Return how often each promise event was written."""
    return Counter(each.id for each in _promises(settings))


def promise_states(settings: Settings) -> dict[tuple[str, str], int]:
    """Return how many promises are in each of the states of `PROMISED`, by their last events."""
    found = sorted(_promises(settings), key=lambda each: each.revision)
    last = {(each.verdict, each.key): each.state for each in found}
    counted: Counter[tuple[str, str]] = Counter(
        (verdict, state) for (verdict, _), state in last.items()
    )
    return {pair: counted[pair] for pair in PROMISED}


def stated(truths: Counter[tuple[str, str, str]]) -> dict[tuple[str, str], int]:
    """Return the same of what a ledger counts, summed over its queues."""
    counted: Counter[tuple[str, str]] = Counter()
    for (_, verdict, state), number in truths.items():
        counted[verdict, state] += number
    return {pair: counted[pair] for pair in PROMISED}
