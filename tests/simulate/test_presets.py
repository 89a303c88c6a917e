"""The ready-made centres are what their descriptions say."""

from collections import Counter
from collections.abc import Iterable

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackConnected,
    CallEvent,
    CallOffered,
)
from streams.instants import SECOND, to_datetime
from streams.ledger import Ledger, QueueRules, Rules
from streams.simulate import (
    DEFAULT_START,
    DEMO_HOUR,
    Centre,
    CentreConfig,
    Delivery,
    demo_centre,
    large_centre,
    small_centre,
)

SEEDS = range(1, 9)


def first_seconds(config: CentreConfig, seed: int, seconds: int) -> list[Delivery]:
    deliveries = []
    for delivery in Centre(config, seed).deliveries():
        if delivery.at >= config.start + seconds * SECOND:
            break
        deliveries.append(delivery)
    return deliveries


def waits(deliveries: Iterable[Delivery], start: int) -> list[tuple[float, str, float]]:
    """Offered at (seconds after the start), queue and wait of every call the promise counts.

    A call nobody answered waits for ever; one given up within the target is excluded.
    """
    offered: dict[str, tuple[int, str]] = {}
    answered: dict[str, int] = {}
    given_up: dict[str, int] = {}
    for at, _, event in deliveries:
        if isinstance(event, CallOffered):
            offered[event.call_id] = (at, str(event.queue))
        elif isinstance(event, CallAnswered) and event.answered_by == "human":
            answered.setdefault(event.call_id, at)
        elif isinstance(event, CallAbandoned) and event.call_id not in answered:
            given_up[event.call_id] = at
    return [
        ((at - start) / SECOND, queue, (answered.get(call, float("inf")) - at) / SECOND)
        for call, (at, queue) in offered.items()
        if given_up.get(call, float("inf")) - at > 10 * SECOND
    ]


def test_the_demo_keeps_its_promise_without_an_outage() -> None:
    """Over 90 % of the calls are answered within 10 s."""
    config = demo_centre(outage=False)
    for seed in SEEDS:
        all_waits = waits(first_seconds(config, seed, 120), config.start)
        settled = [wait for at, _, wait in all_waits if at < 100]
        assert sum(wait <= 10 for wait in settled) > 0.9 * len(settled)


def test_the_demo_s_outage_makes_callers_wait_beyond_the_target() -> None:
    """Of those who ring `support` in the outage's first half nobody is answered in time."""
    config = demo_centre()
    for seed in SEEDS:
        calls = waits(first_seconds(config, seed, 120), config.start)
        hit = [wait for at, queue, wait in calls if queue == "support" and 21 <= at < 45]
        assert len(hit) >= 8
        assert sum(wait > 10 for wait in hit) > 0.9 * len(hit)
        spared = [wait for at, queue, wait in calls if queue != "support" and at < 90]
        assert sum(wait <= 10 for wait in spared) > 0.8 * len(spared)


def test_the_demo_shows_abandonments_and_callbacks() -> None:
    """In the two minutes around the outage some give up, and the desk rings them back."""
    for seed in SEEDS:
        kinds = Counter(type(d.event) for d in first_seconds(demo_centre(), seed, 120))
        assert kinds[CallAbandoned] >= 3
        assert kinds[CallbackAttempted] >= 5
        assert kinds[CallbackConnected] >= 3


def callbacks(config: CentreConfig, seed: int) -> Counter[str]:
    """How the callback promises of 200 s are settled when a minute counts as an hour."""
    ledger = Ledger(Rules(default=QueueRules(callback_target=DEMO_HOUR)))
    for at, _, event in first_seconds(config, seed, 200):
        ledger.advance(at - 2 * SECOND)
        ledger.apply(event, recorded_at=at)
    settled: Counter[str] = Counter()
    for totals in ledger.totals.queues.values():
        for (verdict, state), count in totals.counts.items():
            if verdict == "callback":
                settled[state] += count
    return settled


def test_the_demo_s_callback_desk_cannot_keep_up_with_the_outage() -> None:
    """Most callbacks are made in time without an outage; with it some are missed."""
    calm, hit = Counter[str](), Counter[str]()
    for seed in SEEDS:
        calm += callbacks(demo_centre(outage=False), seed)
        hit += callbacks(demo_centre(), seed)
    assert calm["broken"] < 0.1 * calm["kept"]
    assert hit["broken"] > 0.3 * hit["kept"] > 0
    assert hit["kept_by_recall"] > 0


def test_the_demo_has_one_to_two_calls_a_second() -> None:
    """Busy enough to look at, slow enough to follow."""
    for seed in SEEDS:
        calls = sum(
            isinstance(d.event, CallOffered) for d in first_seconds(demo_centre(), seed, 120)
        )
        assert 1 <= calls / 120 <= 2.5


def test_a_large_centre_is_busy_at_once() -> None:
    """50 queues and 13 fresh calls a second in its busy hour, redials on top."""
    config = large_centre()
    deliveries = first_seconds(config, 1, 600)
    calls = [d.event for d in deliveries if isinstance(d.event, CallOffered)]
    assert 11 <= len(calls) / 600 <= 16
    assert len({event.queue for event in calls}) == 50
    settled = [wait for at, _, wait in waits(deliveries, config.start) if at < 540]
    assert sum(wait <= 10 for wait in settled) > 0.6 * len(settled)


def test_a_small_centre_has_a_bank_s_calls_a_day() -> None:
    """About 1,200 a day, from 7 to 24 h, a good part of them answered within 10 s."""
    config = small_centre()
    calls = [event for event in Centre(config, 1).events(4000) if isinstance(event, CallEvent)]
    offers = [to_datetime(event.at) for event in calls if isinstance(event, CallOffered)]
    days = Counter(moment.date() for moment in offers)
    whole_days = list(days.values())[1:-1]
    assert 600 <= sum(whole_days) / len(whole_days) <= 2000
    assert to_datetime(DEFAULT_START).hour == 10
