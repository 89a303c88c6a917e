"""Callers wait, ring again and are talked to as measured at a real centre."""

from collections import defaultdict
from math import log
from random import Random
from statistics import mean, median, stdev

import pytest
from msgspec.structs import replace

from streams.events import CallAbandoned, CallAnswered, CallEnded, CallOffered, CallTransferred
from streams.instants import HOUR, MINUTE, SECOND
from streams.simulate import Centre, DeskConfig, QueueConfig, small_centre
from streams.simulate.draws import Patience


@pytest.mark.parametrize(
    ("seconds", "still_there"), [(10, 0.96), (30, 0.89), (60, 0.82), (120, 0.71), (300, 0.55)]
)
def test_patience_is_the_measured_survival_curve(seconds: int, still_there: float) -> None:
    """The share of callers who would still wait, within 0.01 of the Kaplan-Meier estimate."""
    patience, rng = Patience(), Random(seconds)
    waits = [patience.draw(rng) for _ in range(40_000)]
    share = mean(wait > seconds * SECOND for wait in waits)
    assert abs(share - still_there) <= 0.01


def test_patience_scales() -> None:
    """Half as patient: gone in half the time."""
    full, half = Patience(), Patience(0.5)
    for seed in range(200):
        assert abs(full.draw(Random(seed)) - 2 * half.draw(Random(seed))) <= 2


def test_a_third_of_the_unserved_ring_again_within_the_hour() -> None:
    """36 % within 1 h and 18 % within 10 min (each within 3 points), where nobody rings back."""
    crowded = small_centre(calls_per_hour=1200)
    queue = QueueConfig(
        name="service",
        source="pbx-north",
        share=1.0,
        agents=1,
        max_wait=4 * HOUR,
        max_waiting=10_000,
    )
    callers = replace(crowded.callers, customers=1_000_000, callback_key=0.0)
    centre = replace(crowded, queues=(queue,), callers=callers, desk=DeskConfig(agents=0))
    lost, rung = defaultdict(list), defaultdict(list)
    for event in Centre(centre, 1).events(9000):
        if event.customer is not None and isinstance(event, CallAbandoned):
            lost[event.customer].append(event.at)
        elif event.customer is not None and isinstance(event, CallOffered):
            rung[event.customer].append(event.at)
    end = max(at for offers in rung.values() for at in offers) - HOUR
    delays = [
        min((again - at for again in rung[customer] if again > at), default=4 * HOUR)
        for customer, times in lost.items()
        for at in times
        if at < end
    ]
    assert len(delays) > 2000
    assert abs(mean(delay <= HOUR for delay in delays) - 0.36) <= 0.03
    assert abs(mean(delay <= 10 * MINUTE for delay in delays) - 0.18) <= 0.03


@pytest.fixture(scope="module")
def talks() -> list[tuple[str, int, CallEnded]]:
    """Agent, microseconds and end of the conversations of a bank's days, without transfers."""
    answered: dict[str, CallAnswered] = {}
    ended = []
    for event in Centre(small_centre(), 2).events(8000):
        if isinstance(event, CallAnswered) and event.answered_by == "human":
            answered[event.call_id] = event
        elif isinstance(event, CallTransferred):
            answered.pop(event.call_id, None)
        elif isinstance(event, CallEnded) and event.call_id in answered:
            answer = answered.pop(event.call_id)
            if event.agent == answer.agent and event.source == "pbx-north":
                ended.append((str(answer.agent), event.at - answer.at, event))
    return ended


def test_talk_is_lognormal(talks: list[tuple[str, int, CallEnded]]) -> None:
    """ln of the talk of at least 10 s: mean 4.81 (by queue up to 5.1), deviation 0.91."""
    logs = [log(talk / SECOND) for _, talk, _ in talks if talk >= 10 * SECOND]
    assert len(logs) > 3000
    assert 4.75 <= mean(logs) <= 4.95
    assert 0.85 <= stdev(logs) <= 0.96
    assert abs(mean(logs) - median(logs)) <= 0.05


def test_useless_answers_are_concentrated_at_few_agents(
    talks: list[tuple[str, int, CallEnded]],
) -> None:
    """About 5 % of the conversations are cut short by the agent, far more at the hastiest."""
    short = [t for _, t, end in talks if t < 10 * SECOND and end.ended_by == "agent"]
    assert 0.03 <= len(short) / len(talks) <= 0.08
    by_agent = defaultdict(list)
    for agent, talk, _ in talks:
        by_agent[agent].append(talk < 10 * SECOND)
    shares = sorted(mean(hasty) for hasty in by_agent.values() if len(hasty) >= 50)
    assert shares[-1] >= 0.2
    assert median(shares) <= 0.08


def test_a_caller_who_was_hurried_off_rings_again() -> None:
    """Four of five ring again soon; after a proper conversation one in ten does."""
    hurried: list[bool] = []
    proper: list[bool] = []
    last: dict[str, tuple[int, int]] = {}
    calls: dict[str, tuple[str, int]] = {}
    config = small_centre()
    config = replace(config, callers=replace(config.callers, customers=1_000_000))
    for event in Centre(config, 3).events(6000):
        if isinstance(event, CallOffered) and event.customer is not None:
            if event.customer in last:
                ended_at, talk = last.pop(event.customer)
                soon = event.at - ended_at <= 20 * MINUTE
                (hurried if talk < 9 * SECOND else proper).append(soon)
            calls[event.call_id] = (event.customer, 0)
        elif isinstance(event, CallAnswered) and event.call_id in calls:
            calls[event.call_id] = (calls[event.call_id][0], event.at)
        elif isinstance(event, CallEnded) and event.call_id in calls:
            customer, answered_at = calls.pop(event.call_id)
            if answered_at and event.agent is not None:
                last[customer] = (event.at, event.at - answered_at)
    for _, talk in last.values():
        (hurried if talk < 9 * SECOND else proper).append(False)
    assert len(hurried) > 100
    assert 0.65 <= mean(hurried) <= 0.85
    assert mean(proper) <= 0.1
