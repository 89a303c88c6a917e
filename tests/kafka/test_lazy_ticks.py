"""A quiet worker appends to its log when there is something to tell, and now and then a tick."""

import asyncio

import pytest
from assignments import BASE, assignment, calls, take_in, tick_count
from faust.types import TP
from log_in_memory import Clock, MemoryPorts
from records import TOPIC

from streams.events import CallOffered
from streams.instants import SECOND
from streams.kafka.assignment import MUCH, SOON, Wanted
from streams.kafka.batch import Fresh
from streams.kafka.partition import IDLE
from streams.ledger import Rules

DUE = BASE + Rules().default.answer_target + Rules().grace


def fresh(ports: MemoryPorts, asked: int) -> dict[TP, Fresh]:
    """What a fetch says that found all there is."""
    return {TP(TOPIC, 0): Fresh(asked, ports.source(0).end)}


def test_without_news_a_tick_comes_once_a_second() -> None:
    """It tells nothing but the time."""
    ports, clock = MemoryPorts(), Clock(BASE)

    async def work() -> list[int]:
        one, found = assignment(ports, clock), []
        await one.take([0])
        for _ in range(10):
            await one.tick(fresh(ports, clock()), Wanted.NEWS)
            found.append(tick_count(ports.log(0)))
            clock.advance(0.25)
        return found

    assert asyncio.run(work()) == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]


def test_a_tick_that_is_not_lazy_is_made() -> None:
    """The last one before a hand-over."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        await one.tick({})
        await one.tick({})

    asyncio.run(work())
    assert tick_count(ports.log(0)) == 2


def test_records_are_told_with_the_next_tick() -> None:
    """Which comes in its time: a quarter of a second is soon enough for what is no breach."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        await one.tick({}, Wanted.NEWS)
        ports.source(0).extend(calls(3))
        take_in(one, ports)
        assert not one.is_due(fresh(ports, BASE))
        await one.tick(fresh(ports, BASE), Wanted.NEWS)

    asyncio.run(work())
    assert tick_count(ports.log(0)) == 2


def test_while_a_backlog_is_read_nothing_is_due() -> None:
    """Ticks come in their time: more of them would only take it from the reading."""
    ports = MemoryPorts()

    async def work() -> None:
        one = assignment(ports)
        await one.take([0])
        await one.tick({}, Wanted.NEWS)
        ports.source(0).extend(calls(3))
        take_in(one, ports)
        ports.source(0).extend(calls(9, first=3))
        assert not one.is_due(fresh(ports, BASE))

    asyncio.run(work())


@pytest.mark.parametrize(("confirmed", "is_due"), [(DUE - SECOND, False), (DUE, True)])
def test_a_deadline_is_due_when_nothing_can_come_before_it(confirmed: int, is_due: bool) -> None:
    """The tick comes with the fetch that says so, at once."""
    ports, clock = MemoryPorts(), Clock(BASE + SECOND)

    async def work() -> None:
        one = assignment(ports, clock)
        await one.take([0])
        ports.source(0).extend(calls(1))
        take_in(one, ports)
        clock.now = DUE - IDLE // 2
        await one.tick(fresh(ports, BASE + SECOND), Wanted.NEWS)
        clock.now = DUE + SECOND // 5
        assert one.is_due(fresh(ports, confirmed)) is is_due
        await one.tick(fresh(ports, confirmed), Wanted.NEWS)
        shown = one.owned[0].exported.totals.queues.get("__none__")
        assert (shown is not None and shown.counts["answer", "broken"] == 1) is is_due

    asyncio.run(work())


def test_a_worker_is_calm_unless_a_deadline_comes_soon() -> None:
    """Then a fetch may take its time: nobody has to know soon that nothing came."""
    ports, clock = MemoryPorts(), Clock(BASE)

    async def work() -> list[bool]:
        one, found = assignment(ports, clock), []
        await one.take([0])
        ports.source(0).extend(calls(1))
        for later in (0, 5, 9, 11):
            clock.now = BASE + later * SECOND
            await one.tick(fresh(ports, clock.now), Wanted.NEWS)
            found.append(one.is_calm)
            take_in(one, ports)
        return found

    assert asyncio.run(work()) == [True, True, False, False]


def test_ahead_of_its_time_only_a_partition_with_a_breach_has_a_tick() -> None:
    """Records of another one are told in their time."""
    ports, clock = MemoryPorts(), Clock(BASE + SECOND)
    both = (0, 1)

    async def work() -> list[tuple[int, int]]:
        one, found = assignment(ports, clock), []
        await one.take(both)
        ports.source(0).extend(calls(1))
        take_in(one, ports)
        await one.tick({}, Wanted.NEWS)
        ports.source(1).extend([CallOffered(id="o", at=DUE, call_id="c")])
        take_in(one, ports, 1)
        clock.now = DUE + SECOND // 5
        told = {TP(TOPIC, number): Fresh(DUE, ports.source(number).end) for number in both}
        for wanted in (Wanted.BREACHES, Wanted.BREACHES, Wanted.NEWS):
            await one.tick(told, wanted)
            found.append((tick_count(ports.log(0)), tick_count(ports.log(1))))
        return found

    before, again, in_time = asyncio.run(work())
    assert before == again == (2, 1)
    assert in_time[1] == 2


def test_few_records_are_told_with_every_other_tick() -> None:
    """A tick costs more than to apply them; of many there is one in its time."""
    ports = MemoryPorts()

    async def work() -> list[tuple[int, int]]:
        one, found = assignment(ports), []
        await one.take([0, 1])
        await one.tick({}, Wanted.NEWS)
        ports.source(0).extend(calls(MUCH - 1))
        ports.source(1).extend(calls(MUCH, first=MUCH))
        for number in (0, 1):
            take_in(one, ports, number)
        for wanted in (Wanted.MUCH, Wanted.NEWS):
            await one.tick({}, wanted)
            found.append((tick_count(ports.log(0)), tick_count(ports.log(1))))
        return found

    assert asyncio.run(work()) == [(1, 2), (2, 2)]


def test_nobody_is_calm_who_has_not_looked_since() -> None:
    """What was taken in may have a deadline at once, and the time goes on without a tick."""
    ports, clock = MemoryPorts(), Clock(BASE)

    async def work() -> list[bool]:
        one, found = assignment(ports, clock), []
        await one.take([0])
        for _ in range(2):
            await one.tick(fresh(ports, clock()), Wanted.NEWS)
            found.append(one.is_calm)
            ports.source(0).extend(calls(1, first=len(found)))
            take_in(one, ports)
            found.append(one.is_calm)
        await one.tick(fresh(ports, clock()), Wanted.MUCH)
        found.append(one.is_calm)
        await one.tick(fresh(ports, clock()), Wanted.NEWS)
        clock.advance(SOON / SECOND)
        return [*found, one.is_calm]

    assert asyncio.run(work()) == [True, False, True, False, False, False]
