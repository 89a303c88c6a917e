"""From a ledger to a message: real metrics, real Prometheus, real Alertmanager, a real web hook."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ledger_workers import Worker, answered_call
from programs import require
from webhook import Inbox, active_alerts, ask, inbox, until

from streams.events import CallOffered, Event
from streams.instants import SECOND
from streams.metrics import Endpoint, Exposition
from streams.slo import parse_slo
from streams.slo.alertmanager import Receivers
from streams.slo.local_stack import (
    LocalStack,
    Program,
    StackError,
    missing_programs,
    monitoring,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SLO = """
promises:
  answer: {target: 1s, objective: 0.90}
time: {grace: 0s}
alerts:
  answer: {window: 2m, short: 50s, min_broken: 3}
"""
WORDS = re.compile(
    r"(\d+) of (\d+) calls in the last 12 seconds waited longer than 1 s for a human "
    r"or never got one; the promise allows 10 %\."
)


class Centre:
    """A worker on this machine's clock: a call every 0.2 s, answered at once or not at all."""

    def __init__(self) -> None:
        self.worker = Worker(rules=parse_slo(SLO).rules())
        self.partition = self.worker.assign(0)
        self.exposition = Exposition()
        self.agents_there = True
        self._calls = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def open(self) -> Iterator[str]:
        """Take calls and serve metrics; the address of the endpoint is yielded."""
        self.exposition.publish(self.worker)
        endpoint = Endpoint(self.exposition, "127.0.0.1", 0)
        self._thread.start()
        try:
            yield f"127.0.0.1:{endpoint.port}"
        finally:
            self._end.set()
            self._thread.join()
            endpoint.stop()

    def _run(self) -> None:
        while not self._end.wait(0.2):
            now = time.time_ns() // 1000
            self.partition.take(*self._next_call(now - SECOND // 10))
            self.partition.tick(now)
            self.worker.last_tick_at = now / SECOND
            self.exposition.publish(self.worker)

    def _next_call(self, start: int) -> list[Event]:
        self._calls += 1
        call = answered_call(f"call-{self._calls}", "sales", start, wait=0.05, talk=0.01)
        return call if self.agents_there else [e for e in call if isinstance(e, CallOffered)]

    def counted(self) -> tuple[int, int]:
        """Return broken and decided answer promises so far."""
        counts = self.partition.ledger.totals.queues["sales"].counts
        broken = counts.get(("answer", "broken"), 0)
        return broken, broken + counts.get(("answer", "kept"), 0)


@contextmanager
def chain(centre: Centre) -> Iterator[tuple[LocalStack, Inbox, "Stopper"]]:
    stopper = Stopper(centre)
    with inbox() as received, stopper as target:
        receivers = Receivers(url=received.url)
        with monitoring(target, parse_slo(SLO), receivers) as stack:
            yield stack, received, stopper


class Stopper:
    """Opens a centre, and closes it before the end if asked to."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre.open()

    def __enter__(self) -> str:
        self._closed = False
        return self._centre.__enter__()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._centre.__exit__(None, None, None)

    def __exit__(self, *_: object) -> None:
        self.close()


def test_an_outage_is_told_with_the_right_numbers_and_its_end_too() -> None:
    """Agents leave: a message says how many of how many. They return: it resolves.

    The worker is stopped during a second outage: the blind alert is told, and the alert about the
    promise is kept quiet, for its numbers stand still.
    """
    require("prometheus", "prometheus-alertmanager")
    centre = Centre()
    with chain(centre) as (stack, received, worker):
        until(lambda: received.told("Watchdog"), "the watchdog arrives")
        _wait_for_a_full_window(stack)

        centre.agents_there = False
        told = until(lambda: received.told("AnswerPromiseFastBurn"), "the outage is told")[0]
        _check_words(told.description, stack)
        assert told.summary == "Queue sales: callers are not answered in time"
        assert told.labels["queue"] == "sales"
        assert told.labels["severity"] == "critical"

        centre.agents_there = True
        until(lambda: received.told("AnswerPromiseFastBurn", "resolved"), "it resolves", seconds=60)
        _check_totals(centre, stack)

        centre.agents_there = False
        until(lambda: _state(stack, "AnswerPromiseFastBurn", "sales") == "active", "it fires again")
        worker.close()
        until(lambda: received.told("BlindNoWorker"), "blindness is told", seconds=30)
        until(
            lambda: _state(stack, "AnswerPromiseFastBurn", "sales") == "suppressed",
            "the promise alert is inhibited",
            seconds=15,
        )


def _state(stack: LocalStack, name: str, queue: str) -> str | None:
    return active_alerts(stack.alertmanager).get((name, queue))


def _wait_for_a_full_window(stack: LocalStack) -> None:
    """Ratios are meant to be seen falling from a window full of kept promises."""
    counted = "count_over_time(queue:callcenter_answer_promises:step[12s])"
    until(lambda: _value(stack, counted) >= 12, "a window of calls has been counted")


def _check_words(description: str, stack: LocalStack) -> None:
    """The numbers of the message are values that Prometheus recorded at one and the same moment."""
    found = WORDS.fullmatch(description)
    assert found, description
    broken, decided = int(found[1]), int(found[2])
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
    until(lambda: _value(stack, steps) == centre.counted()[0], "all broken calls are counted", 5)


def _value(stack: LocalStack, expression: str) -> float:
    result = ask(stack.prometheus, expression)
    return float(result[0]["value"][1]) if result else 0.0


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
