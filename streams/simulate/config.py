"""What a simulated centre is like: every number of it, none of them in the code that runs it.

Durations are microseconds, shares are between 0 and 1. The defaults come from measurements of a
bank's telephone centre (Guedj and Mandelbaum's "Anonymous Bank" data, 1999; Brown et al. 2005,
"Statistical Analysis of a Telephone Call Center", JASA 100), except where one says "assumed".
"""

from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from streams.instants import HOUR, MILLISECOND, MINUTE, SECOND

__all__ = [
    "BUSINESS_DAY",
    "FLAT_DAY",
    "CallerConfig",
    "CentreConfig",
    "DeskConfig",
    "HandlingConfig",
    "Outage",
    "QueueConfig",
    "SourceConfig",
]

Profile = tuple[float, ...]
Range = tuple[int, int]

BUSINESS_DAY: Final[Profile] = (
    *(0.0,) * 7,
    *(2.5, 5.3, 8.1, 9.4, 8.4, 7.5, 7.1, 7.6, 7.2, 6.9, 6.0, 5.1, 4.2, 3.4, 4.0, 4.6, 3.2),
)
"""Per cent of a day's calls in each hour, UTC; 13, 15, 17, 19 and 21 h are interpolated."""
FLAT_DAY: Final[Profile] = (1.0,) * 24


class SourceConfig(Struct, frozen=True, kw_only=True):
    """A telephone system that reports events."""

    name: str
    resolution: int = MILLISECOND
    reports_hangup: bool = True
    """False: after an abandonment or a rejection no `call.ended` follows, as in Asterisk's log."""


class QueueConfig(Struct, frozen=True, kw_only=True):
    """A queue and the agents who serve it."""

    name: str
    source: str
    share: float
    """Of the centre's fresh calls, relative to the other queues."""
    agents: int | None = None
    """On duty round the clock; None: a roster of shifts that meets the staffing goal."""
    helps: str | None = None
    """Another queue whose calls `helpers` of this queue's agents take as well."""
    helpers: float = 0.2
    talk_median: int = 123 * SECOND
    opens: int = 0
    closes: int = 24
    """Hours of the day, UTC; calls outside are rejected."""
    max_waiting: int = 100
    max_wait: int = 180 * SECOND
    """Then the caller is sent to the voicemail."""
    overflow_to: str | None = None
    overflow_after: int = 45 * SECOND


class Outage(Struct, frozen=True, kw_only=True):
    """The agents of `queue` take no new call from `begins` after the start on, for `lasts`."""

    queue: str
    begins: int
    lasts: int


class CallerConfig(Struct, frozen=True, kw_only=True):
    """How customers behave."""

    customers: int = 50_000
    anonymous: float = 0.06
    """Number withheld (assumed)."""
    unknown: float = 0.05
    """The source has a number but no customer (assumed)."""
    priority: float = 0.1
    patience_scale: float = 1.0
    redial: float = 0.55
    """Who was not served rings again; with the two below 18 % within 10 min, 36 % within 1 h."""
    redial_median: int = 27 * MINUTE
    redial_sigma: float = 2.1
    redial_useless: float = 0.8
    """After a useless quick answer (assumed)."""
    redial_useless_median: int = 3 * MINUTE
    follow_up: float = 0.4
    """After a conversation that resolved nothing (assumed)."""
    follow_up_median: int = 2 * HOUR
    forgets_after: int = 12 * HOUR
    callback_key: float = 0.15
    """Press the key when a callback is announced (assumed)."""
    callback_key_after: int = 30 * SECOND
    web_requests: float = 0.01
    """Callbacks asked for without a call, per fresh call (assumed)."""
    announcement: Range = (200 * MILLISECOND, 900 * MILLISECOND)
    ivr: float = 0.04
    ivr_talk: Range = (1 * SECOND, 3 * SECOND)
    bot: float = 0.04
    bot_talk: Range = (8 * SECOND, 40 * SECOND)
    bot_contains: float = 0.3


class HandlingConfig(Struct, frozen=True, kw_only=True):
    """How agents take calls."""

    ring: Range = (2 * SECOND, 6 * SECOND)
    ring_no_answer: float = 0.03
    """The agent does not pick up (assumed)."""
    ring_timeout: int = 12 * SECOND
    pause_after_no_answer: int = 30 * SECOND
    talk_sigma: float = 0.91
    wrap_up: int = 20 * SECOND
    transfer: float = 0.05
    useless: Range = (2 * SECOND, 9 * SECOND)
    """Talk time of a useless quick answer."""
    useless_share: tuple[float, float] = (0.01, 0.05)
    """Of an ordinary agent's calls."""
    hasty_agents: float = 0.08
    hasty_share: float = 0.27
    """Of a hasty agent's calls: useless answers are concentrated at few agents."""
    ended_by_agent: float = 0.3
    ended_by_system: float = 0.02
    resolved: float = 0.72
    resolution_reported: float = 0.5
    shift_hours: int = 8
    staffing_objective: float = 0.95
    staffing_wait: int = 5 * SECOND
    """The roster has that share of calls rung at an agent within this wait (Erlang C)."""


