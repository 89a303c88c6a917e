"""Renderings for all who ask: shared, and at a bounded cost."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from streams.metrics import Exposition
from streams.metrics.renderings import SENT_PER_SECOND, SHARE, Renderings

TEXT = bytes(10_000_000)


@pytest.fixture
def begun(exposition: Exposition) -> list[float]:
    """Return when large texts are rendered from now on, which takes no time."""
    times: list[float] = []

    def large(*, openmetrics: bool = False, compress: bool = False) -> list[bytes]:
        del openmetrics, compress
        times.append(time.monotonic())
        return [TEXT]

    exposition.text = large  # type: ignore[method-assign]
    return times


async def taken(renderings: Renderings, takers: int) -> Sequence[list[bytes]]:
    """What as many clients get that ask at the same time."""
    each = (renderings.get(openmetrics=False, compress=False) for _ in range(takers))
    return await asyncio.gather(*map(asyncio.ensure_future, each))


@pytest.mark.parametrize("takers", [1, 8])
def test_what_a_crowd_is_sent_is_part_of_the_cost(
    exposition: Exposition, begun: list[float], takers: int
) -> None:
    """A text that is rendered at once is sent to all the same: the next one has to wait."""

    async def twice() -> None:
        renderings = Renderings(exposition)
        assert await taken(renderings, takers) == [[TEXT]] * takers
        await taken(renderings, 1)

    asyncio.run(twice())
    first, second = begun
    assert second - first >= takers * len(TEXT) / SENT_PER_SECOND / SHARE - 0.01
