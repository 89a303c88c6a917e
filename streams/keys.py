"""Which partition an event belongs to: the customer if known, else the call.

Everything about one customer has to meet in one partition, and so have all events of one call,
although later events of a call often no longer name its customer.
"""

from collections import OrderedDict
from typing import Final

from streams.events import CallbackEvent, CallEvent, Event

__all__ = ["REMEMBERED_CALLS", "CallKeys"]

REMEMBERED_CALLS: Final = 250_000
"""About five hours of a centre with 13 calls a second; `max_call` is four."""


class CallKeys:
    """Gives events their Kafka key and remembers the key of each call.

    The key of a call is decided by its first event and never changes afterwards, even if a later
    event names another customer. At most `capacity` calls are remembered, the oldest go first.
    """

    def __init__(self, capacity: int = REMEMBERED_CALLS) -> None:
        self._capacity = capacity
        # A plain dict looks for its oldest entry past all those that were deleted before it.
        self._keys: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, event: Event) -> str | None:
        """Return the key of `event`; None: it is written to every partition."""
        if isinstance(event, CallEvent):
            return self._call_key(event.call_id, event.customer)
        if isinstance(event, CallbackEvent):
            return event.customer or self._keys.get(event.call_id or "") or event.call_id
        return None

    def _call_key(self, call_id: str, customer: str | None) -> str:
        known = self._keys.get(call_id)
        if known is not None:
            return known
        if len(self._keys) >= self._capacity:
            self._keys.popitem(last=False)
        key = customer or call_id
        self._keys[call_id] = key
        return key
