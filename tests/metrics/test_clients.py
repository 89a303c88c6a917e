"""A connection is closed whenever the endpoint stops, at whatever step of taking it."""

import asyncio
import gc
import socket
import warnings

import pytest

from streams.metrics import Exposition
from streams.metrics.clients import Clients, Limits
from streams.metrics.site import Site


async def stopped_after(steps: int, exposition: Exposition) -> None:
    """Stop `steps` turns of the loop after a client has come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        clients = Clients(listener, Site(exposition), Limits())
        accepting = asyncio.create_task(clients.accept())
        await asyncio.sleep(0)
        with socket.create_connection(listener.getsockname()):
            for _ in range(steps):
                await asyncio.sleep(0)
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            await clients.finish(1.0)


@pytest.mark.parametrize("steps", range(8))
def test_stopping_leaves_no_connection_to_the_collector(exposition: Exposition, steps: int) -> None:
    """A client that was just taken, and one whose task has not begun, are closed as well."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(stopped_after(steps, exposition))
        gc.collect()
    assert [str(each.message) for each in caught] == []
