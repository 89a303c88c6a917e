"""A running endpoint follows its worker."""

import asyncio

import pytest
from ledger_workers import Worker

from streams.metrics import serve


def test_who_waits_for_a_worker_to_be_ready_is_told_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not only with the next publication that would come anyway: a take-over waits for it."""
    monkeypatch.setattr("streams.metrics.serving.PUBLISH_SECONDS", 60.0)
    worker = Worker(unready="partition 3 is being recovered")

    async def serving() -> None:
        running = await serve(worker, port=0)
        try:
            running.publish()
            await asyncio.sleep(0.05)
            worker.unready = None
            async with asyncio.timeout(5):
                while running._exposition.unready() is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        finally:
            await running.close()

    asyncio.run(serving())
