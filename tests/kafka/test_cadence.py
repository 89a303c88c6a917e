"""When the next tick comes. A long time here is one that no test could wait for."""

import asyncio
import time
from collections.abc import Callable

from streams.kafka.cadence import SOONEST, Cadence

LONG = 1000.0


def waited(cadence: Cadence, is_due: Callable[[], bool], news_after: float | None = None) -> float:
    """How long the next tick was waited for; there is news after so many seconds."""

    async def work() -> float:
        news, begun = asyncio.Event(), time.monotonic()
        if news_after is not None:
            asyncio.get_running_loop().call_later(news_after, news.set)
        await cadence.wait(news, is_due)
        return time.monotonic() - begun

    return asyncio.run(work())


def test_without_news_a_tick_comes_in_its_time() -> None:
    """Whatever the worker is busy with."""
    assert waited(Cadence(0.3), lambda: False) >= 0.3


def test_what_is_due_is_told_soon() -> None:
    """Not before the shortest time, and long before the longest."""
    assert SOONEST <= waited(Cadence(LONG), lambda: True) < LONG / 2


def test_news_is_looked_at_when_it_comes() -> None:
    """A deadline may be fired when a fetch has confirmed that nothing came before it."""
    asked: list[float] = []

    def is_due() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 2

    assert SOONEST + 0.1 <= waited(Cadence(LONG), is_due, news_after=SOONEST + 0.1) < LONG / 2
    assert len(asked) == 2


def test_a_tick_that_is_due_keeps_its_distance_from_the_last_one() -> None:
    """However soon there is news after it; at the end of that it is looked at no more."""
    asked: list[float] = []

    def is_due() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 2

    assert SOONEST <= waited(Cadence(LONG), is_due, news_after=0.01) < LONG / 2
    assert len(asked) == 2


def test_the_distance_is_from_one_beginning_to_the_next() -> None:
    """A fetch comes as soon after a tick that waited for its broker as after any other."""

    async def work() -> float:
        cadence, news = Cadence(LONG), asyncio.Event()
        await cadence.wait(news, lambda: True)
        begun = time.monotonic()
        await asyncio.sleep(SOONEST)
        await cadence.wait(news, lambda: True)
        return time.monotonic() - begun

    assert SOONEST <= asyncio.run(work()) < 1.8 * SOONEST


def test_without_news_nothing_is_looked_at_again() -> None:
    """Nothing can have come due: a worker that rests does nothing for it."""
    asked: list[float] = []

    def is_due() -> bool:
        asked.append(time.monotonic())
        return False

    assert waited(Cadence(0.3), is_due) >= 0.3
    assert len(asked) == 1


def test_ticks_ahead_of_their_time_do_not_put_off_the_next_one_for_all() -> None:
    """However often somebody waits to be told, everything is told in its time."""

    async def work() -> tuple[list[bool], float]:
        cadence, news, begun = Cadence(0.35), asyncio.Event(), time.monotonic()
        found: list[bool] = []
        while not any(found):
            found.append(await cadence.wait(news, lambda: True))
        return found, time.monotonic() - begun

    found, took = asyncio.run(work())
    assert 2 <= len(found) <= 0.35 / SOONEST + 1
    assert 0.35 <= took < 0.35 + SOONEST


def test_ticks_that_cost_much_are_made_less_often() -> None:
    """They take a tenth of the time at most, as long as they come in their time."""
    cadence = Cadence(0.5)
    assert cadence.least == SOONEST
    cadence.note(0.03)
    assert round(cadence.least, 6) == 0.3
    cadence.note(4.0)
    assert cadence.least == 0.5


def test_a_cadence_that_was_asked_for_is_kept() -> None:
    """`tick_seconds` below the shortest time means that."""
    assert Cadence(0.05).least == 0.05
