"""Hypothesis strategies for canonical events: every kind, every field, every sensible time."""

from typing import Any, cast, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from streams.events import EVENT_TYPES, AnsweredBy, CallbackEvent, EndedBy, Event, Reached
from streams.instants import EARLIEST, LATEST

__all__ = ["events", "names"]

# Lone surrogates are no Unicode text and no JSON; everything else may be in a name.
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=128)
instants = st.integers(EARLIEST, LATEST - 1)

OPTIONAL: dict[str, SearchStrategy[object]] = {
    "source": names,
    "queue": st.none() | names,
    "customer": st.none() | names,
    "anonymous": st.booleans(),
    "answered_by": st.sampled_from(AnsweredBy.__args__),  # type: ignore[attr-defined]
    "agent": st.none() | names,
    "to": st.none() | names,
    "reason": st.none() | names,
    "ended_by": st.none() | st.sampled_from(EndedBy.__args__),  # type: ignore[attr-defined]
    "resolved": st.none() | st.booleans(),
    "due_at": st.none() | instants,
    "reached": st.sampled_from(Reached.__args__),  # type: ignore[attr-defined]
}


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event the types allow, with `at` in microseconds."""
    cls = draw(st.sampled_from(list(EVENT_TYPES.values())))
    fields: dict[str, Any] = {"id": draw(names), "at": draw(instants)}
    for name in sorted(set(get_type_hints(cls)) - {"id", "at", "kind", "call_id"}):
        fields[name] = draw(OPTIONAL[name])
    if "call_id" in get_type_hints(cls):
        waived = issubclass(cls, CallbackEvent) and fields["customer"] is not None
        fields["call_id"] = draw(st.none() | names) if waived else draw(names)
    return cast("Event", cls(**fields))
