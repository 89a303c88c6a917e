"""An outage of a small centre as Prometheus, Alertmanager and a web hook live through it.

The story is the same for a ledger in this process and for a worker behind Kafka; what feeds it,
and what the numbers are compared with, is each test's own.
"""

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from webhook import Inbox, Told, active_alerts, ask, inbox, until

from streams.slo import parse_slo
from streams.slo.alertmanager import Receivers
from streams.slo.local_stack import LocalStack, monitoring

__all__ = ["Agents", "PacedCentre", "numbers_of", "objective", "outage", "value", "watched"]

ALERT: Final = "AnswerPromiseFastBurn"
QUEUE: Final = "sales"


def objective(target: str, grace: str) -> str:
    """Return an `slo.yaml` whose windows are so short that an outage of seconds is told."""
    return f"""
promises:
  answer: {{target: {target}, objective: 0.90}}
time: {{grace: {grace}}}
alerts:
  answer: {{window: 2m, short: 50s, min_broken: 3}}
  longest_wait: 50s
"""


def numbers_of(description: str, target: str) -> tuple[int, int]:
    """Return the broken and the decided calls in the words of an alert; fail on other words."""
    found = re.fullmatch(
        rf"(\d+) of (\d+) calls in the last 12 seconds waited longer than {target} for a human "
        r"or never got one; the promise allows 10 %\.",
        description,
    )
    assert found, description
    return int(found[1]), int(found[2])


class Agents(Protocol):
    """Whoever can leave the phones ringing."""

    agents_there: bool


class PacedCentre(ABC):
    """A call every 0.2 s on this machine's clock, in a thread of its own."""

    def __init__(self) -> None:
        self.agents_there = True
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @abstractmethod
    def take_call(self) -> None:
        """Have the next customer call."""

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Take calls until the end of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.2):
            self.take_call()


@contextmanager
def watched(address: str, slo: str) -> Iterator[tuple[LocalStack, Inbox]]:
    """Have the metrics at `address` watched, and all that is told of them received."""
    with inbox() as received:
        receivers = Receivers(url=received.url)
        with monitoring(address, parse_slo(slo), receivers) as stack:
            yield stack, received


def outage(
    centre: Agents,
    stack: LocalStack,
    received: Inbox,
    *,
    told: Callable[[Told], None],
    resolved: Callable[[], object],
    stop: Callable[[], None],
) -> None:
    """Agents leave and it is told; they return and it resolves; the worker stops in a second one.

    `told` and `resolved` check the numbers at that moment, `stop` stops the worker. Then blindness
    is told, and the alert about the promise, whose numbers stand still, is kept quiet.
    """
    centre.agents_there = False
    first = until(lambda: received.told(ALERT), "the outage is told")[0]
    assert first.labels["queue"] == QUEUE
    told(first)

    centre.agents_there = True
    until(lambda: received.told(ALERT, "resolved"), "it resolves", 90)
    resolved()

    centre.agents_there = False
    until(lambda: _state(stack) == "active", "it fires again")
    stop()
    until(lambda: received.told("BlindNoWorker"), "blindness is told", 60)
    until(lambda: _state(stack) == "suppressed", "the promise alert is inhibited", 30)


def value(stack: LocalStack, expression: str) -> float:
    """Return the one value of an expression, 0 if Prometheus has none."""
    result = ask(stack.prometheus, expression)
    return float(result[0]["value"][1]) if result else 0.0


def _state(stack: LocalStack) -> str | None:
    return active_alerts(stack.alertmanager).get((ALERT, QUEUE))
