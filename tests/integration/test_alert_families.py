"""Each family of alerts from call events to the message, and its end, on real parts.

`test_alarm_chain` does so for a worker that is gone.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from alert_watch import called_back, remember_four_weeks, told, watched
from ledger_centre import LedgerCentre
from programs import require
from webhook import Inbox, active_alerts, inbox, until

from streams.events import CallAbandoned, CallAnswered, CallEnded, CallOffered, Event
from streams.instants import MINUTE, SECOND
from streams.slo.counters import ANSWERS
from streams.slo.local_stack import LocalStack
from streams.slo.long_windows import hour_step
from streams.slo.timing import Pace, Timing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

SLO: Final = """
promises:
  answer: {target: 1s, objective: 0.90}
  callback: {target: 5s, objective: 0.90}
  whole: {objective: 0.99}
time: {grace: 0s}
alerts:
  answer: {window: 2m, short: 50s, min_broken: 3, cap: 0.9}
  callback: {window: 2m, short: 50s, min_broken: 3, cap: 0.9}
  whole: {window: 2m, short: 50s, min_broken: 3, cap: 0.9}
  below_target: {window: 100s, min_calls: 3}
  longest_wait: 50s
  budget: {min_broken: 3}
  blind: {heartbeat: 1m}
  useful: {drop: 0.5, min_answers: 5}
