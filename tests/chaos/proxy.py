"""A TCP proxy that can cut, swallow and delay what goes through it; it rewrites nothing."""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Literal, TypeAlias, TypeVar

__all__ = ["Mode", "Proxies", "Proxy"]

T = TypeVar("T")

Mode: TypeAlias = Literal["pass", "cut", "swallow", "delay"]
"""`cut`: connections are reset and refused; `swallow`: they stay open and nothing arrives;
`delay`: every byte arrives late, in order."""

CHUNK: Final = 65_536
LINE_CHUNKS: Final = 1000
DELAY_SECONDS: Final = 0.15


class Proxy:
    """Passes what comes in at `port` on to `target`, both on the loopback."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.delay = DELAY_SECONDS
        self._mode: Mode = "pass"
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Close everything."""
        await self.become("cut")
        for task in self._tasks:
            task.cancel()

    async def become(self, mode: Mode, delay: float = DELAY_SECONDS) -> None:
        """Treat old and new connections as `mode` has it."""
        self._mode, self.delay = mode, delay
        if mode == "swallow":
            self._open.clear()
        else:
            # What was swallowed belongs to connections that are of no use any more.
            self._reset(all_of_them=mode == "cut" or not self._open.is_set())
            self._open.set()
        if mode == "cut" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "cut" and self._server is None:
            await self.start()

    def _reset(self, *, all_of_them: bool) -> None:
        for writer in list(self._writers) if all_of_them else []:
            sock = writer.get_extra_info("socket")
            with suppress(OSError, AttributeError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(far_writer)
        ways = [
            asyncio.ensure_future(self._pump(reader, far_writer)),
            asyncio.ensure_future(self._pump(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._writers.discard(far_writer)
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on until either side closes."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(LINE_CHUNKS)
        leaving = asyncio.ensure_future(self._leave(line, writer))
        try:
            while chunk := await reader.read(CHUNK):
                late = self.delay if self._mode == "delay" else 0.0
                await line.put((time.monotonic() + late, chunk))
            await line.join()
        except OSError:
            pass
        finally:
            leaving.cancel()

    async def _leave(
        self, line: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        """Write what is on the line when its time has come, in order."""
        with suppress(OSError):
            while True:
                due, chunk = await line.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await self._open.wait()
                writer.write(chunk)
                await writer.drain()
                line.task_done()


class Proxies:
    """All proxies of a run, on a loop in a thread of its own."""

    def __init__(self, ways: dict[tuple[int, int], tuple[int, int]]) -> None:
        """`ways`: by (slot of the worker, node of the broker) the port and its target."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._proxies = {way: self._do(self._made(*ports)) for way, ports in ways.items()}

    async def _made(self, port: int, target: int) -> Proxy:
        proxy = Proxy(port, target)
        await proxy.start()
        return proxy

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def become(
        self, slot: int, mode: Mode, node: int | None = None, delay: float = DELAY_SECONDS
    ) -> None:
        """Treat the ways of the worker in `slot` (to one broker, or to all) as `mode` has it."""
        for (each, broker), proxy in self._proxies.items():
            if each == slot and node in (None, broker):
                self._do(proxy.become(mode, delay))

    def close(self) -> None:
        """End all of them."""
        for proxy in self._proxies.values():
            self._do(proxy.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()
