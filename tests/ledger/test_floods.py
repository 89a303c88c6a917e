"""Whatever floods a partition: what is kept has its limits, and the honest calls stay exact."""

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import pytest
from feeds import BASE, event, s

from streams.events import Event
from streams.instants import MINUTE
from streams.ledger import Change, Ledger, Limits, Rules, dump, load

LIMITS = Limits(
    max_calls=2_000, max_calls_of_source=1_000, max_callbacks=800,
    max_callbacks_of_source=400, max_callbacks_of_one=20, max_calls_of_one=30, max_restarts=10,
)  # fmt: skip
HONEST = "honest"
FLOOD = 20_000


def honest() -> Iterator[Event]:
    """Kept, broken, given up and called back, all through half an hour."""
    for n in range(100):
        at, call, who = n * 18.0, f"h{n}", f"h-customer-{n}"
        yield event("call.offered", at, call, source="acd", queue=HONEST, customer=who)
        if n % 3 == 0:
            yield event("call.answered", at + 5, call, source="acd", answered_by="human")
        elif n % 3 == 1:
            yield event("call.answered", at + 25, call, source="acd", answered_by="human")
        else:
            yield event("call.abandoned", at + 40, call, source="acd")
            yield event("callback.connected", at + 300, source="acd", customer=who, reached="human")


def endless() -> Iterator[Event]:
    """Calls that never end."""
    return (event("call.offered", n * 0.09, f"f{n}", queue="flood") for n in range(FLOOD))


def orphans() -> Iterator[Event]:
    """Answers of calls that nobody offered."""
    return (event("call.answered", n * 0.09, f"f{n}", answered_by="human") for n in range(FLOOD))


def callbacks_of_many() -> Iterator[Event]:
    """Requests of customers nobody knows."""
    return (event("callback.requested", n * 0.09, customer=f"f{n}") for n in range(FLOOD))


def callbacks_of_one() -> Iterator[Event]:
    """One customer asks again and again."""
    return (event("callback.requested", n * 0.09, customer="f") for n in range(FLOOD))


def callbacks_of_a_call() -> Iterator[Event]:
    """A call of nobody is called back again and again."""
    yield event("call.offered", 0, "f", queue="flood")
    yield from (event("callback.attempted", 1 + n * 0.09, "f") for n in range(FLOOD))


