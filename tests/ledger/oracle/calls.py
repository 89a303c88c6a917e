"""The outcome and the answer promise of one call."""

from typing import Any, TypeGuard

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallOffered,
    CallQueued,
    CallRejected,
    Event,
    SourceRestarted,
)

from .verdicts import CallVerdict, rules_of

__all__ = ["judge_call"]


def judge_call(
    call_id: str,
    own: list[Event],
    restarts: list[SourceRestarted],
    settings: dict[str, Any],
    until: int,
) -> CallVerdict | None:
    """Judge the call whose events are `own`; None if it never arrived."""
    arrivals = [e for e in own if _is_arrival(e)]
    if not arrivals:
        return None
    queue = _first_named([(e.at, e.queue) for e in own]) or ""
    rules = rules_of(settings, queue)
    call = CallVerdict(
        call_id=call_id,
        queue=queue,
        customer=_first_named([(e.at, e.customer) for e in own]),
        anonymous=any(e.anonymous for e in own),
        arrival=min(e.at for e in arrivals),
        start=_start(arrivals, rules["clock_start"]),
        rules=rules,
    )
    last = call.start + rules["max_call"]
    source = min((e.at, e.source) for e in arrivals)[1]
    _decide_outcome(
        call,
        [e for e in own if e.at <= last],
        [e.at for e in restarts if e.source == source and call.arrival < e.at <= last],
        until,
    )
    _decide_answer(call, until)
    return call


def _is_arrival(event: Event) -> TypeGuard[CallOffered | CallQueued]:
    return isinstance(event, CallOffered | CallQueued)


def _first_named(names: list[tuple[int, str | None]]) -> str | None:
    named = [(at, name) for at, name in names if name is not None]
    return min(named)[1] if named else None


def _start(arrivals: list[CallOffered | CallQueued], clock_start: str) -> int:
    queued = [e.at for e in arrivals if isinstance(e, CallQueued)]
    if clock_start == "queue" and queued:
        return min(queued)
    return min(e.at for e in arrivals)


def _decide_outcome(call: CallVerdict, own: list[Event], restarts: list[int], until: int) -> None:
    human = ("human", "unknown") if call.rules["unknown_is_human"] else ("human",)
    answers = [e.at for e in own if isinstance(e, CallAnswered) and e.answered_by in human]
    abandoned_at = min((e.at for e in own if isinstance(e, CallAbandoned)), default=None)
    if abandoned_at is not None:
        call.contradictory = sum(at > abandoned_at for at in answers)
    if answers and (abandoned_at is None or min(answers) <= abandoned_at):
        call.decided_by = min(answers)
        call.outcome = "answered_in_target" if _in_target(call) else "answered_late"
        return
    others = _other_facts(own, restarts)
    if others:
        call.decided_by, _, call.outcome = min(others)
        if call.outcome == "abandoned":
            call.outcome = "abandoned_in_target" if _in_target(call) else "abandoned_late"
    elif until >= call.start + call.rules["max_call"]:
        call.outcome, call.decided_by = "lost", call.start + call.rules["max_call"]


def _in_target(call: CallVerdict) -> bool:
    return call.wait <= int(call.rules["answer_target"])


def _other_facts(own: list[Event], restarts: list[int]) -> list[tuple[int, int, str]]:
    """Every fact of rule 2: when, its rank among facts of the same instant, what it means."""
    found = [(at, 5, "lost") for at in restarts]
    for event in own:
        if isinstance(event, CallAbandoned):
            found.append((event.at, 0, "abandoned"))
        elif isinstance(event, CallDiverted):
            found.append((event.at, 1, "diverted"))
        elif isinstance(event, CallbackRequested):
            found.append((event.at, 2, "callback_requested"))
        elif isinstance(event, CallRejected):
            found.append((event.at, 3, "rejected"))
    ends = [(e.at, e.ended_by or "") for e in own if isinstance(e, CallEnded)]
    if ends:
        at, ended_by = min(ends)
        found.append((at, 4, "diverted" if ended_by in ("system", "agent") else "abandoned"))
    return found


def _decide_answer(call: CallVerdict, until: int) -> None:
    deadline = call.start + call.rules["answer_target"]
    if call.decided_by is None:
        if until >= deadline:
            call.answer, call.answer_at = "broken", deadline
        return
    call.answer, call.answer_at = "broken", min(deadline, call.decided_by)
    if call.outcome == "answered_in_target":
        call.answer = "kept"
    elif call.outcome == "abandoned_in_target" and call.rules["early_abandon"] == "exclude":
        call.answer = "excluded"
