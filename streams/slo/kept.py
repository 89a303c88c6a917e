"""What a worker tells of its objective: the whole of it as text, and when a queue opens."""

from functools import cached_property, lru_cache
from typing import Any, Final

from msgspec.structs import asdict

from streams.instants import MINUTE
from streams.ledger import NO_QUEUE, OTHER_QUEUES
from streams.slo.calendar import OpeningHours
from streams.slo.durations import Duration, compact
from streams.slo.keys import Keys
from streams.slo.objective import Objective
from streams.slo.rulesfile import dump

__all__ = ["Kept", "render_slo"]

_NO_ONE_QUEUE: Final = {NO_QUEUE, OTHER_QUEUES}


class Kept:
    """An objective as a worker keeps it; may be asked from any thread."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._hours: dict[str, OpeningHours | None] = {}

    @cached_property
    def slo_text(self) -> str:
        """The objective with every default filled in; reading it gives the same objective."""
        return render_slo(self._objective)

    def opening_at(self, queue: str, at: int) -> int | None:
        """Return when the queue of that label opens next, or opened; None: always open.

        Microseconds since 1970. In a centre with hours a queue that is always open has 0.
        """
        if not self._objective.has_calendar:
            return None
        if queue not in self._hours:
            name = None if queue in _NO_ONE_QUEUE else queue
            self._hours[queue] = self._objective.hours_of(name)
        hours = self._hours[queue]
        return 0 if hours is None else _opening_at(hours, at // MINUTE)


def render_slo(objective: Objective) -> str:
    """Return `objective` as the text of an `slo.yaml` that leaves nothing out."""
    return dump(_plain(objective))


@lru_cache(maxsize=1024)
def _opening_at(hours: OpeningHours, minute: int) -> int:
    """Hours begin and end on the minute."""
    return hours.opening_at(minute * MINUTE)


def _plain(value: Any) -> Any:
    if isinstance(value, Keys):
        return {name: _plain(each) for name, each in asdict(value).items()}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return compact(value) if isinstance(value, Duration) else value
