"""The worker: Kafka in, ledgers, Kafka and `/metrics` out.

The ledgers' only inputs are batches and ticks. A tick is made durable in the log; then its totals
are shown and its offset is committed; then its outputs are written. A worker that takes a
partition over is exact before it reads on.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final

from faust.types import TP

from streams import KERNEL
from streams.kafka.app import EdgeApp, build_app
from streams.kafka.assignment import Assignment, Wanted
from streams.kafka.batch import Batch
from streams.kafka.cadence import Cadence
from streams.kafka.clock import SteadyClock
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.errors import EdgeError, crash_error
from streams.kafka.frames import join_frames
from streams.kafka.keeper import TICKS_WORTH_A_SNAPSHOT
from streams.kafka.ledgerlog.ports import LogStore, Source
from streams.kafka.log_on_kafka import KafkaLogs
from streams.kafka.logs import configure_logging
from streams.kafka.memory import GIVE_BACK_SECONDS, give_back, keep_blocks
from streams.kafka.normalise import check_formats
from streams.kafka.outputs import Outputs
from streams.kafka.probe import await_topics
from streams.kafka.raw import RawTopics
from streams.kafka.state import WorkerState
from streams.ledger.rules import Rules
from streams.metrics import Keeping, serve
from streams.settings import Settings

__all__ = ["Worker", "calm_collector", "run_worker"]

log = logging.getLogger(__name__)

FAREWELL_SECONDS: Final = 1.0
"""What a hand-over or a stop may take for the last tick, its outputs and the commit."""
STOP_SECONDS: Final = 2.0
FULL_SECONDS: Final = 0.01
RECOVER_SECONDS: Final = 0.5
PART_RECORDS: Final = 500
"""After so many of them ticks, outputs and scrapes have their turn."""


class Worker:
    """One worker. `state` is what it tells; `started` is set when it reads and serves.

    `bootstrap` overrides the broker of the settings, for an embedded broker that the caller owns.
    """

    def __init__(self, settings: Settings, rules: Rules, bootstrap: str | None = None) -> None:
        check_formats(settings.raw_topics)
        self.settings = settings
        self.assignment = Assignment(
            settings.events_topic,
            settings.ledger_topic,
            rules,
            self,
            writer=settings.instance or f"{socket.gethostname()}-{os.getpid()}",
            accept_loss=settings.accept_loss,
            clock=SteadyClock(),
        )
        self.state = WorkerState(settings, rules, self.assignment)
        self.started = asyncio.Event()
        self.metrics_url = ""
        self._bootstrap = bootstrap
        self._error: BaseException | None = None
        self._ended = asyncio.Event()
        self._turn = asyncio.Lock()
        self._leaving = False
        self._since_turn = 0
        self._is_between = False
        self._cadence = Cadence(settings.tick_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish in order: outputs written, offsets committed.

        Raises:
            EdgeError: the worker cannot go on without losing records; the text says why.
        """
        async with AsyncExitStack() as stack:
            await self._serve(stack)
            bootstrap = self._bootstrap or self._broker(stack)
            self.state.bootstrap = bootstrap
            if await await_topics(self.settings, bootstrap, stop):
                self.state.reached = True
                await self._start(stack, bootstrap)
                self.started.set()
                await _first(stop, self._ended)
        if self._error is not None:
            raise self._error

    async def _serve(self, stack: AsyncExitStack) -> None:
        """Answer from the start: a worker that waits for its broker need not be restarted."""
        endpoint = await serve(self.state, self.settings.metrics_host, self.settings.metrics_port)
        stack.push_async_callback(endpoint.close)
        self.metrics_url = endpoint.url
        log.info("metrics at %s", endpoint.url)

    async def _start(self, stack: AsyncExitStack, bootstrap: str) -> None:
        join_frames()
        self._outputs = Outputs(self.settings, bootstrap)
        await self._outputs.start()
        stack.push_async_callback(_bounded, self._outputs.stop)
        self._logs = KafkaLogs(self.settings, bootstrap)
        await self._logs.start()
        stack.push_async_callback(self._logs.stop)
        refusals = self.state.raw_dead_letters
        self._raw = RawTopics(self.settings, bootstrap, self._outputs, refusals)
        stack.callback(self._raw.close)
        self._app = build_app(self.settings, bootstrap, self.assignment, self)
        stack.push_async_callback(self._stop_app)
        await self._app.start()
        for work in (
            self._for_ever(self._tick_often),
            self._for_ever(self._snapshot_often),
            self._for_ever(self._recover_often),
            self._for_ever(_give_back_often),
            self._watch_app(self._app),
        ):
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

    async def on_events(self, batches: Sequence[Batch]) -> None:
        """Apply each batch, a large one in parts; nothing is awaited while a ledger is touched."""
        for batch in batches:
            await self._apply(batch)
        self.assignment.news.set()

    async def _apply(self, batch: Batch) -> None:
        for part in batch.parts(PART_RECORDS):
            await self._room(len(part.records))
            if self._leaving:
                return
            again_from = self.assignment.apply(part)
            if again_from is not None:
                await self._app.reader.reseek(TP(batch.topic, batch.partition), again_from)
                return

    async def _room(self, records: int) -> None:
        """Give ticks and outputs their turn; wait while too many outputs are unwritten."""
        self._since_turn += records
        if self._since_turn <= PART_RECORDS:
            return
        self._since_turn = records
        await asyncio.sleep(0)
        while self.assignment.crowded and not self._ended.is_set():  # noqa: ASYNC110
            await asyncio.sleep(FULL_SECONDS)

    async def on_raw(self, batches: Sequence[Batch]) -> None:
        """Turn batches of a raw topic into events on the events topic."""
        self.assignment.news.set()
        for batch in batches:
            await self._raw.normalise(batch)
            self.assignment.side_offsets[TP(batch.topic, batch.partition)] = batch.next_offset

    async def on_revoked(self) -> None:
        """Close the last stretch of every partition before the group assigns anew."""
        # Faust also calls this before the very first assignment.
        self.state.rebalances += self.state.assigned
        self.state.assigned = False
        await self._farewell()
        self.assignment.revoke()
        self.assignment.side_offsets.clear()
        self._raw.forget()

    async def on_assigned(self, tps: set[TP]) -> None:
        """Own `tps`: what is new here is loaded from its log, what came back goes on."""
        self._leaving = False
        own = [tp.partition for tp in tps if tp.topic == self.settings.events_topic]
        await self.assignment.take(own)
        self.state.assigned = True
        loaded = {n: f"{s:.2f} s" for n, s in self.assignment.recovery_seconds.items()}
        log.info("partitions %s, loaded in %s", sorted(own), loaded)

    @property
    def outputs(self) -> Outputs:
        """Where promise events and dead letters go."""
        return self._outputs

    def log(self, partition: int) -> LogStore:
        """Return the log of `partition`."""
        return self._logs.log(partition)

    def source(self, partition: int) -> Source:
        """Return the events of `partition`, outside the group."""
        return self._logs.source(partition)

    async def committed(self, partition: int) -> int | None:
        """Return the offset the group has committed."""
        tp = TP(self.settings.events_topic, partition)
        return (await self._app.reader.thread.committed([tp]))[tp]

    async def is_member(self) -> bool:
        """Return whether the group accepts a commit of this worker now."""
        return await self._app.reader.thread.is_member()

    async def seek(self, partition: int, offset: int) -> None:
        """Have the next batch of `partition` begin at `offset`."""
        await self._app.reader.reseek(TP(self.settings.events_topic, partition), offset)

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            while True:
                await step()
        except Exception as error:
            self.fail(error)

    async def _tick_often(self) -> None:
        in_time = await self._cadence.wait(self.assignment.news, self._is_due)
        await self._tick(self._wanted() if in_time else Wanted.BREACHES)

    def _wanted(self) -> Wanted:
        """Return which partitions have the next tick in its time: of few records every other."""
        self._is_between = not self._is_between
        return Wanted.MUCH if self._is_between else Wanted.NEWS

    def _is_due(self) -> bool:
        return self.assignment.is_due(self._app.reader.fresh)

    async def _tick(self, wanted: Wanted = Wanted.ALL) -> None:
        """Tick once; one at a time."""
        async with self._turn:
            clock = asyncio.get_running_loop().time
            began, cost = clock(), time.thread_time()
            await self.assignment.tick(self._app.reader.fresh, wanted)
            self._cadence.note(time.thread_time() - cost)
            self.state.ticked(clock() - began)

    async def _snapshot_often(self) -> None:
        """Write a snapshot of one partition after the other, each once in `snapshot_seconds`."""
        numbers = sorted(self.assignment.keepers)
        share = self.settings.snapshot_seconds / max(1, len(numbers))
        if not numbers:
            await asyncio.sleep(RECOVER_SECONDS)
        for number in numbers:
            await asyncio.sleep(share)
            if not self._leaving:
                await self._snapshot(number)

    async def _snapshot(self, number: int) -> None:
        keeper = self.assignment.keepers.get(number)
        if keeper is None or keeper.ticks_since_snapshot < TICKS_WORTH_A_SNAPSHOT:
            return
        began = time.perf_counter()
        size = await self.assignment.snapshot(number, self._app.reader.fresh)
        if size is not None:
            self.state.snapshotted(number, time.perf_counter() - began, size)
            self.state.untrimmed[number] = not await keeper.trim()

    async def _recover_often(self) -> None:
        await asyncio.sleep(RECOVER_SECONDS)
        await self.assignment.recover()

    async def _watch_app(self, app: EdgeApp) -> None:
        """Notice when Faust gave up on its own."""
        await app.wait()
        self.fail(crash_error(getattr(app, "crash_reason", None)))

    async def _farewell(self) -> None:
        """Tick and commit once more, if the broker lets us within a second."""
        self._leaving = True
        self.assignment.call_off_snapshots()
        if not self.assignment.keepers:
            return
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._tick()
                await self._app.reader.commit()
        except TimeoutError:
            log.warning("no time for a last tick: the next owner reads a little more")
        except Exception as error:
            self.fail(error)

    async def _stop_app(self) -> None:
        if self._error is None:
            await self._farewell()
        await _bounded(self._app.stop)


