"""A ledger on its way through a history, once dumped and loaded, until all is forgotten."""

from collections.abc import Iterator
from typing import Any

from centres import Step, arrivals
from feeds import rules_from
from hypothesis import strategies as st

from streams.instants import HOUR
from streams.ledger import Ledger, dump, load

__all__ = ["told_steps"]


def told_steps(
    data: st.DataObject, events: list[Any], settings: dict[str, Any]
) -> Iterator[tuple[Ledger, Step]]:
    """Yield the ledger after each step, and the step: an event, or the time of a tick."""
    last = max(each.at for each in events)
    steps: list[Step] = data.draw(arrivals(events, HOUR, last))
    stop = data.draw(st.integers(0, len(steps)))
    ledger = Ledger(rules_from(settings))
    for position, step in enumerate([*steps, last + HOUR, last + 2 * HOUR, last + 30 * HOUR]):
        if position == stop:
            ledger.drain()
            ledger = load(ledger.rules, dump(ledger))
        if isinstance(step, int):
            ledger.advance(step)
        else:
            ledger.apply(step)
        yield ledger, step
