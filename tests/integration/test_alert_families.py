"""Each family of alerts from call events to the message, and its end, on real parts.

`test_alarm_chain` does so for late answers, the longest wait and a worker that is gone.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from ledger_workers import Worker
from outage import PacedCentre
from programs import require
from webhook import Inbox, Told, active_alerts, inbox, until

from streams.events import CallAbandoned, CallAnswered, CallbackConnected, CallOffered, Event
from streams.instants import MINUTE, SECOND
from streams.metrics import Endpoint, Exposition
from streams.slo import parse_slo
from streams.slo.alertmanager import Receivers
from streams.slo.local_stack import LocalStack, monitoring
from streams.slo.timing import Pace, Timing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SLO = """
promises:
  answer: {target: 1s, objective: 0.90}
  callback: {target: 5s, objective: 0.90}
time: {grace: 0s}
alerts:
  answer: {window: 2m, short: 50s, min_broken: 3}
  callback: {window: 2m, short: 50s, min_broken: 3}
  whole: {window: 2m, short: 50s, min_broken: 3}
  budget: {min_broken: 3}
  blind: {heartbeat: 1m}
"""
QUEUE = "sales"


class Quick(Timing):
    """As in a demo, and days are looked at as often as minutes."""

    @property
    def slow(self) -> Pace:
        return Pace("_slow", 2 * SECOND, 30 * MINUTE, 30 * MINUTE)


TIMING = Quick(interval=SECOND, scale=10, few=3, recorded=())


class Centre(PacedCentre):
    """Callers hang up when nobody answers, and are called back only when agents are there."""

    def __init__(self) -> None:
        super().__init__()
        self.worker = Worker(rules=parse_slo(SLO).rules())
        self.partition = self.worker.assign(0)
        self.exposition = Exposition()
        self.ticks = self.hears_the_source = True
        self._calls = 0
        self._owed: list[str] = []

    @contextmanager
    def open(self) -> Iterator[str]:
        """Take calls and serve metrics; the address of the endpoint is yielded."""
        self.exposition.publish(self.worker)
        endpoint = Endpoint(self.exposition, "127.0.0.1", 0)
        try:
            with self.calls():
                yield f"127.0.0.1:{endpoint.port}"
        finally:
            endpoint.stop()

    def take_call(self) -> None:
        now = time.time_ns() // 1000
        self.partition.take(*self._next_events(now))
        if self.hears_the_source:
            self.partition.last_heartbeat_at = now
        self.partition.tick(now)
        if self.ticks:
            self.worker.last_tick_at = now / SECOND
        self.exposition.publish(self.worker)

    def _next_events(self, now: int) -> list[Event]:
        self._calls += 1
        call = f"call-{self._calls}"
        common: dict[str, Any] = {"call_id": call, "queue": QUEUE, "customer": f"customer-{call}"}
        start = now - 2 * SECOND
        offered = CallOffered(id=f"{call}/1", at=start, **common)
        if not self.agents_there:
            self._owed.append(call)
            return [offered, CallAbandoned(id=f"{call}/2", at=start + 1_500_000, **common)]
        answered = CallAnswered(id=f"{call}/2", at=start + 1, answered_by="human", **common)
        return [offered, answered, *self._callbacks(now)]

    def _callbacks(self, now: int) -> Iterator[Event]:
        """Everybody who is owed one gets it at once."""
        for call in self._owed:
            customer = f"customer-{call}"
            yield CallbackConnected(
                id=f"{call}/3", at=now, call_id=call, customer=customer, reached="human"
            )
        self._owed.clear()


def test_every_family_is_told_and_told_to_be_over() -> None:
    """Answers, callbacks and both; who must be called; the budget; a worker that stands still.

    Then blindness, under which the promises are kept quiet, and its end.
    """
    require("prometheus", "prometheus-alertmanager")
    centre = Centre()
    with ExitStack() as stack:
        address = stack.enter_context(centre.open())
        received = stack.enter_context(inbox())
        receivers = Receivers(url=received.url)
        running = stack.enter_context(monitoring(address, parse_slo(SLO), receivers, TIMING))
        until(lambda: received.told("Watchdog"), "the watchdog arrives")
        _promises(centre, running, received)
        _worker_and_sight(centre, received)


def _promises(centre: Centre, running: LocalStack, received: Inbox) -> None:
    centre.agents_there = False
    late = _told(received, "AnswerPromiseFastBurn", "critical")
    assert "calls in the last 12 seconds waited longer than 1 s" in late.description
    callbacks = _told(received, "CallbackPromiseFastBurn", "critical")
    assert "callbacks due in the last 12 seconds were not made within 5 s" in callbacks.description
    # Both at once say the same calls: neither answered in time nor called back in time.
    whole = ("PromiseFastBurn", QUEUE)
    until(
        lambda: active_alerts(running.alertmanager).get(whole) == "suppressed", "it is kept quiet"
    )
    overdue = _told(received, "CallbacksOverdue", "warning")
    assert "Call these customers now." in overdue.description
    spent = _told(received, "BudgetExhausted", "warning")
    assert "in the last 30 days; the objective allows" in spent.description

    centre.agents_there = True
    for name in ("CallbacksOverdue", "CallbackPromiseFastBurn", "AnswerPromiseFastBurn"):
        until(lambda name=name: received.told(name, "resolved"), f"{name} resolves", 90)  # type: ignore[misc]
    until(lambda: whole not in active_alerts(running.alertmanager), "the whole promise is kept", 60)


def _worker_and_sight(centre: Centre, received: Inbox) -> None:
    centre.ticks = False
    stalled = _told(received, "WorkerStalled", "warning")
    assert "has not ticked for" in stalled.description
    centre.ticks = True
    until(lambda: received.told("WorkerStalled", "resolved"), "it ticks again", 60)

    centre.hears_the_source = False
    blind = _told(received, "BlindHeartbeat", "critical")
    assert "no news is not good news" in blind.description
    centre.hears_the_source = True
    until(lambda: received.told("BlindHeartbeat", "resolved"), "heartbeats come again", 60)


def _told(received: Inbox, name: str, severity: str) -> Told:
    told = until(lambda: received.told(name), f"{name} is told", 90)[0]
    assert told.labels["severity"] == severity
    return told
