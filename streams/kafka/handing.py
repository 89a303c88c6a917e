"""Messages from Faust's consumer to its agents, for less: the way is the same.

For each message Faust has four tasks race: to hand it on, and to hear that the flow is suspended,
the consumer stopped or crashed. As long as the agent's queue has room the first one wins with its
first step, so that one is made before there is any race.
"""

import asyncio
from asyncio import iscoroutine
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any

import faust
from mode.services import Service, WaitResults
from mode.utils.times import Seconds

__all__ = ["AsItIs", "HandsOnAtOnce"]


class AsItIs(faust.Schema[Any, Any]):
    """A message's value without a serializer: a batch is one already. Keys are not used."""

    def loads_key(self, *_: Any, **__: Any) -> Any:
        """Return no key."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002
        """Return the value as it came."""
        return message.value


class HandsOnAtOnce(Service):
    """A service that, where Faust waits for the first of two, tries the first one at once."""

    async def sleep(self, n: Seconds) -> None:
        """See `Service.sleep`; for no time at all it makes no timer and no task."""
        await (super().sleep(n) if n else asyncio.sleep(0))

    async def wait_first(self, *coros: Any, **options: Any) -> WaitResults:
        """See `Service.wait_first`."""
        if len(coros) == 2 and all(map(iscoroutine, coros)):
            first, other = coros
            try:
                coros = (_GoOn(first, first.send(None)), other)
            except StopIteration as end:
                other.close()
                return WaitResults([first], [end.value], stopped=False)
            except BaseException:
                other.close()
                raise
        return await super().wait_first(*coros, **options)


class _GoOn:
    """The rest of a coroutine that has come to where it waits."""

    def __init__(self, coro: Coroutine[Any, Any, Any], waited: Any) -> None:
        self._coro = coro
        self._waited = waited

    def __await__(self) -> Generator[Any, Any, Any]:
        waited = self._waited
        while True:
            try:
                step = partial(self._coro.send, (yield waited))
            except BaseException as error:
                step = partial(self._coro.throw, error)
            try:
                waited = step()
            except StopIteration as end:
                return end.value
