"""An event loop of virtual time, whose only sources of order are a clock and a seeded chance.

Nothing is waited for: when nothing is ready the clock jumps to the next timer. Of the callbacks
that are ready any may run next, as far as asyncio promises no order between tasks. Every callback
belongs to the `Process` in whose context it was scheduled; that process can be paused (its
callbacks wait until it wakes) or killed (they never run: a crash at any await).
"""

import asyncio
import contextvars
import heapq
import sys
from collections.abc import Callable
from random import Random
from typing import Any, Final

__all__ = ["PROCESS", "Process", "VirtualLoop", "running"]


class Process:
    """What lives and dies as one: a worker in one of its incarnations."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.steps_to_live: int | None = None
        """so many callbacks still run before it is killed"""
        self.waiting: list[asyncio.Handle] = []
        self.cut_until = 0.0
        """until when (seconds of the run) no broker can be reached from it"""

    def kill(self) -> None:
        """Let nothing of it ever run again."""
        self.is_dead = True
        self.waiting.clear()

    @property
    def is_running(self) -> bool:
        """Whether its code can run now."""
        return not (self.is_dead or self.is_paused)


PROCESS: Final[contextvars.ContextVar[Process | None]] = contextvars.ContextVar(
    "PROCESS", default=None
)


def running() -> Process:
    """Return the process whose code is running."""
    process = PROCESS.get()
    assert process is not None
    return process


class VirtualLoop:
    """Runs callbacks in an order drawn from `chance`; `errors` collects what nobody handled."""

    def __init__(self, chance: Random) -> None:
        # All of asyncio that is used here, and not a class with every method of a real loop.
        self._this: Any = self
        self.now = 0.0
        self.errors: list[str] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.steps = 0
        self._chance = chance.random
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self._generators: list[Any] = []

    def time(self) -> float:
        """Return the virtual time in seconds since the loop was made."""
        return self.now

    def get_debug(self) -> bool:
        """Return False: asyncio would look at the real clock."""
        return False

    def is_running(self) -> bool:
        """Return True: nothing of asyncio is used outside of a run."""
        return True

    def is_closed(self) -> bool:
        """Return False."""
        return False

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        """Have `callback` run at this instant of virtual time."""
        handle = asyncio.Handle(callback, args, self._this, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Have `callback` run `delay` seconds from now."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Have `callback` run at `when`."""
        handle = asyncio.TimerHandle(when, callback, args, self._this, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Keep it: a cancelled timer is skipped when it comes up."""

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self._this)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        """Return a task of this loop; it is remembered until the loop is closed."""
        task = asyncio.Task(coro, loop=self._this, name=name, context=context)
        self.tasks.append(task)
        return task

    def run_in_executor(
        self,
        executor: Any,  # noqa: ARG002 - there are no threads here
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Run `func` inline, a little later."""
        done: asyncio.Future[Any] = asyncio.Future(loop=self._this)
        self.call_later(self._chance() * 0.02, self._execute, done, func, args)
        return done

    def _execute(self, done: asyncio.Future[Any], func: Callable[..., Any], args: Any) -> None:
        if done.cancelled():
            return
        try:
            result = func(*args)
        except Exception as error:
            done.set_exception(error)
        else:
            self.call_later(self._chance() * 0.01, _fulfil, done, result)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Remember what no code handled."""
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {error!r}")

    async def shutdown_asyncgens(self) -> None:
        """Do nothing: `close` ends them."""

    def run_until(self, end: float) -> None:
        """Run what is due until the virtual time `end`."""
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(self._generators.append, _leave)
        asyncio._set_running_loop(self._this)
        try:
            while self._ready or (self._timers and self._timers[0][0] <= end):
                self._step()
        finally:
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)
        self.now = max(self.now, end)

    def _step(self) -> None:
        ready, timers = self._ready, self._timers
        if not ready:
            self.now = max(self.now, timers[0][0])
        while timers and timers[0][0] <= self.now:
            ready.append(heapq.heappop(timers)[2])
        last = len(ready) - 1
        chosen = int(self._chance() * (last + 1))
        handle = ready[chosen]
        ready[chosen] = ready[last]
        ready.pop()
        if not handle._cancelled:
            self._run(handle)

    def _run(self, handle: Any) -> None:
        process = handle._context.get(PROCESS)
        if process is not None:
            if process.is_dead:
                return
            if process.is_paused:
                process.waiting.append(handle)
                return
            if process.steps_to_live is not None:
                if process.steps_to_live <= 0:
                    process.kill()
                    return
                process.steps_to_live -= 1
        self.steps += 1
        handle._run()

    def pause(self, process: Process) -> None:
        """Stop a process as SIGSTOP does."""
        process.is_paused = True

    def wake(self, process: Process) -> None:
        """Let a paused process go on: what came up meanwhile comes now, in any order."""
        if process.is_paused:
            process.is_paused = False
            self._ready += process.waiting
            process.waiting = []

    def close(self) -> None:
        """End every task without letting its code act on the world any more."""
        self._ready.clear()
        self._timers.clear()
        for task in self.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if task.done():
                if not task.cancelled():
                    task.exception()
            else:
                _end(task.get_coro())
        for generator in self._generators:
            _end(generator.aclose())
        self.tasks.clear()
        self._generators.clear()


def _end(coroutine: Any) -> None:
    # What still waits while it ends, or is ended from within another, is left as it is.
    for _ in range(5):
        try:
            coroutine.close()
        except (RuntimeError, ValueError):
            continue
        return


def _leave(generator: Any) -> None:
    """Let the loop's own list decide when a generator ends."""


def _fulfil(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)
