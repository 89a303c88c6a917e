"""The callback promises of one customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.events import (
    CallbackAttempted,
    CallbackCancelled,
    CallbackConnected,
    CallbackEvent,
    CallbackRequested,
)

from .verdicts import CallVerdict, Key, PromiseVerdict, rules_of

__all__ = ["promises_of"]

Talk = tuple[int, str]
"""When the customer spoke to a human, and what that makes of an open promise."""


@dataclass
class _Failure:
    at: int
    call_id: str
    queue: str
    anonymous: bool
    call: CallVerdict | None


def promises_of(
    key: Key,
    calls: list[CallVerdict],
    events: Sequence[CallbackEvent],
    settings: dict[str, Any],
    until: int,
) -> list[PromiseVerdict]:
    """Judge what the `calls` of one customer and the callback `events` about him owe him."""
    talks = _talks(calls, events)
    promises: list[PromiseVerdict] = []
    for failure in _failures(calls, events):
        if not promises or _is_over(promises[-1], failure.at, talks):
            rules = rules_of(settings, failure.queue)
            due_at = failure.at + rules["callback_target"]
            promises.append(PromiseVerdict(key, failure.queue, failure.at, due_at, rules))
        promises[-1].all_anonymous &= failure.anonymous
        if failure.call is not None:
            failure.call.callback = promises[-1]
    for promise in promises:
        _settle(promise, talks, events, until)
    return promises


def _failures(calls: list[CallVerdict], events: Sequence[CallbackEvent]) -> list[_Failure]:
    found = [
        _Failure(e.at, "", e.queue or "", e.anonymous, None)
        for e in events
        if isinstance(e, CallbackRequested) and e.call_id is None
    ]
    for call in calls:
        if call.decided_by is not None and not call.answered:
            at = call.decided_by
            if call.rules["callback_clock"] == "breach":
                at = min(at, call.start + call.rules["answer_target"])
            found.append(_Failure(at, call.call_id, call.queue, call.anonymous, call))
    return sorted(found, key=lambda f: (f.at, f.call_id, f.queue))


def _talks(calls: list[CallVerdict], events: Sequence[CallbackEvent]) -> list[Talk]:
    called = [
        (e.at, "kept") for e in events if isinstance(e, CallbackConnected) and e.reached == "human"
    ]
    rang = [(c.decided_by, "kept_by_recall") for c in calls if c.answered and c.decided_by]
    return sorted(called + rang)


def _is_over(promise: PromiseVerdict, at: int, talks: list[Talk]) -> bool:
    """Whether a failure at `at` comes too late to merge into `promise`."""
    settled = any(promise.opened_at <= talk <= promise.due_at and talk <= at for talk, _ in talks)
    return settled or at > promise.due_at


def _settle(
    promise: PromiseVerdict, talks: list[Talk], events: Sequence[CallbackEvent], until: int
) -> None:
    for at, state in talks:
        if promise.opened_at <= at <= promise.due_at:
            promise.state, promise.settled_at = state, at
            return
    if until >= promise.due_at:
        in_time = [e for e in events if promise.opened_at <= e.at <= promise.due_at]
        promise.state, promise.settled_at = _state_when_due(promise, in_time), promise.due_at
        if promise.state == "broken":
            horizon = promise.due_at + promise.rules["late_horizon"]
            late = [at for at, _ in talks if promise.due_at < at <= horizon]
            promise.late_at = min(late, default=None)


def _state_when_due(promise: PromiseVerdict, in_time: list[CallbackEvent]) -> str:
    if any(isinstance(e, CallbackCancelled) for e in in_time):
        return "cancelled"
    if promise.all_anonymous:
        return "uncallable"
    attempts = [e for e in in_time if isinstance(e, CallbackAttempted | CallbackConnected)]
    return "unreachable" if len(attempts) >= promise.rules["unreachable_after"] else "broken"
