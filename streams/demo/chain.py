"""The parts of the demo, started one after the other and taken down in the opposite order.

Everything lives in this process and on loopback, except Prometheus and Alertmanager, which are
children with their files in a temporary folder.
"""

import asyncio
import io
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from streams.demo.alerts import Hook
from streams.demo.board import Board
from streams.demo.centre import centre, objective
from streams.demo.feed import Feed
from streams.demo.promises import PromiseReader
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.logs import configure_logging
from streams.kafka.state import WorkerState
from streams.kafka.worker import Worker
from streams.ledger import Rules
from streams.metrics import DEFAULT_PORT
from streams.settings import Settings
from streams.simulate import CentreConfig
from streams.slo.alertmanager import Receivers
from streams.slo.local_stack import LocalStack, missing_programs, monitoring

__all__ = ["Chain", "running"]

HOST: Final = "127.0.0.1"
PARTITIONS: Final = 4

Fail = Callable[[BaseException], None]


@dataclass(frozen=True, slots=True)
class Chain:
    """The running chain, as far as there is something to see."""

    state: WorkerState
    board: Board
    config: CentreConfig
    hook: Hook | None
    """receives alerts; None: Prometheus and Alertmanager are not running"""
    addresses: dict[str, str]


@asynccontextmanager
async def running(seed: int, *, with_alerts: bool, fail: Fail) -> AsyncIterator[Chain]:
    """Run the chain; the centre's clock starts when this yields.

    `fail` is called on the loop's thread with what ends a part before its time.

    Raises:
        EdgeError: the broker or the worker does not start.
        StackError: Prometheus or Alertmanager does not start.
    """
    board, settings = Board(), _settings()
    configure_logging(settings, io.StringIO())
    async with AsyncExitStack() as stack:
        broker = EmbeddedBroker(dict.fromkeys(settings.topics, PARTITIONS))
        stack.callback(broker.close)
        starting = _worker(settings, objective().rules(), broker.bootstrap, fail)
        worker = await stack.enter_async_context(starting)
        reader = PromiseReader(settings, broker.bootstrap, board.note)
        await stack.enter_async_context(reader)
        hook = stack.enter_context(Hook()) if with_alerts and not missing_programs() else None
        programs = await stack.enter_async_context(_monitoring(worker, hook))
        config = centre(time.time_ns() // 1000)
        feed = _feed(settings, broker.bootstrap, config, seed, fail)
        stack.callback(feed.stop)
        feed.start()
        addresses = _addresses(worker, programs, broker)
        yield Chain(worker.state, board, config, hook, addresses)


def _settings() -> Settings:
    """Settings of its own: those of a production worker in the environment are none of the demo."""
    return Settings(
        partitions=PARTITIONS, metrics_port=_port(), metrics_host=HOST, log_level="error"
    )


def _port() -> int:
    """The usual port, or any if that one is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT


@asynccontextmanager
async def _worker(
    settings: Settings, rules: Rules, bootstrap: str, fail: Fail
) -> AsyncIterator[Worker]:
    worker, stop = Worker(settings, rules, bootstrap), asyncio.Event()
    work = asyncio.create_task(worker.run(stop))
    started = asyncio.create_task(worker.started.wait())
    await asyncio.wait((work, started), return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    if work.done():
        await work
    work.add_done_callback(lambda task: _tell(task, fail))
    try:
        yield worker
    finally:
        stop.set()
        await asyncio.gather(work, return_exceptions=True)


def _tell(task: "asyncio.Task[None]", fail: Fail) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        fail(error)


@asynccontextmanager
async def _monitoring(worker: Worker, hook: Hook | None) -> AsyncIterator[LocalStack | None]:
    if hook is None:
        yield None
        return
    address = urlsplit(worker.metrics_url).netloc
    manager = monitoring(address, objective(), Receivers(url=hook.url))
    programs = await asyncio.to_thread(manager.__enter__)
    try:
        yield programs
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


def _feed(settings: Settings, bootstrap: str, config: CentreConfig, seed: int, fail: Fail) -> Feed:
    loop = asyncio.get_running_loop()

    def failed(error: Exception) -> None:
        loop.call_soon_threadsafe(fail, error)

    return Feed(settings, bootstrap, config, seed, failed)


def _addresses(
    worker: Worker, programs: LocalStack | None, broker: EmbeddedBroker
) -> dict[str, str]:
    addresses = {"metrics": worker.metrics_url.rstrip("/") + "/metrics"}
    if programs is not None:
        addresses["Prometheus"] = programs.prometheus
        addresses["Alertmanager"] = programs.alertmanager
    addresses["Kafka"] = broker.bootstrap
    return addresses
