"""Why each verdict on one call was given: its facts and its verdicts in words, in their order."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from streams.events import CallEvent, Event, SourceRestarted
from streams.instants import SECOND, rfc3339
from streams.ledger import Change, QueueRules, Rules
from streams.replay import judge
from streams.slo.durations import brief

__all__ = ["Line", "explain"]


class Line(NamedTuple):
    """One fact or one verdict."""

    at: int
    """event time, microseconds since 1970"""
    verdict: bool
    text: str


def explain(events: list[Event], call_id: str, rules: Rules, until: int | None) -> list[Line]:
    """Return what happened to the call and what follows from it, by time; no call: nothing.

    `events` are all events in event-time order, `until` (microseconds) as for a replay.
    """
    if until is None and events:
        until = events[-1].at
    customers = {each.customer for each in events if _is_of(each, call_id)} - {None}
    concerned = list(_concerned(events, call_id, customers))
    changes: list[Change] = []
    judge(concerned, rules, until, watch=changes.append)
    verdicts = list(_about(changes, call_id))
    if not verdicts and not any(_is_of(each, call_id) for each in concerned):
        return []
    story = _Story(concerned, call_id, rules)
    last = max((change.at for change in verdicts), default=0)
    lines = [*story.facts(until, last), *(story.verdict(change) for change in verdicts)]
    return sorted(lines, key=lambda line: (line.at, line.verdict))


def _is_of(event: Event, call_id: str) -> bool:
    return getattr(event, "call_id", None) == call_id


def _concerned(
    events: Iterable[Event], call_id: str, customers: set[str | None]
) -> Iterator[Event]:
    """All events of the customers, of their calls, and restarts."""
    calls = {call_id}
    for event in events:
        if event.customer in customers and isinstance(event, CallEvent):
            calls.add(event.call_id)
    for event in events:
        mine = event.customer in customers or getattr(event, "call_id", None) in calls
        if mine or isinstance(event, SourceRestarted):
            yield event


def _about(changes: list[Change], call_id: str) -> Iterator[Change]:
    """The changes of the call and of the callback promise it was merged into."""
    lost = [c.at for c in changes if c.call_id == call_id and _is_failure(c)]
    owed = [c for c in changes if c.verdict == "opened" and lost and c.at <= lost[-1]]
    key = max(owed, key=lambda change: change.at).key if owed else None
    for change in changes:
        if change.call_id == call_id or (change.call_id is None and change.key == key):
            yield change


def _is_failure(change: Change) -> bool:
    return change.verdict == "outcome" and not change.state.startswith("answered")


class _Story:
    """Puts the facts and verdicts of one call into words."""

    def __init__(self, events: list[Event], call_id: str, rules: Rules) -> None:
        self._events = events
        self._call_id = call_id
        own = [event for event in events if _is_of(event, call_id)]
        queue = next((event.queue for event in own if event.queue is not None), None)
        self._rules: QueueRules = rules.of(queue)
        self._start = _start(own, self._rules)
        self._answered = any(
            event.kind == "call.answered" and _is_human(event, self._rules) for event in own
        )

    def facts(self, until: int | None, last: int) -> Iterator[Line]:
        """Yield the facts of the call, and from its start to `last` those of its customer."""
        for event in self._events:
            if until is not None and event.at > until:
                return
            if _is_of(event, self._call_id) or (self._start or 0) <= event.at <= last:
                text = self._fact(event)
                if text is not None:
                    yield Line(event.at, verdict=False, text=text)

    def verdict(self, change: Change) -> Line:
        words = _VERDICTS[change.verdict]
        text = words(self, change) if change.state != "none" else "no longer holds"
        name = _NAMES[change.verdict]
        corrected = f" (corrects {_spoken(change.was)})" if change.was is not None else ""
        return Line(change.at, verdict=True, text=f"{name}: {text}{corrected}")

    def _fact(self, event: Event) -> str | None:
        if _is_of(event, self._call_id) or not isinstance(event, CallEvent):
            return _FACTS[event.kind](self, event)
        if event.kind in ("call.offered", "call.queued"):
            return f"the same customer rings on call {event.call_id}"
        if event.kind == "call.answered" and _is_human(event, self._rules):
            return f"a human answers the customer on call {event.call_id}"
        return None

    def waited(self, at: int) -> str:
        """Return how long after the start `at` is."""
        return "" if self._start is None else f" {seconds(at - self._start)} after the start"

    def answered(self, event: Any) -> str:
        if event.answered_by == "human":
            who = f"a human ({event.agent})" if event.agent else "a human"
        elif event.answered_by == "unknown":
            counts = "counts" if self._rules.unknown_is_human else "does not count"
            who = f"nobody says whom, which {counts} as a human"
        else:
            who = f"{event.answered_by}, which is no human and does not count"
        return f"answered by {who},{self.waited(event.at)}"

    def answer(self, change: Change) -> str:
        target = brief(self._rules.answer_target)
        if change.state == "kept":
            return f"KEPT, a human answered within {target}"
        if change.state == "excluded":
            return f"EXCLUDED, the customer hung up within {target}: in neither number"
        if self._start is not None and change.at < self._start + self._rules.answer_target:
            return f"BROKEN, the call left before {target} were over and nobody can answer it"
        return f"BROKEN, no human had answered when {target} were over"

    def callback(self, change: Change) -> str:
        target = brief(self._rules.callback_target)
        after = "" if change.wait is None else f" {seconds(change.wait)} after it was owed"
        return {
            "kept": f"KEPT, a human spoke with the customer{after}",
            "kept_by_recall": f"KEPT BY RECALL, the customer rang again and was answered{after}",
            "broken": f"BROKEN, nobody had spoken with the customer when {target} was over",
            "unreachable": "UNREACHABLE, tried often enough, nobody picked up: outside the ratio",
            "uncallable": "UNCALLABLE, the number was withheld: outside the ratio",
            "cancelled": "CANCELLED, the customer waived it: outside the ratio",
        }[change.state]

    def promise(self, change: Change) -> str:
        if change.state == "outside":
            return "OUTSIDE, the callback could not be made or was waived"
        if change.state == "kept":
            return "KEPT, answered in time" if self._answered else "KEPT, called back in time"
        if self._answered:
            return "BROKEN, answered too late"
        return "BROKEN, neither answered nor called back in time"

    def usefulness(self, change: Change) -> str:
        ends = [e for e in self._events if _is_of(e, self._call_id) and e.kind == "call.ended"]
        told = next((e for e in ends if getattr(e, "resolved", None) is not None), None)
        if change.state == "unknown":
            return "UNKNOWN, the customer or the end of the call is not known"
        if told is not None:
            return f"{change.state.upper()}, the source says so"
        if change.state == "useful":
            return f"USEFUL, no new call within {brief(self._rules.repeat_window)} of the end"
        short = brief(self._rules.short_talk)
        if any(end.at == change.at for end in ends):
            return f"USELESS, the agent ended it within {short}"
        return f"USELESS, the customer called again within {brief(self._rules.repeat_window)}"


def _start(own: list[Event], rules: QueueRules) -> int | None:
    queued = [event.at for event in own if event.kind == "call.queued"]
    offered = [event.at for event in own if event.kind == "call.offered"]
    times = queued or offered if rules.clock_start == "queue" else [*queued, *offered]
    return min(times, default=None)


def _is_human(event: Any, rules: QueueRules) -> bool:
    who = event.answered_by
    return bool(who == "human" or (who == "unknown" and rules.unknown_is_human))


def seconds(duration: int) -> str:
    """Return `duration` (microseconds) as text: `8.2 s`, `1 h 2 min 3 s`."""
    whole, rest = divmod(duration, SECOND)
    if whole < 60:
        return f"{duration / SECOND:g} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    parts = ((hours, "h"), (minute, "min"), (second if not rest else duration / SECOND % 60, "s"))
    return " ".join(f"{number:g} {unit}" for number, unit in parts if number)


def _spoken(state: str | None) -> str:
    return (state or "nothing").replace("_", " ")


def _more(event: Any, *names: str) -> str:
    told = [f"{name} {getattr(event, name)}" for name in names if getattr(event, name, None)]
    return f" ({', '.join(told)})" if told else ""


def _ended(_: _Story, event: Any) -> str:
    by = f", ended by the {event.ended_by}" if event.ended_by else ""
    resolved = {None: "", True: ", resolved", False: ", not resolved"}[event.resolved]
    return f"the call is over{by}{resolved}"


_NAMES: Final = {
    "outcome": "OUTCOME",
    "answer": "ANSWER PROMISE",
    "opened": "CALLBACK OWED",
    "callback": "CALLBACK PROMISE",
    "late": "CALLBACK PROMISE",
    "promise": "WHOLE PROMISE",
    "usefulness": "USEFULNESS",
}

_VERDICTS: Final[dict[str, Callable[[_Story, Change], str]]] = {
    "outcome": lambda story, change: _spoken(change.state) + "," + story.waited(change.at),
    "answer": _Story.answer,
    "opened": lambda _, change: f"due by {rfc3339(change.due_at or 0)}",
    "callback": _Story.callback,
    "late": lambda _, change: f"made good LATE, {seconds(change.wait or 0)} after it was owed",
    "promise": _Story.promise,
    "usefulness": _Story.usefulness,
}

_FACTS: Final[dict[str, Callable[[_Story, Any], str | None]]] = {
    "call.offered": lambda _, event: "offered" + _more(event, "queue"),
    "call.queued": lambda _, event: "waits" + _more(event, "queue"),
    "call.answered": _Story.answered,
    "call.abandoned": lambda story, event: f"the customer hangs up{story.waited(event.at)}",
    "call.diverted": lambda story, event: (
        f"leaves the queue unanswered{story.waited(event.at)}" + _more(event, "to", "reason")
    ),
    "call.rejected": lambda _, event: "rejected" + _more(event, "reason"),
    "call.transferred": lambda _, event: "transferred" + _more(event, "to", "agent", "reason"),
    "call.ended": _ended,
    "callback.requested": lambda *_: "the customer asks to be called back",
    "callback.attempted": lambda _, event: "the centre dials the customer" + _more(event, "agent"),
    "callback.connected": lambda _, event: (
        f"the callback is picked up by {event.reached}" + _more(event, "agent")
    ),
    "callback.cancelled": lambda *_: "the customer waives the callback",
    "source.restarted": lambda _, event: f"{event.source} restarts, its open calls are lost",
    "source.heartbeat": lambda *_: None,
}
