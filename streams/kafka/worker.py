"""The worker: Kafka in, ledgers, Kafka and `/metrics` out.

The ledgers' only inputs are batches and ticks. Each tick closes a stretch of every partition; what
it holds is written, and only then are its offsets committed and its totals shown.

Until ticks and snapshots are kept in a log of their own, a worker that is new to a partition reads
it again from its beginning, which its retention bounds. Promise events of records below the
committed offset are not written a second time; those around it may be, under the same ids.
"""

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

from faust.types import TP

from streams.kafka.app import EdgeApp, build_app
from streams.kafka.assignment import Assignment
from streams.kafka.batch import Batch
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.errors import EdgeError
from streams.kafka.logs import configure_logging
from streams.kafka.normalise import check_formats
from streams.kafka.outputs import Outputs
from streams.kafka.probe import require_topics
from streams.kafka.raw import RawTopics
from streams.kafka.state import WorkerState
from streams.ledger.rules import Rules
from streams.metrics import serve
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.kafka.partition import Stretch

__all__ = ["Worker", "run_worker"]

log = logging.getLogger(__name__)

FAREWELL_SECONDS: Final = 1.0
"""What a hand-over or a stop may take for the last tick, its outputs and the commit."""
FULL_SECONDS: Final = 0.01
PART_RECORDS: Final = 500
"""Between two parts of a batch ticks, outputs and scrapes have their turn."""


