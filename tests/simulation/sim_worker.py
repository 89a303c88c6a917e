"""The production worker with every port exchanged: Kafka, the group and the clock are simulated."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from cluster import Cluster
from group import Group
from plan import BASE
from sim_consumer import SimulatedApp
from sim_ports import SimulatedLog, SimulatedOutputs, SimulatedSource
from virtual_loop import Process

from streams.kafka.clock import SteadyClock
from streams.kafka.worker import Worker, _first
from streams.settings import Settings

__all__ = ["SimulatedWorker", "WallClock"]


class WallClock:
    """The wall clock of one machine: wrong by `offset` seconds, and sometimes set anew."""

    def __init__(self, now: Callable[[], float], offset: float) -> None:
        self._now = now
        self.offsets = [(0.0, offset)]
        """since when (seconds of the run) it was wrong by how much"""

    def step(self, seconds: float) -> None:
        """Set it forward or back."""
        self.offsets.append((self._now(), self.offsets[-1][1] + seconds))

    def wall(self) -> int:
        """Return nanoseconds since 1970."""
        return BASE * 1000 + round((self._now() + self.offsets[-1][1]) * 1e9)

    def monotonic(self) -> int:
        """Return nanoseconds since some moment."""
        return round((self._now() + 1000) * 1e9)

    def time_ns(self) -> int:
        """Stand for the function of the same name in a module's `time`."""
        return self.wall()


class _NoRaw:
    """There are no raw topics."""

    def forget(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class SimulatedWorker(Worker):
    """A worker whose loops, hooks and keepers are the real ones."""

    def __init__(
        self, settings: Settings, cluster: Cluster, group: Group, process: Process,
        clock: WallClock,
    ) -> None:  # fmt: skip
        super().__init__(settings, cluster.plan.rules)
        self.assignment.clock = SteadyClock(clock.wall, clock.monotonic)
        fake: Any = self
        fake._outputs = SimulatedOutputs(cluster, process)
        fake._raw = _NoRaw()
        self.app = SimulatedApp(
            cluster, group, process, self.assignment, self, lambda: clock.wall() // 1_000_000
        )
        fake._app = self.app
        self._cluster = cluster
        self._process = process

    @property
    def error(self) -> BaseException | None:
        """Why it stopped."""
        return self._error

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; there are no topics to look for first."""
        async with AsyncExitStack() as stack:
            await self._start(stack, "")
            await _first(stop, self._ended)
        if self._error is not None:
            raise self._error

    async def _start(self, stack: AsyncExitStack, bootstrap: str) -> None:  # noqa: ARG002
        stack.push_async_callback(self._stop_app)
        await self.app.start()
        for step in (self._tick_often, self._snapshot_often, self._recover_often):
            stack.callback(asyncio.ensure_future(self._for_ever(step)).cancel)

    def log(self, partition: int) -> SimulatedLog:
        """Return the log of `partition`."""
        return SimulatedLog(self._cluster, partition, self._process)

    def source(self, partition: int) -> SimulatedSource:
        """Return the events of `partition`."""
        return SimulatedSource(self._cluster, partition)
