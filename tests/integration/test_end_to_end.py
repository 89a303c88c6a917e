"""From call events on Kafka to a message: every part a real one, every process its own."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from programs import require
from webhook import Inbox, active_alerts, ask, inbox, until

from streams.events import CallAnswered, CallEnded, CallOffered, Event, SourceHeartbeat
from streams.instants import SECOND
from streams.kafka.produce import EventProducer
from streams.settings import Settings
from streams.slo import parse_slo
from streams.slo.alertmanager import Receivers
from streams.slo.local_stack import LocalStack, monitoring

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SLO = """
promises:
  answer: {target: 2s, objective: 0.90}
time: {grace: 500ms}
alerts:
  answer: {window: 2m, short: 50s, min_broken: 3}
"""
WORDS = re.compile(
    r"(\d+) of (\d+) calls in the last 12 seconds waited longer than 2 s for a human "
    r"or never got one; the promise allows 10 %\."
)


class LiveCentre:
    """A call every 0.2 s on Kafka, answered at once while the agents are there."""

    def __init__(self, settings: Settings) -> None:
        self.agents_there = True
        self.calls = 0
        self.unanswered = 0
        self._producer = EventProducer(settings, settings.broker)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take calls until the end of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()
            self._producer.flush()

    def _run(self) -> None:
        while not self._end.wait(0.2):
            self.calls += 1
            self.unanswered += not self.agents_there
            for event in self._call(f"call-{self.calls}", time.time_ns() // 1000):
                key = None if isinstance(event, SourceHeartbeat) else f"call-{self.calls}"
                self._producer.send(key, event)
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
        names = ("broker", "events_topic", "promises_topic", "dead_letters_topic", "group")
        common = {name: getattr(settings, name) for name in names}
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
        with inbox() as received:
            receivers = Receivers(url=received.url)
            objective = parse_slo(SLO)
            with monitoring(worker.address, objective, receivers) as stack, centre.open():
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
        until(lambda: _value(stack, _KEPT) > 60, "calls are counted", 60)

        centre.agents_there = False
        told = until(lambda: received.told("AnswerPromiseFastBurn"), "the outage is told")[0]
        found = WORDS.fullmatch(told.description)
        assert found, told.description
        broken, decided = int(found[1]), int(found[2])
        assert 3 <= broken <= centre.unanswered
        assert decided / 2 < broken <= decided
        assert told.labels["queue"] == "sales"

        centre.agents_there = True
        until(lambda: received.told("AnswerPromiseFastBurn", "resolved"), "it resolves", 90)
        until(lambda: _value(stack, _BROKEN) == centre.unanswered, "every broken call counts", 20)

        centre.agents_there = False
        until(lambda: _state(stack) == "active", "it fires again")
        assert worker.stop() == 0
        until(lambda: received.told("BlindNoWorker"), "blindness is told", 60)
        until(lambda: _state(stack) == "suppressed", "the promise alert is inhibited", 30)


_KEPT = "sum(callcenter_answer_promises_total)"
_BROKEN = "sum(callcenter_answer_promises_broken_total)"


def _value(stack: LocalStack, expression: str) -> float:
    result = ask(stack.prometheus, expression)
    return float(result[0]["value"][1]) if result else 0.0


def _state(stack: LocalStack) -> str | None:
    return active_alerts(stack.alertmanager).get(("AnswerPromiseFastBurn", "sales"))
