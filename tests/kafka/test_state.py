"""What a worker tells its probes."""

import time

from faust.types import TP
from records import TOPIC, batch, records

from streams.events import CallOffered
from streams.instants import SECOND
from streams.kafka.assignment import Assignment, wall_clock
from streams.kafka.batch import Fresh
from streams.kafka.state import SILENT, STUCK, WorkerState
from streams.ledger import Rules
from streams.settings import Settings


def worker_state(*numbers: int, end: int = 0) -> tuple[Assignment, WorkerState]:
    assignment = Assignment(TOPIC, Rules())
    state = WorkerState(Settings(), Rules(), assignment)
    if numbers:
        assignment.take(numbers, dict.fromkeys(numbers, (0, end)), dict.fromkeys(numbers, None))
        state.assigned = True
        assignment.watch.succeeded(wall_clock(), wall_clock())
    return assignment, state


def test_it_is_not_ready_before_its_first_assignment() -> None:
    """But alive: it may wait for others."""
    _, state = worker_state()
    assert state.ready() == "no partition has been assigned yet"
    assert state.healthy() is None


def test_it_is_ready_when_every_partition_was_read_to_its_end() -> None:
    """Before that it says how far it has to go, and shows no partition."""
    assignment, state = worker_state(0, end=2)
    assignment.tick({TP(TOPIC, 0): Fresh(wall_clock(), 2)})
    assert state.ready() == "partition 0 is being read again: 2 records to go"
    assert (dict(state.partitions), list(state.loading)) == ({}, [0])
    events = [CallOffered(id=f"{n}", at=wall_clock(), call_id="c") for n in range(2)]
    assert assignment.apply(batch(records(events))) is None
    assignment.settle(assignment.tick({TP(TOPIC, 0): Fresh(wall_clock(), 2)}))
    assert state.ready() is None
    assert (list(state.partitions), dict(state.loading)) == ([0], {})
    assert state.recovery_seconds[0] >= 0


def test_a_worker_without_partitions_is_ready() -> None:
    """There may be more workers than partitions."""
    _, state = worker_state()
    state.assigned = True
    assert state.ready() is None


def test_a_broker_that_does_not_answer_makes_it_unready_and_later_unhealthy() -> None:
    """Both say since when."""
    assignment, state = worker_state(0)
    assignment.settle(assignment.tick({}))
    for limit in (SILENT, STUCK):
        long_ago = wall_clock() - limit - SECOND
        assignment.assigned_at[0] = long_ago
        assignment.watch.last_success = long_ago
        assert state.ready() == f"no answer from the broker for {limit // SECOND + 1} s"
    assert state.healthy() == f"no answer from the broker for {STUCK // SECOND + 1} s"


def test_a_worker_whose_ticks_stopped_is_unhealthy() -> None:
    """Progress is what counts, not that the process is there."""
    _, state = worker_state(0)
    state.ticked(0.01)
    assert state.healthy() is None
    state.started_at = state.last_tick_at = time.time() - STUCK / SECOND - 1
    assert state.healthy() == f"no tick for {STUCK // SECOND + 1} s"
    assert (state.ticks, state.tick_seconds.count) == (1, 1)