class DeskConfig(Struct, frozen=True, kw_only=True):
    """The desk that works the list of callbacks owed (numbers assumed)."""

    agents: int = 3
    target: int = HOUR
    lead: Range = (3 * MINUTE, 15 * MINUTE)
    """Until an unserved call is on the list."""
    dial: Range = (8 * SECOND, 25 * SECOND)
    reached: float = 0.6
    voicemail: float = 0.15
    voicemail_talk: int = 20 * SECOND
    talk_median: int = 120 * SECOND
    attempts: int = 3
    retry: int = 12 * MINUTE
    forgotten: float = 0.03
    cancelled: float = 0.03
    gives_up_after: int = 4 * HOUR


class CentreConfig(Struct, frozen=True, kw_only=True):
    """A whole centre.

    Raises:
        ValueError: it cannot exist (no queue, an unknown name, a negative share ...).
    """

    sources: tuple[SourceConfig, ...]
    queues: tuple[QueueConfig, ...]
    start: int
    calls_per_hour: float
    """Fresh calls expected in the busiest hour of `profile`; redials come on top."""
    profile: Profile = BUSINESS_DAY
    day_variation: float = 0.25
    """Coefficient of variation of the day's busyness (over-dispersion of arrivals)."""
    outages: tuple[Outage, ...] = ()
    callers: CallerConfig = CallerConfig()
    handling: HandlingConfig = HandlingConfig()
    desk: DeskConfig = DeskConfig()
    heartbeat: int = 10 * SECOND

    def __post_init__(self) -> None:
        names = [queue.name for queue in self.queues]
        _unique("queue", names)
        _unique("source", [source.name for source in self.sources])
        _known("source", [queue.source for queue in self.queues], [s.name for s in self.sources])
        _known("queue", [queue.overflow_to for queue in self.queues], names)
        _known("queue", [queue.helps for queue in self.queues], names)
        _known("queue", [outage.queue for outage in self.outages], names)
        if self.calls_per_hour <= 0 or any(queue.share <= 0 for queue in self.queues):
            raise _impossible("calls per hour and the share of each queue must be above 0")
        if len(self.profile) != 24 or max(self.profile) <= 0 or min(self.profile) < 0:
            raise _impossible("the profile of a day is 24 weights, not all of them 0")

    def scaled(self, *, talk: float = 1.0, delays: float = 1.0) -> "CentreConfig":
        """Return the centre with conversations and delays (redial, callback) that much longer.

        Patience, ringing and limits of waiting stay as they are.
        """
        return replace(
            self,
            queues=tuple(_scaled(queue, talk, "talk_median") for queue in self.queues),
            handling=_scaled(self.handling, talk, "wrap_up"),
            callers=_scaled(self.callers, delays, *_CALLER_DELAYS),
            desk=_scaled(_scaled(self.desk, talk, *_DESK_TALK), delays, *_DESK_DELAYS),
        )

    def at_site(self, site: str) -> "CentreConfig":
        """Return the centre with the names of its systems and queues beginning with `site`.

        Two of them may then write to one topic and be told apart.
        """
        return replace(
            self,
            sources=tuple(_named(source, site, "name") for source in self.sources),
            queues=tuple(
                _named(queue, site, "name", "source", "helps", "overflow_to")
                for queue in self.queues
            ),
            outages=tuple(_named(outage, site, "queue") for outage in self.outages),
        )


_CALLER_DELAYS: Final = (
    "redial_median",
    "redial_useless_median",
    "follow_up_median",
    "forgets_after",
)
_DESK_TALK: Final = ("dial", "talk_median", "voicemail_talk")
_DESK_DELAYS: Final = ("target", "lead", "retry", "gives_up_after")

S = TypeVar("S", bound=Struct)


def _named(config: S, site: str, *fields: str) -> S:
    names = {field: getattr(config, field) for field in fields}
    return replace(config, **{field: f"{site}-{name}" for field, name in names.items() if name})


def _scaled(config: S, factor: float, *names: str) -> S:
    return replace(config, **{name: _times(getattr(config, name), factor) for name in names})


def _times(duration: Any, factor: float) -> Any:
    if isinstance(duration, tuple):
        return tuple(round(edge * factor) for edge in duration)
    return round(duration * factor)


def _unique(what: str, names: list[str]) -> None:
    if not names or len(set(names)) < len(names):
        raise _impossible(f"a centre needs at least one {what}, each with a name of its own")


def _known(what: str, used: "list[str] | list[str | None]", names: list[str]) -> None:
    for name in used:
        if name is not None and name not in names:
            raise _impossible(f"there is no {what} named {name!r}")


def _impossible(why: str) -> ValueError:
    return ValueError(f"cannot simulate this centre: {why}")