async def _give_back_often() -> None:
    await asyncio.sleep(GIVE_BACK_SECONDS)
    # It takes some milliseconds, in which no batch has to wait.
    await asyncio.to_thread(give_back)


async def _bounded(stop: Callable[[], Awaitable[None]]) -> None:
    """Stop a client, but not for ever: with the broker away it would wait for its return."""
    with suppress(Exception):
        async with asyncio.timeout(STOP_SECONDS):
            await stop()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


def run_worker(
    settings: Settings,
    rules: Rules,
    on_started: Callable[[Worker], None] | None = None,
    keeping: Keeping | None = None,
) -> None:
    """Run a worker in this process until SIGTERM or SIGINT.

    `keeping` tells what was promised beyond the rules: opening hours, and the text at /slo.

    Raises:
        EdgeError: the worker cannot go on; the text says why and what to do.
        SettingsError: a setting cannot be used.
    """
    configure_logging(settings)
    keep_blocks()
    calm_collector()
    asyncio.run(_run(settings, rules, on_started, keeping))


def calm_collector() -> None:
    """Have the collector look at little at a time, and never at all there is.

    A ledger has no cycles, but in plain Python all of it would be looked at, for seconds. Of 1,000
    young objects a look takes a millisecond, and of 8,000 six; of 20,000 and 200,000, cold by
    then, it took up to 42 and 77, in which no batch is applied.
    """
    gc.freeze()
    gc.set_threshold(1_000, 8, 120_000)


async def _run(
    settings: Settings,
    rules: Rules,
    on_started: Callable[[Worker], None] | None,
    keeping: Keeping | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = Worker(settings, rules)
    worker.state.keeping = keeping
    telling = asyncio.ensure_future(_tell(worker, on_started))
    try:
        await worker.run(stop)
    finally:
        telling.cancel()


async def _tell(worker: Worker, on_started: Callable[[Worker], None] | None) -> None:
    await worker.started.wait()
    level = logging.WARNING if KERNEL.is_stale else logging.INFO
    log.log(level, "kernel of the ledger: %s", KERNEL)
    if on_started is not None:
        on_started(worker)
