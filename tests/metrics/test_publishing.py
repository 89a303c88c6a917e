"""Publishing: consistent while the worker goes on, at a bounded cost, honest when it stops."""

import gc
import threading

import pytest
from ledger_workers import T0, Owned, Worker, answered_call
from scraped import plain_samples, series

from streams.instants import HOUR, MINUTE
from streams.ledger import Rules
from streams.metrics import Exposition
from streams.metrics.copies import TURN, Copies, read_windows
from streams.metrics.exposition import STALLED_AFTER
from streams.metrics.source import LedgerView


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_scrape_sees_each_partition_as_of_one_tick() -> None:
    """While another thread publishes, no scrape mixes the numbers of two ticks."""
    worker = Worker()
    owned = worker.assign(0)
    exposition = Exposition()
    exposition.publish(worker)
    done = threading.Event()
    publishing = threading.Thread(target=_publish_until, args=(done, worker, exposition))
    publishing.start()
    try:
        seen = [_consistent(exposition) for _ in range(25)]
    finally:
        done.set()
        publishing.join()
    assert seen == sorted(seen)
    assert owned.ledger.totals.queues["one"].counts["offered", "offered"] > seen[0]


def _publish_until(done: threading.Event, worker: Worker, exposition: Exposition) -> None:
    owned = worker.partitions[0]
    for number in range(100_000):
        if done.is_set():
            return
        start = T0 + number * MINUTE
        for queue in ("one", "two"):
            owned.take(*answered_call(f"{queue}/{number}", queue, start, wait=3))
        owned.tick(start + MINUTE)
        exposition.publish(worker)


def _consistent(exposition: Exposition) -> float:
    """The calls offered to one queue, after a check that they agree with all the rest."""
    samples = plain_samples(b"".join(exposition.text()).decode())
    offered = series(samples, "callcenter_calls_offered_total")
    kept = series(samples, "callcenter_calls_total", outcome="answered_in_target")
    waits = series(samples, "callcenter_answer_wait_seconds_count")
    applied = series(samples, "callcenter_events_total", fate="applied")
    numbers = {*offered.values(), *kept.values(), *waits.values()}
    assert len(numbers) <= 1
    calls = numbers.pop() if numbers else 0.0
    assert sum(applied.values()) == 6 * calls
    return calls


def test_copies_of_windows_are_nothing_to_the_collector() -> None:
    """It would have to look at three objects for each queue and window, and stop the worker."""
    worker = Worker()
    owned = worker.assign(0)
    owned.take(*answered_call("a", "sales", T0, wait=3))
    owned.tick(T0 + MINUTE)
    copied = read_windows(owned.ledger)
    live = owned.ledger.windows.read()
    gc.collect()
    assert copied.sums.keys() == live.keys()
    for key, sums in copied.sums.items():
        assert not any(map(gc.is_tracked, (key, sums, sums.classes, sums.wait_buckets)))
        assert (sums.classes, list(sums.wait_buckets)) == (
            live[key].classes,
            live[key].wait_buckets,
        )


def test_what_was_published_never_changes() -> None:
    """The worker goes on; a scrape shows the last publication until the next."""
    worker = Worker()
    owned = worker.assign(0)
    owned.take(*answered_call("a", "sales", T0, wait=3))
    owned.tick(T0 + HOUR)
    exposition = Exposition()
    exposition.publish(worker)
    before = _without_process(exposition)
    owned.take(*answered_call("b", "sales", T0 + MINUTE, wait=3))
    owned.latency.add(1)
    owned.tick(T0 + 2 * HOUR)
    assert _without_process(exposition) == before


def _without_process(exposition: Exposition) -> bytes:
    text = b"".join(exposition.text())
    return text[: text.index(b"# HELP process_")]


def test_snapshots_are_exported_by_a_worker_that_keeps_them() -> None:
    """A worker without a ledger log has no such series."""
    worker = Worker()
    worker.assign(0)
    name = "callcenter_snapshot_size_bytes"
    exposition = Exposition()
    exposition.publish(worker)
    assert not series(plain_samples(b"".join(exposition.text()).decode()), name)
    exposition.publish(SnapshottingWorker(worker))
    found = series(plain_samples(b"".join(exposition.text()).decode()), name, partition="0")
    assert list(found.values()) == [4096]