class Worker:
    """One worker. `state` is what it tells; `started` is set when it reads and serves.

    `bootstrap` overrides the broker of the settings, for an embedded broker that the caller owns.
    """

    def __init__(self, settings: Settings, rules: Rules, bootstrap: str | None = None) -> None:
        check_formats(settings.raw_topics)
        self.settings = settings
        self.assignment = Assignment(settings.events_topic, rules)
        self.state = WorkerState(settings, rules, self.assignment)
        self.started = asyncio.Event()
        self.metrics_url = ""
        self._bootstrap = bootstrap
        self._error: BaseException | None = None
        self._ended = asyncio.Event()
        self._turn = asyncio.Lock()
        self._unwritten: list[Stretch] = []
        self._leaving = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish in order: outputs written, offsets committed.

        Raises:
            EdgeError: the worker cannot go on without losing records; the text says why.
        """
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self.started.set()
            await _first(stop, self._ended)
        if self._error is not None:
            raise self._error

    async def _start(self, stack: AsyncExitStack) -> None:
        bootstrap = self._bootstrap or self._broker(stack)
        self.state.bootstrap = bootstrap
        await require_topics(self.settings, bootstrap)
        self._outputs = Outputs(self.settings, bootstrap)
        await self._outputs.start()
        stack.push_async_callback(self._outputs.stop)
        self._raw = RawTopics(self.settings, bootstrap, self._outputs)
        stack.callback(self._raw.close)
        endpoint = await serve(self.state, self.settings.metrics_host, self.settings.metrics_port)
        stack.push_async_callback(endpoint.close)
        self.metrics_url = endpoint.url
        log.info("metrics at %s", endpoint.url)
        self._app = build_app(self.settings, bootstrap, self.assignment, self)
        stack.push_async_callback(self._stop_app)
        await self._app.start()
        for work in (self._tick_for_ever(), self._watch_app(self._app)):
            stack.callback(asyncio.ensure_future(work).cancel)

    def _broker(self, stack: AsyncExitStack) -> str:
        if not self.settings.embedded:
            return self.settings.broker
        broker = EmbeddedBroker(dict.fromkeys(self.settings.topics, self.settings.partitions))
        stack.callback(broker.close)
        log.info("the embedded broker listens at %s", broker.bootstrap)
        return broker.bootstrap

    def fail(self, error: BaseException) -> None:
        """Stop because of `error`; the first one is told."""
        if self._error is None:
            log.error("the worker stops: %s", error, exc_info=not isinstance(error, EdgeError))
            self._error = error
        self._ended.set()

    async def on_batch(self, batch: Batch) -> None:
        """Apply a batch in parts; nothing is awaited while a ledger is touched."""
        for part in batch.parts(PART_RECORDS):
            await self._room()
            if self._leaving:
                return
            again_from = self.assignment.apply(part)
            if again_from is not None:
                await self._app.reader.reseek(TP(batch.topic, batch.partition), again_from)
                return

    async def _room(self) -> None:
        """Give ticks and outputs their turn; wait while too many outputs are unwritten."""
        await asyncio.sleep(0)
        while self.assignment.crowded and not self._ended.is_set():  # noqa: ASYNC110
            await asyncio.sleep(FULL_SECONDS)

    async def on_raw(self, batch: Batch) -> None:
        """Turn a batch of a raw topic into events on the events topic."""
        await self._raw.normalise(batch)
        self.assignment.side_offsets[TP(batch.topic, batch.partition)] = batch.next_offset

    async def on_revoked(self) -> None:
        """Close the last stretch of every partition before the group assigns anew."""
        # Faust also calls this before the very first assignment.
        self.state.rebalances += self.state.assigned
        await self._farewell()
        self.assignment.revoke(list(self.assignment.owned))
        self.assignment.side_offsets.clear()
        self._raw.forget()

    async def on_assigned(self, tps: set[TP]) -> None:
        """Begin with the partitions that are new here; those that came back go on."""
        self._leaving = False
        own = {tp.partition: tp for tp in tps if tp.topic == self.settings.events_topic}
        new = {number: own[number] for number in self.assignment.unknown(own)}
        bounds, committed = await self._positions(list(new.values()))
        self.assignment.take(
            own,
            {number: bounds[tp] for number, tp in new.items()},
            {number: committed[tp] for number, tp in new.items()},
        )
        self.state.assigned = True
        log.info("partitions %s, of these new: %s", sorted(own), sorted(new))

    async def _positions(self, tps: list[TP]) -> tuple[dict[TP, Any], dict[TP, Any]]:
        if not tps:
            return {}, {}
        thread = self._app.reader.thread
        return await thread.bounds(tps), await thread.committed(tps)

    async def _tick_for_ever(self) -> None:
        try:
            while True:
                await asyncio.sleep(self.settings.tick_seconds)
                await self._tick()
        except Exception as error:
            self.fail(error)

    async def _tick(self) -> None:
        """Tick, write, settle. One at a time: stretches are settled in their order."""
        async with self._turn:
            await self._write()
            began = time.perf_counter()
            self._unwritten = self.assignment.tick(self._app.reader.fresh)
            await self._write()
            self.state.ticked(time.perf_counter() - began)

    async def _write(self) -> None:
        """Write what the last tick closed; what a cancelled attempt left is written again."""
        await self._outputs.write(self._unwritten)
        self.assignment.settle(self._unwritten)
        self._unwritten = []

    async def _watch_app(self, app: EdgeApp) -> None:
        """Notice when Faust gave up on its own."""
        while not app.crashed and not app.should_stop:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        reason = getattr(app, "crash_reason", None)
        self.fail(EdgeError(f"the connection to Kafka was given up: {reason or 'no reason given'}"))

    async def _farewell(self) -> None:
        """Tick and commit once more, if the broker lets us within a second."""
        self._leaving = True
        if not self.assignment.owned:
            return
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._tick()
                await self._app.reader.commit()
        except TimeoutError:
            log.warning("no time for the last commit: its records will be read again")
        except Exception as error:
            self.fail(error)

    async def _stop_app(self) -> None:
        if self._error is None:
            await self._farewell()
        with suppress(Exception):
            await self._app.stop()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


def run_worker(
    settings: Settings, rules: Rules, on_started: Callable[[Worker], None] | None = None
) -> None:
    """Run a worker in this process until SIGTERM or SIGINT.

    Raises:
        EdgeError: the worker cannot go on; the text says why and what to do.
        SettingsError: a setting cannot be used.
    """
    configure_logging(settings)
    _calm_collector()
    asyncio.run(_run(settings, rules, on_started))


def _calm_collector() -> None:
    """Look for cycles more rarely: ledgers have none, and looking took a quarter of the time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


async def _run(
    settings: Settings, rules: Rules, on_started: Callable[[Worker], None] | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = Worker(settings, rules)
    telling = asyncio.ensure_future(_tell(worker, on_started))
    try:
        await worker.run(stop)
    finally:
        telling.cancel()


async def _tell(worker: Worker, on_started: Callable[[Worker], None] | None) -> None:
    await worker.started.wait()
    if on_started is not None:
        on_started(worker)
