"""The people who ring, and when they ring again."""

from random import Random
from typing import TYPE_CHECKING, TypeAlias

from streams.simulate.agenda import Agenda
from streams.simulate.config import CallerConfig
from streams.simulate.draws import lognormal

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.simulate.callbacks import Callback
    from streams.simulate.queues import Queue

__all__ = ["Callers", "Customer", "CustomerPool"]


class Customer:
    """Somebody who rings; known by a pseudonym or not at all.

    `intent` moves on whenever a plan to ring again no longer holds.
    """

    __slots__ = ("anonymous", "callback", "intent", "on_the_phone", "priority", "pseudonym")

    def __init__(self, pseudonym: str | None, *, anonymous: bool, priority: bool) -> None:
        self.pseudonym = pseudonym
        self.anonymous = anonymous
        self.priority = priority
        self.on_the_phone = False
        self.intent = 0
        self.callback: Callback | None = None


class CustomerPool:
    """All customers of the centre, made when they first ring."""

    def __init__(self, config: CallerConfig, rng: Random) -> None:
        self._config = config
        self._rng = rng
        self._customers: list[Customer | None] = [None] * config.customers

    def caller(self) -> Customer:
        """Return who rings now: somebody of the pool, or somebody nobody knows."""
        who = self._rng.random()
        if who < self._config.anonymous:
            return self._customer(None, anonymous=True)
        if who < self._config.anonymous + self._config.unknown:
            return self._customer(None)
        return self.known()

    def known(self) -> Customer:
        """Return a customer with a pseudonym who is not on the phone."""
        for _ in range(8):
            index = int(self._rng.random() * len(self._customers))
            customer = self._customers[index]
            if customer is None:
                customer = self._customers[index] = self._customer(self._pseudonym())
            if not customer.on_the_phone:
                return customer
        return self._customer(self._pseudonym())

    def _pseudonym(self) -> str:
        return f"k1:{self._rng.getrandbits(80):020x}"

    def _customer(self, pseudonym: str | None, *, anonymous: bool = False) -> Customer:
        priority = self._rng.random() < self._config.priority
        return Customer(pseudonym, anonymous=anonymous, priority=priority)


_Plan: TypeAlias = "tuple[Customer, Queue, int]"


class Callers:
    """Decides who rings again; `ring(customer, queue)` makes the call."""

    def __init__(
        self,
        agenda: Agenda,
        config: CallerConfig,
        rng: Random,
        ring: "Callable[[Customer, Queue], None]",
    ) -> None:
        self._agenda = agenda
        self._config = config
        self._rng = rng
        self._ring = ring

    def unserved(self, customer: Customer, queue: "Queue") -> None:
        """React to a call that ended without a human answer."""
        if self._rng.random() < self._config.redial:
            delay = lognormal(self._rng, self._config.redial_median, self._config.redial_sigma)
            self._plan(customer, queue, delay)

    def hurried_off(self, customer: Customer, queue: "Queue") -> None:
        """React to a useless quick answer."""
        if self._rng.random() < self._config.redial_useless:
            self._plan(customer, queue, self._soon(self._config.redial_useless_median))

    def unresolved(self, customer: Customer, queue: "Queue") -> None:
        """React to a conversation that did not help."""
        if self._rng.random() < self._config.follow_up:
            self._plan(customer, queue, self._soon(self._config.follow_up_median))

    def spoken_to(self, customer: Customer) -> None:
        """Forget the plan to ring again: a human was reached."""
        customer.intent += 1

    def _soon(self, median: int) -> int:
        return lognormal(self._rng, median, 0.8)

    def _plan(self, customer: Customer, queue: "Queue", delay: int) -> None:
        if delay <= self._config.forgets_after:
            customer.intent += 1
            self._agenda.after(delay, self._ring_again, (customer, queue, customer.intent))

    def _ring_again(self, plan: "_Plan") -> None:
        customer, queue, intent = plan
        if customer.intent == intent and not customer.on_the_phone:
            self._ring(customer, queue)
