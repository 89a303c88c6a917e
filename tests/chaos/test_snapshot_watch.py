"""A fault strikes in the snapshot that it waited for, or not at all."""

import pytest
from snapshot_watch import SnapshotWatch

from streams.kafka.ledgerlog.records import Epoch
from streams.ledger import Rules

SNAPSHOT = Epoch(Rules(), "1", "worker-1", claimed=7)
TAKE_OVER = Epoch(Rules(), "1", "worker-1")


def _watch(done: list[str]) -> SnapshotWatch:
    return SnapshotWatch(lambda: ["worker-1"], lambda: done.append("stopped"))


def test_it_strikes_once() -> None:
    """In the first snapshot of its worker."""
    done: list[str] = []
    watch = _watch(done)
    assert not watch("worker-1", TAKE_OVER)
    assert not watch("worker-2", SNAPSHOT)
    assert watch("worker-1", SNAPSHOT)
    assert watch("worker-1", SNAPSHOT)
    assert watch.wait(0)
    assert done == ["stopped"]


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_it_does_not_strike_when_nobody_waits_any_longer(seconds: float) -> None:
    """Who was stopped then would be stopped for good."""
    done: list[str] = []
    watch = _watch(done)
    assert not watch.wait(seconds)
    assert watch("worker-1", SNAPSHOT)
    assert done == []
