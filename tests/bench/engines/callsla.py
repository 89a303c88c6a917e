"""callsla's own worker, as it is shipped: full promise, ticks and snapshots, its own endpoint."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from kafka_server import free_ports
from metrics_figures import metrics_figures, replay_figures

from engines.contest import Backlog, Contest
from engines.figures import Run
from engines.job import WrongResultError
from engines.process import Process, running
from streams.kafka.ledgerlog.records import Epoch, Tick, decode
from streams.ledger import NO_QUEUE

__all__ = ["LedgerTail", "run_callsla", "worker_settings"]

PATIENCE_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 60.0
_TOPICS: Final = ("promises", "dead_letters", "ledger")


def worker_settings(bootstrap: str, events_topic: str, tag: str, port: int) -> dict[str, str]:
    """Return the environment of a worker with outputs and a group of its own."""
    named = {f"CALLSLA_{name.upper()}_TOPIC": f"{tag}.{name}" for name in _TOPICS}
    return {
        "CALLSLA_BROKER": bootstrap,
        "CALLSLA_EVENTS_TOPIC": events_topic,
        "CALLSLA_GROUP": tag,
        "CALLSLA_METRICS_PORT": str(port),
        **named,
    }


class LedgerTail:
    """Follows the ticks: how far the state is durable, and since when.

    The time of a tick is that at which it was read here, behind the acknowledgement.
    """

    def __init__(self, bootstrap: str, topic: str, ends: list[int]) -> None:
        self._ends = ends
        self._reached = [0] * len(ends)
        self.claimed: float | None = None
        """the first partition was taken over: nothing had been read before"""
        self.told: float | None = None
        """the first tick that covers events"""
        self.half: float | None = None
        self.half_events = 0
        self.done: float | None = None
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bench-tail",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 5,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(len(ends))])

    def poll(self, seconds: float) -> None:
        """Take in at most one record."""
        message = self._consumer.poll(seconds)
        if message is None or message.error() is not None:
            return
        value, partition = message.value(), message.partition()
        assert isinstance(value, bytes)
        assert partition is not None
        record = decode(value)
        if isinstance(record, Tick):
            self.reach(partition, record.steps[-1][0], time.time())
        elif isinstance(record, Epoch) and self.claimed is None:
            self.claimed = message.timestamp()[1] / 1000

    def reach(self, partition: int, offset: int, now: float) -> None:
        """Note that a partition's state is durable up to `offset`."""
        self._reached[partition] = max(self._reached[partition], offset)
        reached, total = sum(self._reached), sum(self._ends)
        if reached and self.told is None:
            self.told = now
        if reached >= total // 2 and self.half is None:
            self.half, self.half_events = now, reached
        if self._reached == self._ends:
            self.done = now

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def run_callsla(
    contest: Contest,
    backlog: Backlog,
    *,
    callsla: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Run:
    """Let a fresh worker go through a backlog, and check what it counts if the figures are known.

    `callsla` is the command (default: that of this environment), `settings` are further ones.

    Raises:
        WrongResultError: its figures are not those of brute force.
        RuntimeError: it ended, or did not come to the end.
    """
    command = callsla or Path(sys.executable).with_name("callsla")
    tag, [port] = contest.tag(), free_ports(1)
    own = worker_settings(contest.topics.bootstrap, backlog.topic, tag, port)
    for name in _TOPICS:
        contest.topics.create(f"{tag}.{name}")
    environment = {**own, **(settings or {})}
    tail = LedgerTail(contest.topics.bootstrap, f"{tag}.ledger", backlog.ends)
    try:
        log = contest.folder / f"callsla-{tag}.log"
        with running([str(command), "worker"], environment, log, contest.core) as process:
            cpu_to_start = _drain(process, tail)
            run = _run_of(process, tail, backlog, cpu_to_start)
            if backlog.figures:
                _check_figures(f"http://127.0.0.1:{port}", backlog.figures)
    finally:
        tail.close()
    return run


def _drain(process: Process, tail: LedgerTail) -> float:
    """Wait for the end of the backlog; return the CPU seconds of the start."""
    cpu_to_start: float | None = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while tail.done is None:
        tail.poll(0.2)
        if cpu_to_start is None and tail.claimed is not None:
            cpu_to_start = process.cpu_seconds()
        process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not at the end after {PATIENCE_SECONDS:.0f} s")
    assert cpu_to_start is not None
    return cpu_to_start


def _run_of(process: Process, tail: LedgerTail, backlog: Backlog, cpu_to_start: float) -> Run:
    cpu, peak = process.cpu_seconds(), process.peak_bytes()
    assert tail.claimed is not None
    assert tail.told is not None
    assert tail.half is not None
    assert tail.done is not None
    return Run(
        events=backlog.events,
        began=process.began,
        first=tail.claimed,
        half=tail.half,
        half_events=tail.half_events,
        done=tail.done,
        told=tail.told,
        cpu_to_start=cpu_to_start,
        cpu_seconds=cpu,
        peak_bytes=peak,
    )


def _check_figures(url: str, figures: dict[str, Any]) -> None:
    """Wait until the figures are those of brute force: the clock settles what is still open."""
    by_label = {queue or NO_QUEUE: told for queue, told in figures.items()}
    expected = replay_figures({"queues": by_label})
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := _without_corrections(metrics_figures(url))) != expected:
        if time.monotonic() > deadline:
            raise WrongResultError(_differences(found, expected))
        time.sleep(0.5)


def _without_corrections(figures: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    return Counter({key: n for key, n in figures.items() if key[1] != "corrections"})


def _differences(
    found: Counter[tuple[str, str, str]], expected: Counter[tuple[str, str, str]]
) -> str:
    keys = sorted(key for key in found.keys() | expected.keys() if found[key] != expected[key])
    told = [f"{' '.join(key)}: {found[key]}, by brute force {expected[key]}" for key in keys[:3]]
    return f"{len(keys)} figures differ: {'; '.join(told)}"
