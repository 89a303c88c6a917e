"""Alerts about what goes on for long, from call events to the message and its end, on real parts.

A little too often for hours, callbacks that pile up, a budget that will not last, records that are
refused. Hours are half a minute here, and who is answered and called back is counted out, so that
each alert is told and the faster ones that would quiet it are not.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from alert_watch import called_back, remember_four_weeks, told, watched
from ledger_centre import LedgerCentre
from programs import require
from webhook import Inbox, inbox, until

from streams.events import CallAbandoned, CallAnswered, CallOffered, Event
from streams.instants import DAY, SECOND
from streams.slo.counters import PROMISES
from streams.slo.long_windows import hour_step
from streams.slo.timing import Pace, Timing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

SLO: Final = """
promises:
  answer: {target: 1s, objective: 0.80}
  callback: {target: 15s, objective: 0.60}
  whole: {objective: 0.97}
time: {grace: 0s}
alerts:
  answer: {cap: 0.9}
  callback: {cap: 0.9}
  whole: {cap: 0.9}
  slow:
    answer: {window: 20m, short: 10m, cap: 0.9}
    callback: {window: 20m, short: 10m, cap: 0.9}
    whole: {window: 20m, short: 10m, cap: 0.9}
  backlog: {min_due: 5}
  budget: {min_broken: 3}
"""
QUEUE: Final = "sales"


class Quick(Timing):
    """Minutes are seconds, and days are looked at every two seconds."""

    @property
    def slow(self) -> Pace:
        return Pace("_slow", 2 * SECOND, 1_800 * SECOND)


TIMING: Final = Quick(interval=SECOND, scale=60, few=3, recorded=())


class Centre(LedgerCentre):
    """Of every so many calls one is not answered, and of `owed_of` callbacks `made` are made."""

    def __init__(self) -> None:
        super().__init__(SLO)
        self.unanswered_of = 0
        self.made, self.owed_of = 0, 1
        self.at_once = 1
        self.replays_old_records = False
        self._calls = self._failed = 0
        self._owed: list[str] = []

    def next_events(self, now: int) -> Iterator[Event]:
        if self.replays_old_records:
            self._replay(now - 8 * DAY)
        for _ in range(self.at_once):
            self._calls += 1
            yield from self._call(f"call-{self._calls}", now)
        if not self.unanswered_of:
            yield from (called_back(call, now) for call in self._owed)
            self._owed.clear()

    def _call(self, call: str, now: int) -> Iterator[Event]:
        common: dict[str, Any] = {"call_id": call, "queue": QUEUE, "customer": f"customer-{call}"}
        start = now - 2 * SECOND
        yield CallOffered(id=f"{call}/1", at=start, **common)
        if not self.unanswered_of or self._calls % self.unanswered_of:
            yield CallAnswered(id=f"{call}/2", at=start + 1, answered_by="human", **common)
            return
        yield CallAbandoned(id=f"{call}/2", at=start + 1_500_000, **common)
        self._failed += 1
        if self._failed % self.owed_of < self.made:
            yield called_back(call, now)
        else:
            self._owed.append(call)

    def _replay(self, at: int) -> None:
        """Whatever the ledger refuses is a dead letter with the reason that it gives."""
        old = CallOffered(id=f"old/{self._calls}", at=at, call_id="old", queue=QUEUE)
        self.partition.dead_letters[self.partition.ledger.apply(old)] += 1


def test_what_lasts_is_told_and_told_to_be_over(tmp_path: Path) -> None:
    """Both promises together, each of them, what piles up, what will not last, what is refused."""
    require("prometheus", "prometheus-alertmanager", "promtool")
    _month_of_kept_promises(tmp_path)
    centre = Centre()
    with ExitStack() as stack:
        address = stack.enter_context(centre.open())
        received = stack.enter_context(inbox())
        watched(stack, tmp_path, SLO, TIMING, address, received)
        _whole_promise(centre, received)
        _each_promise(centre, received)
        _backlog(centre, received)
        _over(centre, received)


def _month_of_kept_promises(folder: Path) -> None:
    """Four weeks with two calls an hour, both answered."""
    counters = PROMISES[0].decided, PROMISES[0].broken
    label = f'queue="{QUEUE}"'
    hourly = {hour_step(one): {label: n} for one, n in zip(counters, (2, 0), strict=True)}
    remember_four_weeks(folder, hourly)


def _whole_promise(centre: Centre, received: Inbox) -> None:
    """A quarter is not answered and a third of those not called back: each just good enough."""
    centre.unanswered_of, centre.made, centre.owed_of = 4, 2, 3
    both = told(received, "PromiseSlowBurn", "warning")
    assert "calls in the last 20 seconds were neither answered by a human" in both.description
    assert not received.told("AnswerPromiseSlowBurn")
    assert not received.told("CallbackPromiseSlowBurn")
    centre.unanswered_of = 0
    until(lambda: received.told("PromiseSlowBurn", "resolved"), "both are kept again", 90)


def _each_promise(centre: Centre, received: Inbox) -> None:
    """Half of the calls, and three in four of the callbacks; and records of last week come in."""
    centre.unanswered_of, centre.made, centre.owed_of = 2, 1, 4
    centre.replays_old_records = True
    late = told(received, "AnswerPromiseSlowBurn", "warning")
    assert "calls in the last 20 seconds waited longer than 1 s" in late.description
    refused = told(received, "RecordsRefused", "warning")
    assert "because they are too_old" in refused.description
    centre.replays_old_records = False
    piling = told(received, "CallbacksDueFasterThanMade", "warning")
    assert "callbacks fall due in the next 15 minutes; in the last 15 seconds" in piling.description
    gone = told(received, "BudgetRunsOut", "warning")
    assert "at this rate it is gone in" in gone.description
    callbacks = told(received, "CallbackPromiseSlowBurn", "warning")
    assert "callbacks due in the last 20 seconds were not made within 15 s" in callbacks.description
    for fast in ("AnswerPromiseFastBurn", "CallbackPromiseFastBurn"):
        assert not received.told(fast)


def _backlog(centre: Centre, received: Inbox) -> None:
    centre.made = 0
    backlog = told(received, "CallbackBacklogCannotBeCleared", "critical")
    assert "callbacks fall due within the hour; in the last 30 seconds" in backlog.description


def _over(centre: Centre, received: Inbox) -> None:
    centre.unanswered_of, centre.at_once = 0, 20
    for name in (
        "AnswerPromiseSlowBurn",
        "CallbackPromiseSlowBurn",
        "CallbacksDueFasterThanMade",
        "CallbackBacklogCannotBeCleared",
        "RecordsRefused",
        "BudgetRunsOut",
    ):
        until(lambda name=name: received.told(name, "resolved"), f"{name} resolves", 90)  # type: ignore[misc]
