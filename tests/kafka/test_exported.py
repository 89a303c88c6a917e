"""What is shown of a partition as of a tick."""

from streams.events import CallAnswered, CallOffered, Event
from streams.instants import SECOND
from streams.kafka.exported import copied
from streams.ledger import Ledger, QueueRules, Rules

BASE = 1_772_445_600 * SECOND


def counted(ledger: Ledger, *events: Event) -> None:
    """Take `events` in and judge them."""
    for event in events:
        ledger.apply(event)
    ledger.advance(BASE)


def offered(name: str, queue: str) -> Event:
    return CallOffered(id=f"o{name}", at=BASE, call_id=name, queue=queue)


def answered(name: str, wait: int) -> Event:
    return CallAnswered(
        id=f"a{name}", at=BASE + wait * SECOND, call_id=name, answered_by="human"
    )  # fmt: skip


def test_what_was_copied_never_changes() -> None:
    """A scrape may read it on another thread while the ledger goes on."""
    ledger = Ledger(Rules())
    counted(ledger, offered("a", "sales"), answered("a", 3))
    before = copied(ledger.totals, ledger.rules, {})
    shown = before.queues["sales"]
    counts, waits = dict(shown.counts), list(shown.answer_wait.counts)
    counted(ledger, offered("b", "sales"), answered("b", 3))
    after = copied(ledger.totals, ledger.rules, before.queues)
    assert (dict(shown.counts), shown.answer_wait.counts) == (counts, waits)
    assert after.queues["sales"] == ledger.totals.queues["sales"]
    assert after.queues["sales"].counts["offered", "offered"] == 2


def test_queues_in_which_nothing_happened_are_not_copied_again() -> None:
    """Ten times a second all of them would be too many."""
    ledger = Ledger(Rules())
    counted(ledger, offered("a", "sales"), offered("b", "service"))
    before = copied(ledger.totals, ledger.rules, {})
    counted(ledger, answered("b", 30))
    after = copied(ledger.totals, ledger.rules, before.queues)
    assert after.queues["sales"] is before.queues["sales"]
    assert after.queues["service"] is not before.queues["service"]
    assert after.queues["service"] == ledger.totals.queues["service"]


def test_a_verdict_that_is_corrected_is_copied_again() -> None:
    """Nothing new is counted then."""
    ledger = Ledger(Rules())
    counted(ledger, offered("a", "sales"), answered("a", 3))
    before = copied(ledger.totals, ledger.rules, {})
    counted(ledger, CallOffered(id="o2", at=BASE - 30 * SECOND, call_id="a", queue="sales"))
    after = copied(ledger.totals, ledger.rules, before.queues)
    assert after.queues["sales"].corrections == ledger.totals.queues["sales"].corrections != {}


def test_what_did_not_change_is_copied_once() -> None:
    """Most of a queue's histograms stand still from one tick to the next."""
    ledger = Ledger(Rules())
    counted(ledger, offered("a", "sales"), answered("a", 3))
    before = copied(ledger.totals, ledger.rules, {}).queues["sales"]
    counted(ledger, offered("b", "sales"), answered("b", 3))
    after = copied(ledger.totals, ledger.rules, {}).queues["sales"]
    assert after.callback_delay is before.callback_delay
    assert after.answer_wait is not before.answer_wait


def test_a_copy_keeps_its_bounds_when_the_ledger_gets_another_one() -> None:
    """Each count stays with the bound it was shown with."""
    ledger = Ledger(Rules())
    counted(ledger, offered("a", "sales"), answered("a", 3))
    totals = ledger.totals.queues["sales"]
    shown = totals.copy().answer_wait
    bounds, counts = list(shown.bounds), list(shown.counts)
    totals.bound_at(QueueRules(answer_target=7 * SECOND, callback_target=700 * SECOND))
    assert (shown.bounds, shown.counts) == (bounds, counts)
    assert 7.0 in totals.copy().answer_wait.bounds
