"""Messages handed on: as Faust does it, without its tasks as long as there is room."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mode.services import Service, WaitResults

from streams.kafka.handing import HandsOnAtOnce

Work = Callable[[Service], Awaitable[Any]]


class Plain(Service):
    """As Faust's consumer is."""


class Ours(HandsOnAtOnce, Plain):
    """As ours is."""


def run(cls: type[Service], work: Work) -> Any:
    async def whole() -> Any:
        return await work(cls())

    return asyncio.run(whole())


async def never() -> None:
    await asyncio.Event().wait()


async def at_once(value: str) -> str:
    return value


async def later(value: str) -> str:
    for _ in range(3):
        await asyncio.sleep(0.001)
    return value


async def fails(*, wait: bool) -> None:
    if wait:
        await asyncio.sleep(0.001)
    raise ValueError("no")


def told(found: WaitResults) -> tuple[list[Any], bool]:
    return found.results, found.stopped


@pytest.mark.parametrize("first", [at_once, later])
def test_what_is_handed_on_is_told_as_faust_tells_it(first: Any) -> None:
    """Whether it had to wait or not."""

    async def work(service: Service) -> Any:
        return told(await service.wait_first(first("handed"), never()))

    assert run(Ours, work) == run(Plain, work) == (["handed"], False)


def test_with_room_no_task_is_made() -> None:
    """There is nothing to race with."""

    async def work(service: Service) -> int:
        made: list[Any] = []

        def make(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
            made.append(coro)
            return asyncio.Task(coro, loop=loop, **options)

        asyncio.get_running_loop().set_task_factory(make)
        await service.wait_first(at_once("handed"), never())
        return len(made)

    assert run(Ours, work) == 0
    assert run(Plain, work) == 4


@pytest.mark.parametrize("wait", [False, True])
def test_an_error_comes_out(wait: bool) -> None:
    """Before its first wait and after it."""

    async def work(service: Service) -> None:
        await service.wait_first(fails(wait=wait), never())

    for cls in (Ours, Plain):
        with pytest.raises(ValueError, match="no"):
            run(cls, work)


@pytest.mark.parametrize("cls", [Ours, Plain])
def test_a_suspended_flow_ends_the_wait(cls: type[Service]) -> None:
    """What was to be handed on is cancelled where it waits."""
    ended: list[str] = []

    async def full() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def work(service: Service) -> Any:
        found = await service.wait_first(full(), later("suspended"))
        await asyncio.sleep(0)
        return told(found)

    assert run(cls, work) == (["suspended"], False)
    assert ended == ["cancelled"]


@pytest.mark.parametrize("cls", [Ours, Plain])
def test_a_stop_ends_the_wait(cls: type[Service]) -> None:
    """Nothing is said to have been handed on."""

    async def work(service: Service) -> Any:
        asyncio.get_running_loop().call_later(0.01, service._stopped.set)
        return told(await service.wait_first(never(), never()))

    assert run(cls, work) == ([], True)


@pytest.mark.parametrize("cls", [Ours, Plain])
def test_a_cancelled_wait_is_cancelled(cls: type[Service]) -> None:
    """The consumer that is stopped in the middle."""

    async def work(service: Service) -> None:
        waiting = asyncio.ensure_future(service.wait_first(never(), never()))
        await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(cls, work)


def test_to_sleep_for_no_time_lets_the_others_on() -> None:
    """Without a timer and tasks for it; any other time is slept as Faust does it."""

    async def work(service: Service) -> tuple[list[str], float]:
        done: list[str] = []
        asyncio.get_running_loop().call_soon(done.append, "other")
        await service.sleep(0)
        done.append("slept")
        begun = asyncio.get_running_loop().time()
        await service.sleep(0.05)
        return done, asyncio.get_running_loop().time() - begun

    for cls in (Ours, Plain):
        done, took = run(cls, work)
        assert done == ["other", "slept"]
        assert took >= 0.05
