"""Random small call centres, dense in boundaries: ties, waits of exactly the target, callbacks
at exactly the due moment, names that come late or contradict each other."""

from typing import Any, Final

from feeds import BASE
from hypothesis import strategies as st

from streams.events import EVENT_TYPES, CallbackEvent, CallEvent, Event
from streams.instants import SECOND

__all__ = ["Step", "arrivals", "centres", "rule_settings", "soups"]

TARGET: Final = 10
DUE: Final = 60
WINDOW: Final = 40
QUEUES: Final = (None, "help", "sales", "sales")
CUSTOMERS: Final = (None, "ann", "ann", "bob")
SOURCES: Final = ("pbx", "acd")

_steps = st.sampled_from((0, 0, 1, 4, 5, TARGET - 1, TARGET, TARGET + 1, 20, WINDOW, DUE, DUE + 1))
"""Seconds between two facts."""


def _queue_settings() -> st.SearchStrategy[dict[str, Any]]:
    def seconds(*values: int) -> st.SearchStrategy[int]:
        return st.sampled_from(values).map(lambda value: value * SECOND)

    return st.fixed_dictionaries(
        {},
        optional={
            "answer_target": seconds(TARGET, TARGET, 5),
            "clock_start": st.sampled_from(("arrival", "queue")),
            "early_abandon": st.sampled_from(("exclude", "broken")),
            "unknown_is_human": st.booleans(),
            "callback_target": seconds(DUE, DUE, WINDOW),
            "callback_clock": st.sampled_from(("call_end", "breach")),
            "unreachable_after": st.integers(1, 3),
            "late_horizon": seconds(0, TARGET, DUE, 3600),
            "short_talk": seconds(TARGET, 5),
            "repeat_window": seconds(WINDOW, DUE),
        },
    )


@st.composite
def rule_settings(
    draw: st.DrawFn, lateness: int = 3600, max_call: tuple[int, ...] = (30, 90, 600)
) -> dict[str, Any]:
    """Settings of a centre whose hour lasts a minute; `lateness` and `max_call` in seconds."""
    small = {"callback_target": DUE * SECOND, "repeat_window": WINDOW * SECOND}
    settings = {**small, **draw(_queue_settings())}
    settings["max_call"] = draw(st.sampled_from(max_call)) * SECOND
    settings["queues"] = draw(
        st.dictionaries(st.sampled_from(("sales", "help")), _queue_settings(), max_size=2)
    )
    settings["lateness"] = lateness * SECOND
    return settings


def _specifics(kind: str) -> dict[str, st.SearchStrategy[Any]]:
    if kind == "call.answered":
        by = ("human", "human", "human", "unknown", "bot", "ivr", "voicemail")
        return {"answered_by": st.sampled_from(by)}
    if kind == "call.ended":
        ended_by = st.sampled_from((None, "customer", "agent", "system"))
        return {"ended_by": ended_by, "resolved": st.sampled_from((None, None, True, False))}
    if kind == "callback.connected":
        return {"reached": st.sampled_from(("human", "human", "voicemail", "unknown"))}
    return {}


def _make(draw: st.DrawFn, number: int, kind: str, at: int, **fields: Any) -> Event:
    """Make one event; what `fields` does not say is drawn."""
    cls: Any = EVENT_TYPES[kind]
    given: dict[str, Any] = {
        "id": f"e{number}",
        "source": draw(st.sampled_from(SOURCES)),
        "queue": draw(st.sampled_from(QUEUES)),
        "customer": draw(st.sampled_from(CUSTOMERS)),
        "anonymous": draw(st.sampled_from((False, False, False, True))),
        **{name: draw(strategy) for name, strategy in _specifics(kind).items()},
        **fields,
    }
    if not issubclass(cls, CallEvent | CallbackEvent):
        given.pop("call_id", None)
    elif issubclass(cls, CallbackEvent) and not (given["customer"] or given["call_id"]):
        given["customer"] = "ann"
    made: Event = cls(at=BASE + at * SECOND, **given)
    return made


