"""The log of ticks and snapshots on Apache Kafka: crashes, hand-overs, a log that was lost."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from edge_facts import now, produced, promise_ids, promise_states, stated
from kafka.admin import KafkaAdminClient
from kafka_server import free_ports
from metrics_figures import metrics_figures
from truths import plain_truths, truths
from worker_processes import WorkerProcess, as_environment, sums, worker_process
from workers import running_worker, until

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRejected,
    Event,
)
from streams.instants import SECOND
from streams.kafka.produce import EventProducer
from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.simulate import Centre, small_centre

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

Make = Callable[..., Settings]
EVENTS = list(Centre(small_centre(), seed=21).events(1500))
OFFERED = "callcenter_calls_offered_total"
OWNED = "callcenter_partitions_owned"
CALLSLA = str(Path(sys.executable).with_name("callsla"))


def offered(events: int) -> int:
    """Return how many calls the first `events` of them offer."""
    counted = plain_truths(EVENTS[:events], now())
    return sum(n for (_, verdict, _), n in counted.items() if verdict == "offered")


class Stream(threading.Thread):
    """Calls of this minute, a hundred a second, until `stop`; `events` is all that was written."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.events: list[Event] = []
        self._producer = EventProducer(settings, settings.broker)
        self._done = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._done.wait(0.01):
            number += 1
            for event in live_call(number, now()):
                self._producer.send(f"k{number % 50}", event)
                self.events.append(event)
            self._producer.poll()
        self._producer.flush()

    def stop(self) -> int:
        """Return how many records were written, all of them acknowledged."""
        self._done.set()
        self.join(20)
        return len(self.events)


def live_call(number: int, at: int) -> list[Event]:
    """Return a call that is over: answered or not, useful or not, one in seven rejected."""
    call, who = f"c{number}", f"k{number % 50}"
    start = at - 3 * SECOND
    events: list[Event] = [CallOffered(id=f"{call}o", at=start, call_id=call, customer=who)]
    if number % 7 == 0:
        return [*events, CallRejected(id=f"{call}r", at=start, call_id=call)]
    if number % 5 == 0:
        return [*events, CallAbandoned(id=f"{call}x", at=at - SECOND, call_id=call)]
    good = bool(number % 3)
    answer = CallAnswered(id=f"{call}a", at=at - SECOND, call_id=call, answered_by="human")
    return [*events, answer, CallEnded(id=f"{call}e", at=at, call_id=call, resolved=good)]


def test_killed_workers_are_followed_by_one_that_counts_on_exactly(
    fresh_settings: Make, tmp_path: Path
) -> None:
    """kill -9 of reading, ticking and snapshotting workers while events keep coming."""
    settings = fresh_settings(instance="one", snapshot_seconds=1)
    stream = Stream(settings)
    stream.start()
    try:
        shown = 0
        for turn in range(4):
            with worker_process(settings, tmp_path) as worker:
                until(partial(all_owned, worker), "loaded", 60)
                assert sums([worker], OFFERED) >= shown, "what was shown is rebuilt"
                time.sleep(1 + 0.37 * turn)
                shown = sums([worker], OFFERED)
                worker.kill()
    finally:
        written = stream.stop()
    with running_worker(settings, settings.broker) as last:
        last.wait_for(written)
        expected = plain_truths(stream.events, now())
        assert truths(last.totals()) == expected
        assert 0 < shown < expected.total()
    assert promise_states(settings) == stated(expected)


def all_owned(worker: WorkerProcess) -> bool:
    return sums([worker], OWNED) == 4


def test_sigterm_hands_over_to_another_worker_in_two_seconds(
    fresh_settings: Make, tmp_path: Path
) -> None:
    """From the signal until the other one shows every partition, exact; it repeats no output.

    The best of three, for the machine may be busy.
    """
    settings = fresh_settings()
    produced(settings, EVENTS)
    everything = offered(len(EVENTS))
    taken = []
    with worker_process(settings, tmp_path) as stays:
        until(lambda: sums([stays], OFFERED) == everything, "all on one worker", 60)
        for _ in range(3):
            with worker_process(settings, tmp_path) as leaves:
                both = partial(shared, [stays, leaves], everything)
                until(both, "all on two workers", 60)
                began = time.monotonic()
                leaves.process.terminate()
                until(lambda: all_owned(stays) and stays.ready(), "all on one worker again")
                assert sums([stays], OFFERED) == everything
                taken.append(time.monotonic() - began)
                assert leaves.process.wait(10) == 0, leaves.log.read_text()
    assert min(taken) < 2, taken
    assert max(promise_ids(settings).values()) == 1


def shared(workers: list[WorkerProcess], everything: int) -> bool:
    return [sums([each], OWNED) for each in workers] == [2, 2] and (
        sums(workers, OFFERED) == everything
    )


def delete_topic(settings: Settings, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    admin.delete_topics([topic])
    until(lambda: topic not in admin.list_topics(), "the topic is gone", 20)
    admin.close()


def test_a_ledger_topic_that_was_made_again_is_refused_until_the_loss_is_accepted(
    fresh_settings: Make, tmp_path: Path
) -> None:
    """One line that says what would be lost, exit code 1; after it was accepted no worker asks."""
    (port,) = free_ports(1)
    settings = fresh_settings(instance="one", metrics_port=port)
    written = produced(settings, EVENTS)
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(written)
    delete_topic(settings, settings.ledger_topic)
    assert create_topics(settings) == [settings.ledger_topic]
    refused = subprocess.run(
        [CALLSLA, "worker"], env=as_environment(settings), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode == 1, refused.stderr
    told = [line for line in refused.stderr.splitlines() if "callsla: error:" in line]
    assert len(told) == 1, refused.stderr
    assert "the log goes to source offset 0, though" in told[0]
    assert "--accept-loss" in told[0]
    assert "Traceback" not in refused.stderr
    everything = offered(len(EVENTS))
    with (tmp_path / "accepting.log").open("wb") as log:
        accepting = subprocess.Popen(
            [CALLSLA, "worker", "--accept-loss"], env=as_environment(settings), stderr=log
        )
    try:
        until(lambda: counted(port) == everything, "everything is counted again", 60)
    finally:
        accepting.terminate()
        assert accepting.wait(20) == 0
    assert "goes on with a loss that was accepted" in (tmp_path / "accepting.log").read_text()
    with running_worker(msgspec.structs.replace(settings, metrics_port=0), settings.broker) as last:
        last.wait_for(written)
        expected = plain_truths(EVENTS, now())
        until(lambda: truths(last.totals()) == expected, "everything is decided", 30)


def counted(port: int) -> int:
    """Return the calls offered on `/metrics`; -1 while nobody answers."""
    try:
        found = metrics_figures(f"http://127.0.0.1:{port}")
    except OSError:
        return -1
    return sum(n for (_, part, _), n in found.items() if part == "offered")
