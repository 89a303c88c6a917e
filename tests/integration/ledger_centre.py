"""A ledger in this process, fed on this machine's clock and served to Prometheus."""

import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ledger_workers import Worker
from outage import PacedCentre

from streams.events import Event
from streams.instants import SECOND
from streams.metrics import Endpoint, Exposition
from streams.slo import parse_slo

__all__ = ["LedgerCentre"]


class LedgerCentre(PacedCentre):
    """Takes what `next_events` says; `ticks` and `hears_the_source` can be taken from it."""

    def __init__(self, slo: str) -> None:
        super().__init__()
        self.worker = Worker(rules=parse_slo(slo).rules())
        self.partition = self.worker.assign(0)
        self.exposition = Exposition()
        self.ticks = self.hears_the_source = True

    @abstractmethod
    def next_events(self, now: int) -> Iterable[Event]:
        """Return what happens as the next customer calls."""

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
        """Have the next customer call."""
        now = time.time_ns() // 1000
        self.partition.take(*self.next_events(now))
        if self.hears_the_source:
            self.partition.last_heartbeat_at = now
        self.partition.tick(now)
        if self.ticks:
            self.worker.last_tick_at = now / SECOND
        self.exposition.publish(self.worker)
