"""From a ledger to a message: real metrics, real Prometheus, real Alertmanager, a real web hook."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from ledger_centre import LedgerCentre
from ledger_workers import answered_call
from outage import numbers_of, objective, outage, value, watched
from programs import require
from webhook import Inbox, Told, ask, until

from streams.events import CallOffered, Event
from streams.instants import SECOND
from streams.slo.local_stack import LocalStack, Program, StackError, missing_programs

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SLO = objective(target="1s", grace="0s")


class Centre(LedgerCentre):
    """A worker on this machine's clock: calls are answered at once or not at all."""

    def __init__(self) -> None:
        super().__init__(SLO)
        self._calls = 0

    def next_events(self, now: int) -> list[Event]:
        self._calls += 1
        start = now - SECOND // 10
        call = answered_call(f"call-{self._calls}", "sales", start, wait=0.05, talk=0.01)
        return call if self.agents_there else [e for e in call if isinstance(e, CallOffered)]

    def broken(self) -> int:
        """Return the broken answer promises so far."""
        return self.partition.ledger.totals.queues["sales"].counts["answer", "broken"]


def test_an_outage_is_told_with_the_right_numbers_and_its_end_too() -> None:
    """Agents leave: a message says how many of how many. They return: it resolves.

    The worker is stopped during a second outage: the blind alert is told, and the alert about the
    promise is kept quiet, for its numbers stand still.
    """
    require("prometheus", "prometheus-alertmanager")
    centre = Centre()
    with ExitStack() as worker:
        address = worker.enter_context(centre.open())
        with watched(address, SLO) as (stack, received):
            until(lambda: received.told("Watchdog"), "the watchdog arrives")
            _wait_for_a_full_window(stack)
            outage(
                centre,
                stack,
                received,
                told=lambda first: _check_told(first, stack, received),
                resolved=lambda: _check_totals(centre, stack),
                stop=worker.close,
            )


def _wait_for_a_full_window(stack: LocalStack) -> None:
    """Ratios are meant to be seen falling from a window full of kept promises."""
    counted = "count_over_time(queue:callcenter_answer_promises:step[12s])"
    until(lambda: value(stack, counted) >= 12, "a window of calls has been counted")


def _check_told(told: Told, stack: LocalStack, received: Inbox) -> None:
    """The outage in numbers; and the one caller who has been waiting longest, as that happens."""
    _check_words(told, stack)
    waits = until(lambda: received.told("CallerWaitsTooLong"), "the longest wait is told")[0]
    assert waits.labels["queue"] == "sales"
    found = re.fullmatch(
        r"One caller has been waiting for (\S+) and is waiting still; "
        r"callers waiting beyond the target: (\d+)\. This is told from 5 s on\.",
        waits.description,
    )
    assert found, waits.description
    assert int(found[2]) > 3


def _check_words(told: Told, stack: LocalStack) -> None:
    """The numbers of the message are values that Prometheus recorded at one and the same moment."""
    assert told.summary == "Queue sales: callers are not answered in time"
    assert told.labels["severity"] == "critical"
    broken, decided = numbers_of(told.description, "1 s")
    assert broken > decided / 2
    assert (broken, decided) in _recorded_pairs(stack)


def _recorded_pairs(stack: LocalStack) -> set[tuple[float, float]]:
    """Broken and decided calls of each evaluation of the last two minutes."""
    names = ("callcenter_answer_promises_broken", "callcenter_answer_promises")
    broken, decided = (
        dict(ask(stack.prometheus, f"queue:{name}:increase12s[2m]")[0]["values"]) for name in names
    )
    return {(float(broken[at]), float(decided[at])) for at in broken.keys() & decided.keys()}


def _check_totals(centre: Centre, stack: LocalStack) -> None:
    """All steps since Prometheus came add up to what the ledger has counted since then."""
    steps = "sum(sum_over_time(queue:callcenter_answer_promises_broken:step[1h]))"
    until(lambda: value(stack, steps) == centre.broken(), "all broken calls are counted", 5)


def test_a_program_that_does_not_start_is_told_in_one_line(tmp_path: Path) -> None:
    """With what the program itself said last; nothing keeps running."""
    require("prometheus")
    program = Program(
        "prometheus", "127.0.0.1:1", tmp_path / "log", ["--config.file=/nowhere/at/all"]
    )
    with (
        pytest.raises(StackError, match=r"prometheus does not start: .*nowhere") as caught,
        program,
    ):
        pytest.fail("it started")
    assert "\n" not in str(caught.value)


def test_a_missing_program_is_told_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's package is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_programs() == ["prometheus", "prometheus-alertmanager"]
    program = Program("prometheus-alertmanager", "127.0.0.1:1", tmp_path / "log", [])
    with pytest.raises(StackError, match="apt-get install prometheus-alertmanager"), program:
        pytest.fail("it started")
