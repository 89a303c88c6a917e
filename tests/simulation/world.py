"""One run: brokers, producers, workers and their misfortunes, all from one seed."""

import asyncio
import contextvars
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final, NamedTuple
from zlib import crc32

from cluster import Cluster
from group import Group
from judge import fingerprint_of
from misfortunes import DEEDS
from plan import Action, Plan, draw_plan
from sim_feed import Feed
from sim_worker import SimulatedWorker, WallClock
from virtual_loop import PROCESS, Process, VirtualLoop

import streams.kafka.ledgerlog.writer as log_writer
from streams.kafka.exported import Exported
from streams.kafka.keeper import Keeper
from streams.settings import Settings

__all__ = ["Sample", "Slot", "World"]

SAMPLE_SECONDS: Final = 0.4
STOP_SECONDS: Final = 40.0


class Sample(NamedTuple):
    """What one worker showed of one partition at a moment (seconds of the run)."""

    at: float
    process: Process
    partition: int
    epoch: int
    exported: Exported
    fingerprint: bytes
    keeper: Keeper


class Slot:
    """A machine on which one worker runs at a time."""

    def __init__(self, number: int, clock: WallClock) -> None:
        self.number = number
        self.clock = clock
        self.incarnations = 0
        self.process = Process(f"w{number}/0")
        self.process.kill()
        self.worker: SimulatedWorker | None = None
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class World:
    """Everything of one run; `run` lets it happen."""

    def __init__(self, seed: int) -> None:
        self.plan: Plan = draw_plan(seed)
        self.loop = VirtualLoop(Random(f"order {seed}"))
        self.cluster = Cluster(self.loop, self.plan, Random(f"broker {seed}"))
        self.group = Group(self.cluster, self.plan.partitions, static=self.plan.static)
        self.group.checked = self._committed
        self.commits: list[tuple[float, int, int]] = []
        self.samples: list[Sample] = []
        self.refusals: list[str] = []
        self.problems: list[str] = []
        self.started: dict[Process, tuple[float, Slot, SimulatedWorker]] = {}
        self.knowing: list[tuple[Keeper, int, Exported]] = []
        """keepers that knew more of the log than a leader change left, and what they showed"""
        self.cut_at: float | None = None
        self.is_over = False
        self._last: dict[tuple[Process, int], tuple[Exported, bytes]] = {}
        self._context = contextvars.Context()
        self.slots = [
            Slot(n, WallClock(self.loop.time, skew)) for n, skew in enumerate(self.plan.skew)
        ]

    def run(self) -> None:
        """Let everything happen, until all is calm and every worker has stopped."""
        plan = self.plan
        with _quiet(plan):
            for slot in self.slots:
                self.at(0.01 + slot.number * 0.7, self.start, slot)
            Feed(self.cluster, plan, Random(f"feed {plan.seed}")).start()
            for action in plan.actions:
                self.at(action.at, self._act, action)
            self.at(plan.busy, self._calm)
            self.at(SAMPLE_SECONDS, self._sample)
            self.loop.run_until(plan.busy + plan.calm)
            self._stop_all()
            self.loop.run_until(plan.busy + plan.calm + STOP_SECONDS)
            self._ended()

    def close(self) -> None:
        """Let go of every task."""
        for slot in self.slots:
            slot.process.kill()
        with _quiet(self.plan):
            self.loop.close()
        self.problems += [f"unhandled: {error}" for error in self.loop.errors]

    def digest(self) -> int:
        """Return a checksum of everything that was written: equal runs, equal digests."""
        told = 0
        for log in self.cluster.logs:
            for entry in log.records:
                told = crc32(entry.value, told)
        return crc32(repr(sorted(self.cluster.promises, key=str)).encode(), told)

    def at(self, when: float, work: Any, *args: Any) -> None:
        """Have `work` done at second `when` of the run, by nobody who could die before."""
        self.loop.call_at(when, work, *args, context=self._context)

    def start(self, slot: Slot) -> None:
        """Start the next incarnation of the worker of `slot`, unless one is running."""
        if not slot.process.is_dead or self.is_over:
            return
        slot.incarnations += 1
        process = slot.process = Process(f"w{slot.number}/{slot.incarnations}")
        context = self._context.copy()
        context.run(PROCESS.set, process)
        settings = Settings(
            instance=process.name, tick_seconds=self.plan.tick, snapshot_seconds=self.plan.snapshot
        )
        make = SimulatedWorker
        slot.worker = context.run(make, settings, self.cluster, self.group, process, slot.clock)
        self.started[process] = (self.loop.now, slot, slot.worker)
        slot.stop = asyncio.Event()
        slot.task = self.loop.create_task(slot.worker.run(slot.stop), context=context)
        slot.task.add_done_callback(
            lambda task: self._gone(slot, process, task), context=self._context
        )
        self.cluster.note("start", process.name)

    def _gone(self, slot: Slot, process: Process, task: asyncio.Task[None]) -> None:
        """Note why a worker ended by itself, and have it started again."""
        if process.is_dead:
            return
        process.kill()
        error = None if task.cancelled() else task.exception()
        self.cluster.note("ended", f"{process.name}: {error!r}")
        name = type(error).__name__
        if name == "LogRefusedError":
            self.refusals.append(str(error))
            if self.plan.tamper is None:
                self.problems.append(f"{process.name} refused without a reason: {error}")
            return
        if error is not None and name != "OutputError":
            self.problems.append(f"{process.name} ended with {error!r}")
            return
        if not self.is_over:
            self.at(self.loop.now + 0.5, self.start, slot)

    def _act(self, action: Action) -> None:
        slot = self.slots[action.worker]
        self.cluster.note(action.kind, f"{slot.process.name} {action.lasting:.1f} {action.number}")
        DEEDS[action.kind](self, slot, action)

    def _calm(self) -> None:
        self.cluster.is_calm = True
        for slot in self.slots:
            self.loop.wake(slot.process)
            if slot.process.is_dead:
                self.at(self.loop.now + 1.0, self.start, slot)

    def _committed(self, partition: int, offset: int) -> None:
        self.commits.append((self.loop.now, partition, offset))

    def _sample(self) -> None:
        """Look at what every running worker shows, as a scrape does."""
        chance = self.cluster.chance
        self.at(self.loop.now + SAMPLE_SECONDS * (0.5 + chance.random()), self._sample)
        for slot in self.slots:
            worker, process = slot.worker, slot.process
            if worker is None or not process.is_running:
                continue
            for number, keeper in worker.assignment.keepers.items():
                self._note(process, number, keeper)

    def _note(self, process: Process, number: int, keeper: Keeper) -> None:
        exported = keeper.processor.exported
        known = self._last.get((process, number))
        # Taken once for each object: what is exported never changes afterwards.
        if known is None or known[0] is not exported:
            known = self._last[process, number] = (exported, fingerprint_of(exported))
        epoch = keeper._log.epoch
        self.samples.append(
            Sample(self.loop.now, process, number, epoch, exported, known[1], keeper)
        )

    def _stop_all(self) -> None:
        self._sample()
        self.is_over = True
        for slot in self.slots:
            if slot.process.is_running:
                slot.stop.set()

    def _ended(self) -> None:
        for slot in self.slots:
            if slot.process.is_running:
                self.problems.append(f"{slot.process.name} did not stop within {STOP_SECONDS} s")


@contextmanager
def _quiet(plan: Plan) -> Iterator[None]:
    """Make snapshots come in several chunks, and log nothing."""
    chunk = log_writer.CHUNK_BYTES
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    setattr(log_writer, "CHUNK_BYTES", plan.chunk_bytes)  # noqa: B010
    try:
        yield
    finally:
        setattr(log_writer, "CHUNK_BYTES", chunk)  # noqa: B010
        logging.disable(level)
