"""For how much a fetch waits at the broker, and how long.

While events come, ten fetches a second bring many at a time: one for each event would take most of
a core. When none has come for a moment the next one is fetched at once, and who has nothing to
wait for asks seldom: each answer, even an empty one, wakes both threads.
"""

from typing import Final, NamedTuple

from streams.instants import SECOND

__all__ = ["BUSY", "CALM", "QUIET", "QUIET_AFTER", "FetchPace", "FetchWait"]


class FetchWait(NamedTuple):
    """What the broker waits for before it answers: so many bytes, or so many milliseconds."""

    min_bytes: int
    max_ms: int


BUSY: Final = FetchWait(262_144, 100)
"""Ten fetches a second at most, of what came meanwhile. The time bounds how late the clock can say
that a partition has caught up, so it adds to the latency of deadlines."""
QUIET: Final = FetchWait(1, 100)
"""The next event at once, and as soon as before whether there was none."""
CALM: Final = FetchWait(1, 400)
"""The next event at once; nobody waits to hear that there was none."""
QUIET_AFTER: Final = SECOND // 2
"""Without an event for so long (microseconds), a stream is quiet."""


class FetchPace:
    """Says what the next fetch waits for, from what the last ones brought."""

    def __init__(self) -> None:
        self._busy_until = 0

    def after(self, at: int, *, brought: bool, calm: bool, behind: bool = False) -> FetchWait:
        """Return it after a fetch that was answered `at` (microseconds) and `brought` records.

        `calm`: no deadline comes so soon that it has to be known that nothing came before it.
        `behind`: there was more than was brought; the end of a backlog is not to wait.
        """
        if brought:
            self._busy_until = at + QUIET_AFTER
        if behind:
            return QUIET
        if at < self._busy_until:
            return BUSY
        return CALM if calm else QUIET