"""
QUEUE: Final = "sales"
WHOLE: Final = ("PromiseFastBurn", QUEUE)

Served = Literal["all", "all, to no use", "every other", "nobody"]


class Quick(Timing):
    """As in a demo, and days are looked at as often as minutes."""

    @property
    def slow(self) -> Pace:
        return Pace("_slow", 2 * SECOND, 30 * MINUTE)


TIMING: Final = Quick(interval=SECOND, scale=10, few=3, recorded=())


class Centre(LedgerCentre):
    """Callers hang up when nobody answers, and are called back only when agents are there."""

    def __init__(self) -> None:
        super().__init__(SLO)
        self.served: Served = "all"
        self.at_once = 1
        """how many call at a time"""
        self._calls = 0
        self._owed: list[str] = []
        self._waits: dict[str, Any] | None = None

    def next_events(self, now: int) -> Iterator[Event]:
        for _ in range(self.at_once):
            self._calls += 1
            yield from self._call(f"call-{self._calls}", now)
        if self.served == "all":
            yield from self._all_settled(now)

    def _call(self, call: str, now: int) -> Iterator[Event]:
        """Half of those who are not served while every other is are called back at once."""
        common: dict[str, Any] = {"call_id": call, "queue": QUEUE, "customer": f"customer-{call}"}
        start = now - 2 * SECOND
        yield CallOffered(id=f"{call}/1", at=start, **common)
        if self.served.startswith("all") or (self.served == "every other" and self._calls % 2):
            yield CallAnswered(id=f"{call}/2", at=start + 1, answered_by="human", **common)
            is_of_use = self.served != "all, to no use"
            yield CallEnded(id=f"{call}/3", at=start + SECOND, resolved=is_of_use, **common)
        elif self.served == "nobody" and self._waits is None:
            self._waits = common
        else:
            yield CallAbandoned(id=f"{call}/2", at=start + 1_500_000, **common)
            self._owed.append(call)
            if self.served == "every other" and self._calls % 4:
                yield called_back(self._owed.pop(), now)

    def _all_settled(self, now: int) -> Iterator[Event]:
        """Whoever waits is answered, and everybody who is owed a callback gets it at once."""
        if self._waits is not None:
            call = self._waits["call_id"]
            yield CallAnswered(id=f"{call}/2", at=now, answered_by="human", **self._waits)
            self._waits = None
        while self._owed:
            yield called_back(self._owed.pop(), now)


def test_every_family_is_told_and_told_to_be_over(tmp_path: Path) -> None:
    """Usefulness; both promises at once, and the interval; each of them, who waits, who is owed.

    The budget, with so many calls afterwards that it is no longer overspent.

    Then a worker that stands still, and blindness, under which the promises are kept quiet.
    """
    require("prometheus", "prometheus-alertmanager", "promtool")
    _month_of_useful_answers(tmp_path)
    centre = Centre()
    with ExitStack() as stack:
        address = stack.enter_context(centre.open())
        received = stack.enter_context(inbox())
        running = watched(stack, tmp_path, SLO, TIMING, address, received)
        _usefulness(centre, received)
        _whole_promise(centre, running, received)
        _promises(centre, running, received)
        _worker_and_sight(centre, received)


def _month_of_useful_answers(folder: Path) -> None:
    """A centre whose answers were of use for four weeks."""
    uses = {"useful": 1000, "useless": 0}
    counts = {f'queue="{QUEUE}",usefulness="{use}"': n for use, n in uses.items()}
    remember_four_weeks(folder, {hour_step(ANSWERS): counts})


def _usefulness(centre: Centre, received: Inbox) -> None:
    centre.served = "all, to no use"
    quick = told(received, "AnswersLessUseful", "warning")
    assert "against 100 % in 30 days, while calls are answered in time" in quick.description
    centre.served, centre.at_once = "all", 20
    until(lambda: received.told("AnswersLessUseful", "resolved"), "answers are of use again", 90)
    centre.at_once = 1


def _whole_promise(centre: Centre, running: LocalStack, received: Inbox) -> None:
    """Neither promise alone is broken enough to call somebody; both together are."""
    centre.served = "every other"
    both = told(received, "PromiseFastBurn", "critical")
    assert "calls in the last 12 seconds were neither answered by a human" in both.description
    below = told(received, "AnswerServiceLevelBelowTarget", "warning")
    assert "the objective is 90 %" in below.description
    centre.served = "all"
    until(lambda: received.told("PromiseFastBurn", "resolved"), "both are kept again", 90)
    over = "AnswerServiceLevelBelowTarget"
    until(lambda: received.told(over, "resolved"), "the service level is reached again", 90)
    assert not received.told("AnswerPromiseFastBurn")
    assert not received.told("CallbackPromiseFastBurn")


def _promises(centre: Centre, running: LocalStack, received: Inbox) -> None:
    told_before = len(received.told("PromiseFastBurn"))
    centre.served = "nobody"
    late = told(received, "AnswerPromiseFastBurn", "critical")
    assert "calls in the last 12 seconds waited longer than 1 s" in late.description
    callbacks = told(received, "CallbackPromiseFastBurn", "critical")
    assert "callbacks due in the last 12 seconds were not made within 5 s" in callbacks.description
    # Both at once say the same calls: neither answered in time nor called back in time.
    until(
        lambda: active_alerts(running.alertmanager).get(WHOLE) == "suppressed", "it is kept quiet"
    )
    assert len(received.told("PromiseFastBurn")) == told_before
    waits = told(received, "CallerWaitsTooLong", "critical")
    assert waits.description.startswith("One caller has been waiting for ")
    overdue = told(received, "CallbacksOverdue", "warning")
    assert "Call these customers now." in overdue.description
    spent = told(received, "BudgetExhausted", "warning")
    assert "in the last 30 days; the objective allows" in spent.description

    centre.served, centre.at_once = "all", 40
    for name in (
        "CallerWaitsTooLong",
        "CallbacksOverdue",
        "CallbackPromiseFastBurn",
        "AnswerPromiseFastBurn",
        "BudgetExhausted",
    ):
        until(lambda name=name: received.told(name, "resolved"), f"{name} resolves", 90)  # type: ignore[misc]
    until(lambda: WHOLE not in active_alerts(running.alertmanager), "the whole promise is kept", 60)
    centre.at_once = 1


def _worker_and_sight(centre: Centre, received: Inbox) -> None:
    centre.ticks = False
    stalled = told(received, "WorkerStalled", "warning")
    assert "has not ticked for" in stalled.description
    centre.ticks = True
    until(lambda: received.told("WorkerStalled", "resolved"), "it ticks again", 60)

    centre.hears_the_source = False
    blind = told(received, "BlindHeartbeat", "critical")
    assert "no news is not good news" in blind.description
    centre.hears_the_source = True
    until(lambda: received.told("BlindHeartbeat", "resolved"), "heartbeats come again", 60)
