"""Showing the chain until time is up or somebody interrupts it."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.live import Live

from streams.demo.centre import current_outage, next_outage
from streams.demo.chain import Chain, running
from streams.demo.plain import plain_head, plain_line, summary
from streams.demo.view import Scene, render
from streams.instants import SECOND
from streams.simulate import DEMO_HOUR

__all__ = ["Options", "run_demo"]

REFRESH_SECONDS: Final = 0.25
PLAIN_SECONDS: Final = 1.0

Show = Callable[[Chain, Scene], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the demo was asked for; `seconds` None means until it is interrupted."""

    seconds: float | None = None
    seed: int = 1
    plain: bool = False
    with_alerts: bool = True
    """start Prometheus and Alertmanager, if they are installed"""


def run_demo(options: Options) -> bool:
    """Run the demo on stdout; return False if it was interrupted.

    Raises:
        EdgeError: the broker or the worker does not work.
        StackError: Prometheus or Alertmanager does not start.
    """
    return asyncio.run(_Demo(options).run())


class _Demo:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._over = asyncio.Event()
        self._interrupted = False
        self._failure: BaseException | None = None

    async def run(self) -> bool:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt)
        print("starting broker, worker and monitoring ...", file=sys.stderr)
        options = self._options
        chain = running(options.seed, with_alerts=options.with_alerts, fail=self._fail)
        async with chain as started:
            await self._show(started)
            print("stopping ...", file=sys.stderr)
        if self._failure is not None:
            raise self._failure
        print(summary(started.board))
        return not self._interrupted

    def _interrupt(self) -> None:
        self._interrupted = True
        self._over.set()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._over.set()

    async def _show(self, chain: Chain) -> None:
        began = time.monotonic()
        every = PLAIN_SECONDS if self._options.plain else REFRESH_SECONDS
        with _plain() if self._options.plain else _live() as show:
            while not self._over.is_set():
                elapsed = time.monotonic() - began
                show(chain, _scene(chain, elapsed))
                left = every if self._options.seconds is None else self._options.seconds - elapsed
                if left <= 0:
                    return
                await self._wait(min(every, left))

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return


def _scene(chain: Chain, elapsed: float) -> Scene:
    """Look at everything at one moment."""
    now = time.time_ns() // 1000
    chain.board.look(chain.state, now)
    return Scene(
        elapsed=elapsed,
        now=now,
        hour=DEMO_HOUR // SECOND,
        outage=_outage(chain, now),
        news=_news(chain, now),
        alerts=None if chain.hook is None else chain.hook.alerts(),
        addresses=chain.addresses,
    )


def _outage(chain: Chain, now: int) -> str | None:
    found = current_outage(chain.config, now)
    if found is None:
        return None
    outage, lasted = found
    left = (outage.lasts - lasted) // SECOND
    return f"the agents of {outage.queue} have left their desks; they are back in {left} s"


def _news(chain: Chain, now: int) -> str:
    wait = next_outage(chain.config, now)
    if wait is None:
        return "all agents are at their desks"
    return f"all agents are at their desks; the next outage begins in {wait // SECOND} s"


@contextmanager
def _live() -> Iterator[Show]:
    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show(chain: Chain, scene: Scene) -> None:
            live.update(render(chain.board, scene, *console.size), refresh=True)

        yield show


@contextmanager
def _plain() -> Iterator[Show]:
    told_head = False

    def show(chain: Chain, scene: Scene) -> None:
        nonlocal told_head
        if not told_head:
            print(plain_head(scene), flush=True)
            told_head = True
        print(plain_line(chain.board, scene), flush=True)

    yield show
