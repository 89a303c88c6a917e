"""A worker on an embedded or real broker, in a thread of this process with a loop of its own."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from streams.kafka.worker import Worker
from streams.ledger import Rules, Totals
from streams.settings import Settings

__all__ = ["RunningWorker", "running_worker", "until"]


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class RunningWorker:
    """A worker in its thread; its state is read on its own loop."""

    def __init__(self, settings: Settings, rules: Rules, bootstrap: str) -> None:
        self._arguments = (settings, rules, bootstrap)
        self._ready = threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:
            self.error = error

    async def _work(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.worker = Worker(*self._arguments)
        self._ready.set()
        await self.worker.run(self._stop)

    def read(self, question: Callable[[Worker], Any]) -> Any:
        """Return the answer to `question`, asked on the worker's loop."""

        assert self._thread.is_alive(), self.error

        async def ask() -> Any:
            return question(self.worker)

        return asyncio.run_coroutine_threadsafe(ask(), self.loop).result(60)

    def wait_for(self, records: int, seconds: float = 60) -> None:
        """Wait until `records` are covered by durable ticks and the totals are shown."""

        def done(worker: Worker) -> bool:
            shown = worker.state.partitions.values()
            settled = sum(each.durable_offset or 0 for each in shown)
            return worker.state.ready() is None and settled >= records

        until(lambda: self.error is not None or self.read(done), f"{records} records", seconds)
        assert self.error is None, self.error

    def totals(self) -> list[Totals]:
        """Return the exported totals of every partition."""

        def copy(worker: Worker) -> list[Totals]:
            return [each.exported.totals for each in worker.state.partitions.values()]

        found: list[Totals] = self.read(copy)
        return found

    def join(self, seconds: float = 10) -> None:
        """Wait for the end of a worker that stops by itself."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()

    def stop(self) -> float:
        """Ask the worker to stop and return how many seconds that took."""
        began = time.monotonic()
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
        self.join()
        return time.monotonic() - began


@contextmanager
def running_worker(
    settings: Settings, bootstrap: str, rules: Rules | None = None
) -> Iterator[RunningWorker]:
    """Run a worker for the time of the block."""
    running = RunningWorker(settings, rules or Rules(), bootstrap)
    try:
        yield running
    finally:
        running.stop()
