"""Hours of a call centre in simulated time: real ledger, real exporter, series for promtool.

The exporter's clock is the simulated one. Timestamps are told relative to the beginning, because
promtool's tests begin at the epoch.
"""

import heapq
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from ledger_workers import Owned, Worker

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackConnected,
    CallEnded,
    CallOffered,
    Event,
)
from streams.instants import MINUTE, SECOND
from streams.metrics import Exposition, published
from streams.slo import Kept, Objective

__all__ = ["STEP", "Centre", "Day", "exported_samples", "since"]

STEP: Final = MINUTE
"""Between two scrapes."""

_SAMPLE: Final = re.compile(r"^(\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)
_ABSOLUTE: Final = ("_timestamp_seconds", "callcenter_event_time_seconds")
_UNUSED: Final = (
    "callcenter_window_",
    "callcenter_event_latency",
    "process_",
    "callcenter_tick_duration",
)


@dataclass
class Day:
    """What a scenario is made of. Minutes count from the beginning."""

    minutes: int
    queues: dict[str, float]
    """calls a minute"""
    late: Callable[[str, int], float] = lambda _queue, _minute: 0.04
    """the share of calls that are not answered in time"""
    seen: Callable[[int], bool] = lambda _minute: True
    """whether the worker answers the scrape"""
    behind: Callable[[int], int] = lambda _minute: 0
    """how many minutes behind the worker is"""
    busy: Callable[[str, int], bool] = lambda _queue, _minute: True
    """whether calls come"""


@dataclass
class Centre:
    """Feeds a worker minute by minute and writes down what each scrape shows."""

    objective: Objective
    day: Day
    begin: int
    seed: int = 1
    series: dict[str, list[str]] = field(default_factory=dict)
    offered: int = 0
    broken: int = 0

    def run(self) -> dict[str, list[str]]:
        """Return the values of every series, one for each minute and `_` where there is none."""
        rng = random.Random(self.seed)
        worker = Worker(rules=self.objective.rules())
        worker.keeping = Kept(self.objective)
        owned = worker.assign(0)
        pending: list[tuple[int, int, Event]] = []
        for minute in range(self.day.minutes):
            now = self.begin + minute * STEP
            for number, event in enumerate(self._calls(rng, minute, now)):
                heapq.heappush(pending, (event.at, minute * 100_000 + number, event))
            self._advance(owned, pending, now - self.day.behind(minute) * MINUTE)
            owned.lag = 500 if self.day.behind(minute) else 0
            worker.last_tick_at = worker.last_fetch_at = now / SECOND
            self._scrape(worker, minute, now)
        return self.series

    def _calls(self, rng: random.Random, minute: int, now: int) -> Iterator[Event]:
        for queue, rate in self.day.queues.items():
            count = int(rate) + (rng.random() < rate % 1)
            for _ in range(count if self.day.busy(queue, minute) else 0):
                self.offered += 1
                start = now + rng.randrange(MINUTE)
                late = rng.random() < self.day.late(queue, minute)
                self.broken += late
                yield from self._call(rng, queue, start, late)

    def _call(self, rng: random.Random, queue: str, start: int, late: bool) -> Iterator[Event]:
        """A late one is abandoned after a minute, and the customer called back 10 minutes later."""
        call = f"c{self.offered}"
        customer = f"customer-{call}"
        yield CallOffered(id=f"{call}/1", at=start, call_id=call, queue=queue, customer=customer)
        if late:
            end = start + MINUTE
            yield CallAbandoned(id=f"{call}/2", at=end, call_id=call, customer=customer)
            back = end + 10 * MINUTE
            yield CallbackConnected(
                id=f"{call}/3", at=back, call_id=call, customer=customer, reached="human"
            )
            return
        answered = start + rng.randrange(9 * SECOND)
        yield CallAnswered(
            id=f"{call}/2", at=answered, call_id=call, customer=customer, answered_by="human"
        )
        end = answered + 3 * MINUTE
        yield CallEnded(id=f"{call}/3", at=end, call_id=call, customer=customer, resolved=True)

    def _advance(self, owned: Owned, pending: list[tuple[int, int, Event]], to: int) -> None:
        """Apply what has happened by `to`, second by second as ticks would."""
        while pending and pending[0][0] <= to:
            event = heapq.heappop(pending)[2]
            owned.ledger.apply(event)
            owned.ledger.advance(max(event.at - self.objective.time.grace, owned.ledger.now))
        owned.last_heartbeat_at = to
        owned.tick(max(to - self.objective.time.grace, owned.ledger.now))

    def _scrape(self, worker: Worker, minute: int, now: int) -> None:
        found = {'up{job="callsla",instance="a"}': "0"}
        if self.day.seen(minute):
            found = dict(self._samples(worker, now))
            found['up{job="callsla",instance="a"}'] = "1"
        for name, value in found.items():
            values = self.series.setdefault(name, ["_"] * minute)
            values += ["stale"] * (minute - len(values))
            values.append(value)

    def _samples(self, worker: Worker, now: int) -> Iterator[tuple[str, str]]:
        begin = self.begin / SECOND
        for name, value in exported_samples(worker, now):
            if not name.startswith(_UNUSED):
                yield name, f"{since(name, value, begin):.10g}"


def exported_samples(worker: Worker, now: int) -> Iterator[tuple[str, float]]:
    """Yield every series that a scrape at `now` shows, with its labels, and its value."""
    with _clock(now):
        exposition = Exposition()
        exposition.publish(worker)
        text = b"".join(exposition.text()).decode()
    for name, value in _SAMPLE.findall(text):
        yield name, float(value)


def since(name: str, value: float, begin: float) -> float:
    """Return `value` as promtool is told it: instants in seconds after `begin`."""
    told = name.partition("{")[0].endswith(_ABSOLUTE) and value > 0
    return value - begin if told else value


@contextmanager
def _clock(now: int) -> Iterator[None]:
    """The exporter reads live gauges as of now; now is simulated."""
    module: Any = published
    real = module.time
    module.time = SimpleNamespace(time=lambda: now / SECOND)
    try:
        yield
    finally:
        module.time = real
