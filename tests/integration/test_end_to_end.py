"""From call events on Kafka to a message: every part a real one, every process its own."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from outage import PacedCentre, numbers_of, objective, outage, value, watched
from programs import require
from webhook import Inbox, Told, until

from streams.events import CallAnswered, CallEnded, CallOffered, Event, SourceHeartbeat
from streams.instants import SECOND
from streams.kafka.produce import EventProducer
from streams.settings import Settings
from streams.slo.local_stack import LocalStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SLO = objective(target="2s", grace="500ms")


class LiveCentre(PacedCentre):
    """Calls on Kafka, answered at once while the agents are there."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.unanswered = 0
        self._calls = 0
        self._producer = EventProducer(settings, settings.broker)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take calls until the end of the block."""
        try:
            with self.calls():
                yield
        finally:
            self._producer.flush()

    def take_call(self) -> None:
        self._calls += 1
        self.unanswered += not self.agents_there
        call = f"call-{self._calls}"
        for event in self._call(call, time.time_ns() // 1000):
            self._producer.send(None if isinstance(event, SourceHeartbeat) else call, event)
        self._producer.poll()

    def _call(self, call: str, at: int) -> list[Event]:
        events: list[Event] = [
            SourceHeartbeat(id=f"{call}-beat", at=at, source="pbx"),
            CallOffered(id=f"{call}-1", at=at - SECOND, source="pbx", call_id=call, queue="sales"),
        ]
        if self.agents_there:
            picked_up, over = at - SECOND // 2, at
            events += [
                CallAnswered(
                    id=f"{call}-2", at=picked_up, source="pbx", call_id=call, answered_by="human"
                ),
                CallEnded(id=f"{call}-3", at=over, source="pbx", call_id=call, resolved=True),
            ]
        return events


class Command:
    """`callsla worker` as a user starts it, with its settings in a file."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.address = _free_address()
        slo, config = directory / "slo.yaml", directory / "callsla.yaml"
        slo.write_text(SLO, encoding="utf-8")
        config.write_text(yaml.safe_dump(self._config(settings, slo)), encoding="utf-8")
        self._log = (directory / "worker.log").open("ab")
        executable = str(Path(sys.executable).with_name("callsla"))
        arguments = [executable, "worker", "--config", str(config)]
        self.process = subprocess.Popen(arguments, stdout=self._log, stderr=self._log)

    def _config(self, settings: Settings, slo: Path) -> dict[str, object]:
        topics = (f"{name}_topic" for name in ("events", "promises", "dead_letters", "ledger"))
        common = {name: getattr(settings, name) for name in ("broker", "group", *topics)}
        port = int(self.address.rpartition(":")[2])
        return {**common, "metrics_port": port, "slo_file": str(slo)}

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def close(self) -> None:
        """End it whatever happened."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()


def _free_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def chain(
    settings: Settings, directory: Path
) -> Iterator[tuple[LiveCentre, Command, LocalStack, Inbox]]:
    """Everything running: centre, Kafka, worker, Prometheus, Alertmanager, web hook."""
    centre, worker = LiveCentre(settings), Command(settings, directory)
    try:
        with watched(worker.address, SLO) as (stack, received), centre.open():
            yield centre, worker, stack, received
    finally:
        worker.close()


def test_an_outage_on_kafka_reaches_the_web_hook_and_resolves(
    fresh_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Agents stop answering: the message says how many of how many; they return: it resolves.

    Then the worker is stopped during a second outage: blindness is told, and the alert about the
    promise, whose numbers stand still, is kept quiet.
    """
    require("prometheus", "prometheus-alertmanager")
    with chain(fresh_settings(), tmp_path) as (centre, worker, stack, received):
        until(lambda: value(stack, _KEPT) > 60, "calls are counted", 60)
        outage(
            centre,
            stack,
            received,
            told=lambda first: _check_words(first, centre),
            resolved=lambda: until(
                lambda: value(stack, _BROKEN) == centre.unanswered, "every broken call counts", 20
            ),
            stop=lambda: _stop(worker),
        )


_KEPT = "sum(callcenter_answer_promises_total)"
_BROKEN = "sum(callcenter_answer_promises_broken_total)"


def _check_words(told: Told, centre: LiveCentre) -> None:
    broken, decided = numbers_of(told.description, "2 s")
    assert 3 <= broken <= centre.unanswered
    assert decided / 2 < broken <= decided


def _stop(worker: Command) -> None:
    assert worker.stop() == 0
