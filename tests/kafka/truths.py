"""Totals as one flat table, and what they should be: a plain ledger fed in order of time."""

from collections import Counter
from collections.abc import Iterable

from streams.events import Event
from streams.instants import SECOND
from streams.ledger import VERDICTS, Ledger, Rules, Totals

__all__ = ["plain_truths", "truths"]


def truths(totals: Iterable[Totals]) -> Counter[tuple[str, str, str]]:
    """Return the true number of each queue, verdict and state over all `totals`."""
    found: Counter[tuple[str, str, str]] = Counter()
    for each in totals:
        for label, queue in each.queues.items():
            for verdict, states in VERDICTS.items():
                for state in states:
                    found[label, verdict, state] += queue.truth(verdict, state)
    return +found


def plain_truths(
    events: Iterable[Event], until: int, rules: Rules | None = None
) -> Counter[tuple[str, str, str]]:
    """Return what one ledger counts that gets `events` sorted and ends at `until`."""
    ledger = Ledger(rules or Rules())
    for event in sorted(events, key=lambda event: event.at):
        ledger.apply(event)
        ledger.advance(event.at - 2 * SECOND)
    ledger.advance(until)
    return truths([ledger.totals])
