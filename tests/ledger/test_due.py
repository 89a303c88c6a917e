"""What is owed now, kept up to date, against looking through all customers."""

from typing import Any

from centres import centres, rule_settings, soups
from feeds import BASE, event, rules_from, s
from hypothesis import given
from hypothesis import strategies as st
from told_steps import told_steps

from streams.instants import SECOND
from streams.ledger import DUE_WITHIN, NONE, Ledger, LiveQueue
from streams.ledger.customers import Customer

Settings = dict[str, Any]

_feeds = st.one_of(soups(), centres())
_asked = st.sampled_from((-4000, -1, 0, 1, 59, 600, 3600, 100_000)).map(lambda n: n * SECOND)


def _looked_up(ledger: Ledger, at: int) -> dict[str, LiveQueue]:
    """The callbacks of every queue as of `at`, from the promises themselves."""
    queues: dict[str, LiveQueue] = {}
    held = ledger.book.callers.by_key.values()
    for customer in (each for each in held if isinstance(each, Customer)):
        for promise in customer.promises:
            queue = queues.setdefault(promise.label, LiveQueue())
            is_open, due = promise.state in (None, NONE), promise.owed.due_at
            if is_open and due > at:
                queue.callbacks_open += 1
                for seconds in DUE_WITHIN:
                    queue.callbacks_due[seconds] += due - at <= seconds * SECOND
                queue.next_due_at = min(due, queue.next_due_at or due)
            elif is_open or (promise.state == "broken" and not promise.owed.late_at):
                queue.callbacks_overdue += at <= promise.owed.late_until
    return queues


def _callbacks(live: dict[str, LiveQueue]) -> dict[str, tuple[Any, ...]]:
    return {
        label: (q.callbacks_open, q.callbacks_overdue, q.callbacks_due, q.next_due_at)
        for label, q in live.items()
        if q.callbacks_open or q.callbacks_overdue
    }


@given(st.data(), _feeds, rule_settings(lateness=130, max_call=(30, 600)), _asked)
def test_what_is_kept_up_to_date_is_what_the_promises_say(
    data: st.DataObject, events: list[Any], settings: Settings, more: int
) -> None:
    """In any order, through corrections, snapshots and forgetting, for any moment asked for."""
    for ledger, step in told_steps(data, events, settings):
        if isinstance(step, int):
            at = step + more
            assert _callbacks(ledger.live(at)) == _callbacks(_looked_up(ledger, at))


def test_a_callback_whose_verdict_vanished_is_open_again() -> None:
    """Ann gave up and rang again, and that was answered; then it turns out that she had given up
    the second time as well, before anybody answered: the callback is owed."""
    ledger = Ledger(rules_from({}))
    for one in (
        event("call.offered", 0, "a", queue="sales", customer="ann"),
        event("call.abandoned", 30, "a"),
        event("call.offered", 100, "b", queue="sales", customer="ann"),
        event("call.answered", 120, "b", answered_by="human"),
    ):
        ledger.apply(one)
    ledger.advance(BASE + s(130))
    assert ledger.live(BASE + s(130))["sales"].callbacks_open == 0
    ledger.apply(event("call.abandoned", 110, "b"))
    ledger.advance(BASE + s(131))
    assert ledger.live(BASE + s(131))["sales"].callbacks_open == 1