@st.composite
def soups(draw: st.DrawFn) -> list[Event]:
    """Any events in any combination: what no centre does, and what some feed will."""
    kinds = st.sampled_from((*EVENT_TYPES, "call.offered", "call.queued", "call.answered"))
    events = []
    at = 0
    for number in range(draw(st.integers(1, 16))):
        at += draw(_steps)
        kind = draw(kinds)
        calls = ("a", "a", "b", "c") + ((None,) if kind.startswith("callback") else ())
        events.append(_make(draw, number, kind, at, call_id=draw(st.sampled_from(calls))))
    return events


@st.composite
def centres(draw: st.DrawFn) -> list[Event]:
    """A centre with plausible calls: named at first, facts soon after one another."""
    events: list[Event] = []
    at = 0
    last = draw(st.integers(0, 4))
    for number in range(last + 1):
        at += draw(_steps)
        events += _call(draw, f"call{number}", at, len(events))
    for _ in range(draw(st.integers(0, 4))):
        events.append(_callback(draw, len(events), at + draw(_steps), f"call{last}"))
    if draw(st.booleans()):
        when = draw(st.integers(0, at + 30))
        events.append(_make(draw, len(events), "source.restarted", when, customer=None))
    return events


def _call(draw: st.DrawFn, name: str, start: int, number: int) -> list[Event]:
    paths = draw(st.sampled_from(_PATHS))
    who = draw(st.sampled_from(CUSTOMERS))
    source = draw(st.sampled_from(SOURCES))
    hidden = draw(st.booleans())
    skew = draw(st.sampled_from((0, 0, 0, 1, -1)))
    events: list[Event] = []
    for kind in paths:
        named = who if not events or draw(st.booleans()) else None
        at = start + (skew if kind == "call.answered" else 0)
        fields = {"call_id": name, "source": source, "customer": named, "anonymous": hidden}
        events.append(_make(draw, number + len(events), kind, max(0, at), **fields))
        start += draw(_steps)
    return events


def _callback(draw: st.DrawFn, number: int, at: int, call: str) -> Event:
    kind = draw(st.sampled_from([kind for kind in EVENT_TYPES if kind.startswith("callback.")]))
    who = draw(st.sampled_from(("ann", "bob", None)))
    return _make(draw, number, kind, at, customer=who, call_id=None if who else call)


_PATHS: Final = (
    ("call.offered", "call.answered", "call.ended"),
    ("call.offered", "call.queued", "call.answered", "call.transferred", "call.ended"),
    ("call.queued", "call.answered", "call.ended"),
    ("call.offered", "call.queued", "call.abandoned"),
    ("call.queued", "call.queued", "call.abandoned", "call.ended"),
    ("call.queued", "call.diverted"),
    ("call.queued", "call.diverted", "call.answered", "call.ended"),
    ("call.offered", "call.rejected"),
    ("call.queued", "callback.requested", "call.ended"),
    ("call.queued", "call.ended"),
    ("call.queued", "call.abandoned", "call.answered"),
    ("call.offered",),
    ("call.answered", "call.ended"),
)


Step = Event | int
"""What a ledger is fed: an event, or the `now` of a tick (microseconds)."""


@st.composite
def arrivals(draw: st.DrawFn, events: list[Event], lateness: int, until: int) -> list[Step]:
    """Any order in which `events` can arrive within `lateness` (microseconds), some twice.

    Ticks in between run as far ahead of the events still to come as the lateness allows; the
    last one is `until`.
    """
    repeated = draw(st.lists(st.sampled_from(events), max_size=3))
    delays = st.one_of(st.just(0), st.integers(0, lateness))
    delayed = [(e.at + draw(delays), n, e) for n, e in enumerate([*events, *repeated])]
    coming = [e for _, _, e in sorted(delayed, key=lambda d: d[:2])]
    steps: list[Step] = []
    now = 0
    for position, event in enumerate(coming):
        steps.append(event)
        left = coming[position + 1 :]
        latest = min((min(e.at for e in left) + lateness if left else until), until)
        if latest > now and draw(st.booleans()):
            now = draw(
                st.one_of(st.just(latest), st.integers(max(now, event.at - lateness), latest))
            )
            steps.append(now)
    return [*steps, until]
