"""The desk that rings back the customers who were not served."""

from collections import deque
from random import Random

from streams import events as ev
from streams.simulate.agenda import Agenda
from streams.simulate.config import DeskConfig
from streams.simulate.customers import Callers, Customer
from streams.simulate.draws import between, exponential, lognormal
from streams.simulate.queues import Queue
from streams.simulate.recorder import Recorder, Source

__all__ = ["Callback", "CallbackDesk"]


class Callback:
    """A customer on the list of those to be rung back."""

    __slots__ = ("attempts", "call_id", "customer", "opened_at", "over", "queue")

    def __init__(self, customer: Customer, queue: Queue, call_id: str | None, at: int) -> None:
        self.customer = customer
        self.queue = queue
        self.call_id = call_id
        self.opened_at = at
        self.attempts = 0
        self.over = False


class CallbackDesk:
    """Works the list first come, first served; `open` callbacks are still to be dealt with."""

    def __init__(
        self,
        agenda: Agenda,
        config: DeskConfig,
        rng: Random,
        recorder: Recorder,
        callers: Callers,
    ) -> None:
        self._agenda = agenda
        self._config = config
        self._rng = rng
        self._recorder = recorder
        self._callers = callers
        self._list: deque[Callback] = deque()
        self._free = deque(f"desk{number + 1}" for number in range(config.agents))
        self.open = 0

    def due_at(self, source: Source) -> int:
        """Return when a callback asked for now is due, in the resolution of `source`."""
        now = self._agenda.now
        return now - now % source.resolution + self._config.target

    def request(self, customer: Customer, queue: Queue) -> None:
        """Take a request that came without a call, by web or app."""
        due_at = self.due_at(queue.source)
        self._recorder.report(
            ev.CallbackRequested,
            queue.source,
            queue=queue.name,
            customer=customer.pseudonym,
            reason="web",
            due_at=due_at,
        )
        self.owe(customer, queue, None)

    def owe(self, customer: Customer, queue: Queue, call_id: str | None) -> None:
        """Put a customer on the list, unless he is on it, anonymous or forgotten."""
        if customer.callback is not None or customer.anonymous or not self._config.agents:
            return
        if self._rng.random() < self._config.forgotten:
            return
        callback = Callback(customer, queue, call_id, self._agenda.now)
        customer.callback = callback
        self.open += 1
        self._agenda.after(between(self._rng, self._config.lead), self._put_on_list, callback)
        if self._rng.random() < self._config.cancelled:
            waived = round(self._config.target * self._rng.random())
            self._agenda.after(waived, self._cancel, callback)

    def spoken_to(self, customer: Customer) -> None:
        """Take a customer off the list who rang himself and was served."""
        if customer.callback is not None:
            self._close(customer.callback)

    def _put_on_list(self, callback: Callback) -> None:
        if not callback.over:
            self._list.append(callback)
            self._work()

    def _work(self) -> None:
        while self._list and self._free:
            callback = self._list.popleft()
            if self._still_wanted(callback):
                self._dial(callback, self._free.popleft())

    def _still_wanted(self, callback: Callback) -> bool:
        if not callback.over and self._too_old(callback):
            self._close(callback)
        return not callback.over

    def _too_old(self, callback: Callback) -> bool:
        return self._agenda.now - callback.opened_at > self._config.gives_up_after

    def _dial(self, callback: Callback, agent: str) -> None:
        callback.attempts += 1
        self._report(ev.CallbackAttempted, callback, agent=agent)
        dial = between(self._rng, self._config.dial)
        self._agenda.after(dial, self._outcome, (callback, agent))

    def _outcome(self, attempt: tuple[Callback, str]) -> None:
        callback, agent = attempt
        answer, config = self._rng.random(), self._config
        if callback.over or callback.customer.on_the_phone or answer >= _answers(config):
            self._try_again(callback)
            self._next(agent)
        elif answer < config.reached:
            self._converse(callback, agent)
        else:
            self._report(ev.CallbackConnected, callback, agent=agent, reached="voicemail")
            self._try_again(callback)
            self._agenda.after(exponential(self._rng, config.voicemail_talk), self._next, agent)

    def _converse(self, callback: Callback, agent: str) -> None:
        customer = callback.customer
        self._report(ev.CallbackConnected, callback, agent=agent, reached="human")
        self._close(callback)
        self._callers.spoken_to(customer)
        customer.on_the_phone = True
        talk = lognormal(self._rng, self._config.talk_median, 0.8)
        self._agenda.after(talk, self._hang_up, (customer, agent))

    def _hang_up(self, conversation: tuple[Customer, str]) -> None:
        customer, agent = conversation
        customer.on_the_phone = False
        self._next(agent)

    def _next(self, agent: str) -> None:
        self._free.append(agent)
        self._work()

    def _try_again(self, callback: Callback) -> None:
        if callback.over:
            return
        if callback.attempts >= self._config.attempts:
            self._close(callback)
        else:
            self._agenda.after(self._config.retry, self._put_on_list, callback)

    def _cancel(self, callback: Callback) -> None:
        """The customer waives it, and has no wish to ring again either."""
        if not callback.over:
            self._report(ev.CallbackCancelled, callback, reason="customer")
            self._close(callback)
            self._callers.spoken_to(callback.customer)

    def _close(self, callback: Callback) -> None:
        callback.over = True
        callback.customer.callback = None
        self.open -= 1

    def _report(self, kind: type[ev.Event], callback: Callback, **fields: object) -> None:
        self._recorder.report(
            kind,
            callback.queue.source,
            queue=callback.queue.name,
            call_id=callback.call_id,
            customer=callback.customer.pseudonym,
            **fields,
        )


def _answers(config: DeskConfig) -> float:
    return config.reached + config.voicemail
