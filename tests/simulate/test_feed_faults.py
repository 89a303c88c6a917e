"""Each fault of a feed does what it says and nothing else."""

from itertools import pairwise

import pytest

from streams.events import (
    CallAbandoned,
    CallEnded,
    CallEvent,
    CallRejected,
    SourceEvent,
    SourceRestarted,
)
from streams.instants import HOUR, SECOND
from streams.simulate import FAULTS, Delivery, FaultRates, inject, parse_faults


def by_id(deliveries: list[Delivery]) -> dict[tuple[str, str], Delivery]:
    return {(delivery.event.source, delivery.event.id): delivery for delivery in deliveries}


def delays(recorded: list[Delivery], faulty: list[Delivery]) -> list[int]:
    """How much later each event came; the events themselves and their keys are the same."""
    original = by_id(recorded)
    late = []
    for delivery in faulty:
        before = original[delivery.event.source, delivery.event.id]
        assert (delivery.key, delivery.event) == (before.key, before.event)
        late.append(delivery.at - before.at)
    return late


def test_duplicates_are_the_same_events_once_more(recorded: list[Delivery]) -> None:
    """1 % of the events come twice, the second time at most 30 s later."""
    faulty = list(inject(recorded, ["duplicate"], 1))
    late = delays(recorded, faulty)
    twice = len(faulty) - len(recorded)
    assert 0.007 <= twice / len(recorded) <= 0.013
    assert min(late) == 0
    assert sum(delay > 0 for delay in late) == twice
    assert 20 * SECOND < max(late) <= 30 * SECOND
    assert len(by_id(faulty)) == len(recorded)


def test_disorder_moves_events_by_at_most_half_a_minute(recorded: list[Delivery]) -> None:
    """Nothing is lost or doubled; 5 % are overtaken by others."""
    faulty = list(inject(recorded, ["disorder"], 1))
    late = delays(recorded, faulty)
    assert len(by_id(faulty)) == len(faulty) == len(recorded)
    assert 0.04 <= sum(delay > 0 for delay in late) / len(late) <= 0.06
    assert max(late) <= 30 * SECOND


def test_lost_events_never_come(recorded: list[Delivery]) -> None:
    """One event of a call or callback in a thousand is gone, the others are untouched."""
    faulty = list(inject(recorded, ["lost"], 1))
    kept = set(by_id(faulty))
    gone = [delivery for key, delivery in by_id(recorded).items() if key not in kept]
    assert 0.0003 <= len(gone) / len(recorded) <= 0.003
    assert not any(isinstance(delivery.event, SourceEvent) for delivery in gone)
    assert set(delays(recorded, faulty)) == {0}


def test_late_events_come_minutes_or_hours_later(recorded: list[Delivery]) -> None:
    """Rarely, and a few of them beyond a lateness of an hour, none after more than four."""
    faulty = list(inject(recorded, ["late"], 1, FaultRates(late=0.02)))
    late = [delay for delay in delays(recorded, faulty) if delay]
    assert len(faulty) == len(recorded)
    assert 0.015 <= len(late) / len(recorded) <= 0.025
    assert min(late) >= 60 * SECOND
    assert max(late) <= 4 * HOUR
    assert 0.04 <= sum(delay > HOUR for delay in late) / len(late) <= 0.16


def test_skew_shifts_the_clock_of_one_source(recorded: list[Delivery]) -> None:
    """The same whole seconds throughout, deliveries and the other source as they were."""
    faulty = list(inject(recorded, ["skew"], 1))
    shifts: dict[str, set[int]] = {"pbx-north": set(), "pbx-south": set()}
    for before, after in zip(recorded, faulty, strict=True):
        assert (before.at, before.key, before.event.id) == (after.at, after.key, after.event.id)
        shifts[after.event.source].add(after.event.at - before.event.at)
    assert shifts["pbx-south"] == {0}
    (shift,) = shifts["pbx-north"]
    assert SECOND <= abs(shift) <= 5 * SECOND


def test_a_restart_loses_the_open_calls_of_its_source(recorded: list[Delivery]) -> None:
    """Of those nothing comes any more; everything else comes as before."""
    faulty = list(inject(recorded, ["restart"], 1))
    restarts = [d for d in faulty if isinstance(d.event, SourceRestarted)]
    assert len(restarts) >= 5
    assert {d.event.source for d in restarts} == {"pbx-north", "pbx-south"}
    rest = by_id([d for d in faulty if not isinstance(d.event, SourceRestarted)])
    original = by_id(recorded)
    assert all(original[key] == delivery for key, delivery in rest.items())
    missing = expected_missing(recorded, restarts)
    assert missing
    assert set(original) - set(rest) == missing


def expected_missing(recorded: list[Delivery], restarts: list[Delivery]) -> set[tuple[str, str]]:
    """Ids of the events, after a restart of their source, of calls begun before and not over."""
    begun: dict[str, int] = {}
    over: dict[str, int] = {}
    for at, _, event in recorded:
        if isinstance(event, CallEvent):
            begun.setdefault(event.call_id, at)
            if isinstance(event, CallEnded | CallAbandoned | CallRejected):
                over.setdefault(event.call_id, at)
    return {
        (event.source, event.id)
        for at, _, event in recorded
        if isinstance(event, CallEvent)
        and any(
            restart.event.source == event.source
            and begun[event.call_id] < restart.at <= min(at, over[event.call_id])
            for restart in restarts
        )
    }


def test_a_restart_is_for_every_partition(recorded: list[Delivery]) -> None:
    """Its key is none, its id unique, its time that of the feed."""
    faulty = list(inject(recorded, ["restart"], 1))
    restarts = [d for d in faulty if isinstance(d.event, SourceRestarted)]
    assert {d.key for d in restarts} == {None}
    assert len({d.event.id for d in restarts} | {d.event.id for d in recorded}) >= len(restarts)
    assert all(0 <= d.at - d.event.at < SECOND // 1000 for d in restarts)


def test_all_faults_together_keep_the_order_of_delivery(recorded: list[Delivery]) -> None:
    """A live feed can be paced by the times of delivery."""
    faulty = list(inject(recorded, FAULTS, 2))
    assert all(before.at <= after.at for before, after in pairwise(faulty))
    assert faulty != list(inject(recorded, FAULTS, 3))


def test_one_fault_does_not_change_another(recorded: list[Delivery]) -> None:
    """Which events come twice does not depend on whether the clock is skewed."""
    alone = [d.event.id for d in inject(recorded, ["duplicate"], 5)]
    with_skew = [d.event.id for d in inject(recorded, ["skew", "duplicate"], 5)]
    assert alone == with_skew


def test_faults_are_named_in_a_list() -> None:
    """As on the command line; an unknown one is refused with those there are."""
    assert parse_faults("late, duplicate,") == ("late", "duplicate")
    assert parse_faults("") == ()
    with pytest.raises(ValueError, match="no fault 'rain'; choose from restart, skew, lost"):
        parse_faults("late,rain")
