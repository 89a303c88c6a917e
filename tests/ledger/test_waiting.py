"""Who waits now, kept up to date, against looking through all calls."""

from typing import Any

from centres import centres, rule_settings, soups
from hypothesis import given
from hypothesis import strategies as st
from told_steps import told_steps

from streams.instants import SECOND
from streams.ledger import Ledger, LiveQueue

Settings = dict[str, Any]

_feeds = st.one_of(soups(), centres())
_asked = st.sampled_from((-600, -1, 0, 1, 9, 10, 11, 3600)).map(lambda n: n * SECOND)


def _looked_up(ledger: Ledger, at: int) -> dict[str, LiveQueue]:
    """The callers of every queue as of `at`, from what the facts of each call say."""
    queues: dict[str, LiveQueue] = {}
    for call in ledger.book.calls.values():
        terms = ledger.book.terms.of(call.queue)
        found = ledger.book.judged(call, terms)
        if found is None or found.outcome is not None:
            continue
        queue = queues.setdefault(call.label or ledger.totals.shown(call.queue), LiveQueue())
        start = call.start(terms)
        queue.waiting += 1
        queue.waiting_beyond_target += at > start + terms.answer_target
        queue.oldest_waiting_at = min(start, queue.oldest_waiting_at or start)
    return queues


def _callers(live: dict[str, LiveQueue]) -> dict[str, tuple[Any, ...]]:
    return {
        label: (q.waiting, q.waiting_beyond_target, q.oldest_waiting_at)
        for label, q in live.items()
        if q.waiting
    }


@given(st.data(), _feeds, rule_settings(lateness=130, max_call=(30, 600)), _asked)
def test_who_waits_is_what_the_facts_say(
    data: st.DataObject, events: list[Any], settings: Settings, more: int
) -> None:
    """After each event and tick, in any order, through snapshots and forgetting, at any moment."""
    for ledger, _ in told_steps(data, events, settings):
        at = ledger.watermark + more
        assert _callers(ledger.live(at)) == _callers(_looked_up(ledger, at))