def restarts() -> Iterator[Event]:
    """A source that restarts all the time."""
    return (event("source.restarted", n * 0.09) for n in range(FLOOD // 10))


def sources() -> Iterator[Event]:
    """A new source with every event."""
    return (event("source.heartbeat", n * 0.09, source=f"f{n}") for n in range(FLOOD))


def repeats() -> Iterator[Event]:
    """One call is told of without end, each time by another event."""
    yield event("call.offered", 0, "f", queue="flood")
    yield from (event("call.transferred", n * 0.09, "f") for n in range(FLOOD))


def duplicates() -> Iterator[Event]:
    """One event again and again."""
    return (event("call.offered", n * 0.09, "f", id="same", queue="flood") for n in range(FLOOD))


def queues() -> Iterator[Event]:
    """A new queue with every call; the calls are answered."""
    for n in range(FLOOD // 10):
        yield event("call.offered", n * 0.9, f"f{n}", queue=f"f{n}")
        yield event("call.answered", n * 0.9 + 1, f"f{n}", answered_by="human")


def late() -> Iterator[Event]:
    """Events an hour and more too late."""
    return (event("call.offered", -7200 + n * 0.09, f"f{n}", queue="flood") for n in range(FLOOD))


def one_customer(calls: int = 4_000) -> Iterator[Event]:
    """One customer calls without end and hangs up."""
    for n in range(calls):
        at = n * 1800 / calls
        yield event("call.offered", at, f"f{n}", queue="flood", customer="f")
        yield event("call.abandoned", at + 20, f"f{n}")


FLOODS = (
    endless, orphans, callbacks_of_many, callbacks_of_one, callbacks_of_a_call, restarts, sources,
    repeats, duplicates, queues, late, one_customer,
)  # fmt: skip


def play(events: Iterable[Event]) -> tuple[Ledger, list[Change], int]:
    """Return a ledger, what it said, and how many events were refused by a limit."""
    ledger = Ledger(Rules(limits=LIMITS, max_queues=20, queues={HONEST: Rules().default}))
    ledger.advance(BASE - MINUTE)
    said: list[Change] = []
    refused, tick = 0, BASE
    for one in sorted(events, key=lambda each: max(each.at, BASE)):
        while one.at >= tick + s(5):
            tick += s(5)
            ledger.advance(tick)
            said += ledger.drain()
        refused += ledger.apply(one) == "limit"
    ledger.advance(BASE + s(4000))
    return ledger, said + ledger.drain(), refused


def of_the_honest(changes: list[Change]) -> list[Change]:
    """Return what was said of them, whatever was said in between."""
    return sorted((c for c in changes if c.queue == HONEST), key=repr)


@pytest.mark.parametrize("flood", FLOODS)
def test_the_honest_stay_exact(flood: Callable[[], Iterator[Event]]) -> None:
    """Every count and every change of the honest queue is what it is without the flood."""
    plain, said, _ = play(honest())
    flooded, told, _ = play(chain(honest(), flood()))
    assert plain.totals.queues[HONEST].counts
    assert flooded.totals.queues[HONEST] == plain.totals.queues[HONEST]
    assert of_the_honest(told) == of_the_honest(said)


@pytest.mark.parametrize("flood", FLOODS)
def test_what_is_remembered_has_its_limits(flood: Callable[[], Iterator[Event]]) -> None:
    """Twice the flood leaves no more behind than once."""
    sizes = []
    for portion in (0.5, 1.0):
        whole = list(flood())
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        ledger, said, _ = play(whole[: int(len(whole) * portion)])
        said.clear()
        sizes.append(tracemalloc.get_traced_memory()[0] - before)
        tracemalloc.stop()
        book = ledger.book
        assert len(book.calls) <= LIMITS.max_calls
        assert book.register.by_source.total == len(book.calls)
        assert len(ledger.totals.queues) <= 23
    assert sizes[1] < sizes[0] * 1.35 + 200_000


@pytest.mark.parametrize(
    "flood",
    [endless, orphans, callbacks_of_many, callbacks_of_one, callbacks_of_a_call, restarts],
)
def test_what_is_refused_is_told(flood: Callable[[], Iterator[Event]]) -> None:
    """As the fate `limit`: such records become dead letters and are lost to nobody."""
    assert play(flood())[2] > 0


def test_calls_of_a_customer_with_too_many_are_judged_apart() -> None:
    """They are counted; only that they are one customer's is forgotten."""
    ledger, said, refused = play(one_customer(900))
    assert (ledger.book.callers.crowded > 0, refused) == (True, 0)
    failed = ledger.totals.queues["flood"].counts["outcome", "abandoned_late"]
    assert failed == 900
    assert {c.customer for c in said if c.verdict == "opened"} == {"f"}


def test_limits_hold_after_a_snapshot() -> None:
    """What is counted against them is counted again."""
    for flood in (endless, callbacks_of_many, one_customer):
        ledger = play(flood())[0]
        again = load(ledger.rules, dump(ledger))
        assert again.book.register.by_source.counts == ledger.book.register.by_source.counts
        assert again.book.facts_of.counts == ledger.book.facts_of.counts
        assert again.book.callers.crowded == ledger.book.callers.crowded


def test_what_was_forgotten_makes_room() -> None:
    """A flood that is over leaves no limit behind."""
    ledger = play(endless())[0]
    ledger.advance(BASE + s(24 * 3600))
    ledger.advance(BASE + s(48 * 3600))
    assert (ledger.book.calls, ledger.book.register.by_source.counts) == ({}, {})
