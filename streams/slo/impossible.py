"""Values that are well formed but cannot be meant: a promise nobody can keep or break."""

from collections.abc import Callable, Iterator, Mapping
from math import isclose

from streams.instants import HOUR, SECOND
from streams.slo.document import ObjectiveError, Way
from streams.slo.durations import compact
from streams.slo.keys import Alerts, AnswerPromise, Burn, CallbackPromise, Promises, Queue, Time

__all__ = ["check"]

Fault = Callable[[Way, str], ObjectiveError]
_Found = Iterator[tuple[Way, str]]


def check(
    promises: Promises, time: Time, queues: Mapping[str, Queue], alerts: Alerts, fault: Fault
) -> None:
    """Refuse what can never happen or would always happen.

    Raises:
        ObjectiveError: made by `fault` from the way to the first impossible value and the remedy.
    """
    for way, text in _impossible(promises, time, queues, alerts):
        raise fault(way, text)


def _impossible(
    promises: Promises, time: Time, queues: Mapping[str, Queue], alerts: Alerts
) -> _Found:
    yield from _time(time)
    top: Way = ("promises",)
    yield from _answer((*top, "answer"), promises.answer, time)
    yield from _callback((*top, "callback"), promises.callback)
    for name, queue in queues.items():
        yield from _answer(("queues", name, "answer"), queue.answer, time)
        yield from _callback(("queues", name, "callback"), queue.callback)
    yield from _alerts(promises, queues, alerts)


def _time(time: Time) -> _Found:
    if time.grace > time.lateness:
        yield (
            ("time", "grace"),
            f"a deadline cannot wait longer ({compact(time.grace)}) for facts than facts are "
            f"taken ({compact(time.lateness)}); make it at most time.lateness",
        )
    if time.max_age < time.lateness:
        yield (
            ("time", "max_age"),
            f"events are refused before time.lateness ({compact(time.lateness)}) is over; "
            "make it at least that",
        )
    if time.max_call <= 0:
        yield ("time", "max_call"), "a call must be given some time; write 4h or more"


def _answer(way: Way, answer: AnswerPromise, time: Time) -> _Found:
    if answer.target <= 0:
        yield (*way, "target"), "nobody answers in no time; write 10s or what you promise"
    if answer.target >= time.max_call:
        yield (
            (*way, "target"),
            f"a call is given up as lost after time.max_call ({compact(time.max_call)}), before "
            "its promise could be broken; write a shorter target or a longer max_call",
        )


def _callback(way: Way, callback: CallbackPromise) -> _Found:
    if callback.target <= 0:
        yield (*way, "target"), "nobody calls back in no time; write 1h or what you promise"


def _alerts(promises: Promises, queues: Mapping[str, Queue], alerts: Alerts) -> _Found:
    answers = [promises.answer.objective, *(queue.answer.objective for queue in queues.values())]
    callbacks = [
        promises.callback.objective,
        *(queue.callback.objective for queue in queues.values()),
    ]
    whole = [promises.whole.objective] if promises.whole.objective is not None else answers
    yield from _burn(("alerts", "answer"), alerts.answer, min(answers))
    yield from _burn(("alerts", "callback"), alerts.callback, min(callbacks))
    yield from _burn(("alerts", "whole"), alerts.whole, min(whole))
    slow: Way = ("alerts", "slow")
    yield from _burn((*slow, "answer"), alerts.slow.answer, min(answers))
    yield from _burn((*slow, "callback"), alerts.slow.callback, min(callbacks))
    yield from _burn((*slow, "whole"), alerts.slow.whole, min(whole))
    if alerts.below_target.window < 2 * SECOND:
        yield ("alerts", "below_target", "window"), "too short to count calls in; write 30m"
    if alerts.longest_wait < SECOND:
        yield ("alerts", "longest_wait"), "this would be told of everybody; write 10m"
    for name in ("heartbeat", "behind", "silence", "no_calls"):
        if getattr(alerts.blind, name) < SECOND:
            yield ("alerts", "blind", name), "this would always be so; write at least 1s"


def _burn(way: Way, burn: Burn, lowest: float) -> _Found:
    allowed = 1 - lowest
    if burn.cap < allowed or isclose(burn.cap, allowed):
        yield (
            (*way, "cap"),
            f"an objective of {lowest:g} allows {allowed:.0%} to be broken, so this would fire "
            f"while the promise is kept; write more than {allowed:.2f}",
        )
    if burn.factor <= 1:
        yield (
            (*way, "factor"),
            "this would fire while the promise is kept; write more than 1, usually 14.4",
        )
    if not 2 * SECOND <= burn.short <= burn.window <= 24 * HOUR:
        yield (
            (*way, "short"),
            "needs 2s <= short <= window <= 1d; write window: 5m and short: 1m, or the like",
        )
