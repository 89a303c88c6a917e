"""A call centre that behaves like one."""

from bisect import bisect_right
from collections.abc import Iterator
from hashlib import sha256
from itertools import accumulate

import msgspec

from streams.events import Event
from streams.simulate.agenda import Agenda
from streams.simulate.arrivals import arrivals
from streams.simulate.callbacks import CallbackDesk
from streams.simulate.config import CentreConfig
from streams.simulate.customers import Callers, Customer, CustomerPool
from streams.simulate.draws import stream
from streams.simulate.floor import Floor
from streams.simulate.queues import Call, Queue
from streams.simulate.recorder import Delivery, Recorder, Source, in_event_time_order

__all__ = ["Centre"]


class Centre:
    """A centre and the seed of its chance: the same two give the same events, byte for byte."""

    def __init__(self, config: CentreConfig, seed: int) -> None:
        self.config = config
        self.seed = seed

    def events(self, calls: int | None = None) -> Iterator[Event]:
        """Yield the events in event-time order (see `deliveries`)."""
        return in_event_time_order(self.deliveries(calls))

    def deliveries(self, calls: int | None = None) -> Iterator[Delivery]:
        """Yield the events when they happen, with the key that chooses their partition.

        With `calls` the centre takes that many (redials included) and ends when the last of them
        is over and no callback is left to be made; without, it never ends.
        """
        return _Run(self.config, self.seed, calls).deliveries()


class _Run:
    """The centre at work."""

    def __init__(self, config: CentreConfig, seed: int, calls: int | None) -> None:
        self._config = config
        self._calls_left = calls
        self._agenda = agenda = Agenda(config.start)
        self._name = _run_name(config, seed)
        self._recorder = Recorder(agenda, self._name)
        self._rng = stream(seed, "demand")
        self._customers = CustomerPool(config.callers, stream(seed, "customers"))
        callers = Callers(agenda, config.callers, stream(seed, "callers"), self._ring)
        self._desk = CallbackDesk(
            agenda, config.desk, stream(seed, "callbacks"), self._recorder, callers
        )
        self._floor = Floor(
            agenda,
            config,
            stream(seed, "floor"),
            recorder=self._recorder,
            callers=callers,
            desk=self._desk,
        )
        self._sources = {source.name: Source(source) for source in config.sources}
        self._queues = _queues(config, self._sources)
        self._arrivals = arrivals(config, stream(seed, "arrivals"))
        self._queue_list = list(self._queues.values())
        self._cumulative_shares = list(accumulate(queue.share for queue in config.queues))
        self._call_serial = 0
        self._start()

    def deliveries(self) -> Iterator[Delivery]:
        step, recorder = self._agenda.step, self._recorder
        while not self._over():
            step()
            if recorder.reported:
                yield from recorder.take()
        for source in self._sources.values():
            self._recorder.beat(source)
        yield from self._recorder.take()

    def _start(self) -> None:
        self._floor.staff.hire(self._config, self._queues)
        for source in self._sources.values():
            self._agenda.at(self._config.start, self._beat, source)
        self._agenda.at(next(self._arrivals), self._arrive, None)

    def _over(self) -> bool:
        return self._calls_left == 0 and not self._floor.open_calls and not self._desk.open

    def _beat(self, source: Source) -> None:
        self._recorder.beat(source)
        self._agenda.after(self._config.heartbeat, self._beat, source)

    def _arrive(self, _: None) -> None:
        if self._calls_left == 0:
            return
        queue = self._chosen_queue()
        self._ring(self._customers.caller(), queue)
        if self._rng.random() < self._config.callers.web_requests:
            self._desk.request(self._customers.known(), queue)
        self._agenda.at(next(self._arrivals), self._arrive, None)

    def _ring(self, customer: Customer, queue: Queue) -> None:
        """Let a customer ring, unless all calls of the run have been made."""
        if self._calls_left == 0:
            return
        if self._calls_left is not None:
            self._calls_left -= 1
        self._call_serial += 1
        serial = self._call_serial
        self._floor.arrive(Call(serial, f"{self._name}.{serial}", customer, queue))

    def _chosen_queue(self) -> Queue:
        drawn = self._rng.random() * self._cumulative_shares[-1]
        return self._queue_list[bisect_right(self._cumulative_shares, drawn)]


def _run_name(config: CentreConfig, seed: int) -> str:
    return sha256(msgspec.json.encode((seed, config))).hexdigest()[:8]


def _queues(config: CentreConfig, sources: dict[str, Source]) -> dict[str, Queue]:
    queues = {queue.name: Queue(queue, sources[queue.source]) for queue in config.queues}
    for queue in queues.values():
        if queue.config.overflow_to is not None:
            queue.overflow = queues[queue.config.overflow_to]
        queue.transfers = tuple(other for other in queues.values() if other is not queue)
    return queues
