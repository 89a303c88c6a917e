"""A feed in real time."""

import time
from collections.abc import Callable, Iterable, Iterator

from streams.instants import SECOND
from streams.simulate.recorder import Delivery

__all__ = ["paced"]


def paced(
    deliveries: Iterable[Delivery],
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Delivery]:
    """Yield each delivery when the clock (seconds since 1970) has reached it.

    Whoever falls behind is not held up further.
    """
    for delivery in deliveries:
        early = delivery.at / SECOND - clock()
        if early > 0:
            sleep(early)
        yield delivery
