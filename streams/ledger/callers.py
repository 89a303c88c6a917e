"""Who rang or is owed something: by name, or by the call whose caller nobody named."""

from streams.ledger.calls import ALONE, AMONG, APART, FREE, NAMELESS, OVER, Call
from streams.ledger.compiled import u8
from streams.ledger.customers import Customer, without
from streams.ledger.deadlines import Deadlines

__all__ = ["Callers"]


class Callers:
    """The customers of one partition.

    Most ring once and are owed nothing: of such a one the call is kept and no more. It becomes a
    `Customer` with the second call, with a failure, with a callback event.
    """

    def __init__(self, deadlines: Deadlines, most_calls: int) -> None:
        self.by_key: dict[str, Customer | Call] = {}
        """customers, and calls that stand alone for theirs"""
        self.crowded = 0
        """calls judged apart from their customer, who had too many"""
        self._deadlines = deadlines
        self._most_calls = most_calls

    def of(self, call: Call, is_trouble: bool) -> Customer | None:
        """Return the customer of `call`; None if nothing needs one.

        `is_trouble`: it failed, or was spoken of in callback events.
        """
        hold = call.hold
        if hold in (AMONG, APART):
            return self.customer(str(call.held_by))
        if hold != FREE:
            return self.customer(str(call.customer)) if is_trouble else None
        if call.customer is not None or is_trouble:
            return self._join(call, is_trouble)
        return None

    def customer(self, key: str) -> Customer:
        """Return who is held as `key`."""
        held = self.by_key[key]
        return held if isinstance(held, Customer) else self.promote(held, key)

    def known(self, key: str, name: str | None) -> Customer:
        """Return who is held as `key`, from now on at least."""
        if key not in self.by_key:
            self.by_key[key] = Customer(key, name)
        return self.customer(key)

    def promote(self, call: Call, key: str) -> Customer:
        """Make a customer of `call`, which stood alone for the one held as `key`."""
        customer = self.by_key[key] = Customer(key, key)
        customer.calls = (call,)
        if call.hold == OVER:
            wake, call.wake = call.wake, 0
            if wake > 0:
                self._deadlines.set(customer, wake)
        call.hold = AMONG
        return customer

    def leave(self, call: Call, key: str) -> Customer:
        """Take `call` from who is held as `key`; return him."""
        customer = self.customer(key)
        call.hold = FREE
        customer.calls = without(customer.calls, call)
        customer.troubled = True
        return customer

    def _join(self, call: Call, is_trouble: bool) -> Customer | None:
        """Have `call` held by its customer; return him, None if it stands alone for him."""
        name = call.customer
        if name is not None:
            held = self.by_key.get(name)
            if held is None and not is_trouble:
                self.by_key[name] = call
                call.hold = ALONE
                return None
            customer = self.known(name, name)
            if len(customer.calls) < self._most_calls:
                return _add(customer, call, AMONG)
            self.crowded += 1
        return _add(self.known(NAMELESS + call.id, name), call, APART)


def _add(customer: Customer, call: Call, hold: u8) -> Customer:
    call.hold = hold
    customer.calls = (*customer.calls, call)
    return customer