class Note:
    at = 12.0
    seconds = 0.5
    size_bytes = 4096


class SnapshottingWorker(Worker):
    """A worker that has written a snapshot of each of its partitions."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(partitions=worker.partitions)
        self.snapshots = dict.fromkeys(worker.partitions, Note())


def partitions(number: int) -> list[Owned]:
    return [Owned(index, Rules()) for index in range(number)]


class SlowRead:
    """Reads that take `cost` seconds of `clock`."""

    def __init__(self, clock: Clock, cost: float) -> None:
        self.clock = clock
        self.cost = cost
        self.number = 0

    def __call__(self, _: LedgerView) -> int:
        self.clock.now += self.cost
        self.number += 1
        return self.number


def test_cheap_copies_are_made_every_time() -> None:
    """What costs nothing is never old."""
    clock = Clock()
    read = SlowRead(clock, 0.0)
    copies = Copies(read, 0.01, clock, clock)
    owned = partitions(3)
    for turn in range(1, 4):
        copies.refresh(owned)
        assert read.number == 3 * turn


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_dear_copies_take_no_more_than_their_share(share: float) -> None:
    """Over a minute of publications, every partition being served in turn."""
    clock = Clock()
    read = SlowRead(clock, 0.004)
    copies = Copies(read, share, clock, clock)
    owned = partitions(12)
    begun, spent = clock.now, 0.0
    for _ in range(300):
        before = clock.now
        copies.refresh(owned)
        spent += clock.now - before
        clock.now += 0.2
    warm_up = 12 * read.cost
    assert spent <= share * (clock.now - begun) + warm_up
    assert {copies.get(number) is not None for number in range(12)} == {True}


def test_a_copy_that_was_put_off_by_others_is_not_dear() -> None:
    """A second in which somebody else had the processor costs the loop nothing."""
    clock = Clock()
    read = SlowRead(clock, 1.0)
    copies = Copies(read, 0.01, clock, lambda: 0.0)
    for _ in range(2):
        copies.refresh(partitions(1))
    assert read.number == 2


def test_one_turn_is_short() -> None:
    """No copy is begun once a turn has taken its time, so the loop is soon free again."""
    clock = Clock()
    copies = Copies(SlowRead(clock, 0.004), 0.01, clock, clock)
    before = clock.now
    copies.refresh(partitions(12))
    assert clock.now - before <= TURN + 0.004


def test_a_partition_that_came_back_is_read_anew() -> None:
    """Its ledger is another one, so the old copy says nothing about it."""
    clock = Clock()
    copies = Copies(SlowRead(clock, 0.004), 0.01, clock, clock)
    copies.refresh(partitions(1))
    assert copies.get(0) == 1
    copies.refresh(partitions(1))
    assert copies.get(0) == 2
    copies.refresh([])
    assert copies.get(0) is None


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_worker_is_not_ready_before_it_has_published(clock: Clock) -> None:
    """It is alive, though: nobody should restart it."""
    exposition = Exposition(clock)
    assert exposition.unready() == "the worker is starting"
    assert exposition.unhealthy() is None


def test_the_worker_says_why_it_is_not_ready(clock: Clock) -> None:
    """Its own words reach the probe."""
    exposition = Exposition(clock)
    worker = Worker(unready="partition 3 is being recovered")
    exposition.publish(worker)
    assert exposition.unready() == "partition 3 is being recovered"
    assert exposition.unhealthy() is None
    worker.unready = None
    exposition.publish(worker)
    assert exposition.unready() is None


def test_a_worker_that_stands_still_is_neither_healthy_nor_ready(clock: Clock) -> None:
    """The endpoint's threads go on when the event loop hangs, and must not cover it up."""
    exposition = Exposition(clock)
    exposition.publish(Worker())
    clock.now += STALLED_AFTER + 1
    assert exposition.unhealthy() == "the worker has not moved for 16 s"
    assert exposition.unready() == "the worker has not moved for 16 s"
    exposition.publish(Worker())
    assert exposition.unhealthy() is None
