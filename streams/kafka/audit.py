"""The auditor: rebuilds every partition's state offline and compares each tick's hash."""

from typing import Any

from msgspec import Struct

from streams.instants import rfc3339
from streams.kafka.ledgerlog.rebuild import Rebuilt, read_history, rebuild
from streams.kafka.log_on_kafka import KafkaLogs
from streams.kafka.probe import require_topics
from streams.ledger import add_figures, figures_by_queue
from streams.ledger.rules import Rules
from streams.settings import Settings

__all__ = ["Audit", "audit"]


class Audit(Struct):
    """What the log of one partition says; `fault` is None if every hash is as it was then."""

    partition: int
    ticks: int
    """followed"""
    ignored: int
    """records of owners that had been replaced"""
    to_offset: int
    now: int
    """event time in microseconds up to which deadlines have fired"""
    hash: int
    figures: dict[str, dict[str, Any]]
    """by queue"""
    fault: str | None = None

    def report(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "partition": self.partition,
            "ticks": self.ticks,
            "ignored": self.ignored,
            "to_offset": self.to_offset,
            "now": rfc3339(self.now) if self.now else None,
            "hash": f"{self.hash:08x}",
            "fault": self.fault,
            "total": add_figures(self.figures.values()),
            "queues": dict(sorted(self.figures.items())),
        }


async def audit(settings: Settings, partitions: list[int] | None = None) -> list[Audit]:
    """Follow the logs of `partitions` (None: all of them) from their oldest state on.

    Reads only: a worker may go on meanwhile.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: a topic does not exist.
    """
    await require_topics(settings, settings.broker)
    logs = KafkaLogs(settings, settings.broker, appending=False)
    try:
        count = await logs.partitions()
        numbers = range(count) if partitions is None else partitions
        return [await _audit_one(logs, settings, number) for number in numbers]
    finally:
        await logs.stop()


async def _audit_one(logs: KafkaLogs, settings: Settings, number: int) -> Audit:
    found = await _rebuilt(logs, settings, number, whole=True)
    if found[0].loss is not None and found[0].ticks == 0:
        # The source keeps less than the log: begin with the newest snapshot instead.
        found = await _rebuilt(logs, settings, number, whole=False)
    rebuilt, ignored = found
    machine = rebuilt.machine
    return Audit(
        partition=number,
        ticks=rebuilt.ticks,
        ignored=ignored,
        to_offset=machine.next_offset,
        now=machine.ledger.now,
        hash=machine.hash,
        figures=figures_by_queue(machine.ledger),
        fault=rebuilt.loss,
    )


async def _rebuilt(
    logs: KafkaLogs, settings: Settings, number: int, *, whole: bool
) -> tuple[Rebuilt, int]:
    log, source = logs.log(number), logs.source(number)
    _, end = await log.bounds()
    history = await read_history(log, end, whole=whole)
    rebuilt = await rebuild(history, source, settings.events_topic, number, Rules())
    return rebuilt, history.ignored
