"""*Promise*: is it kept, how much budget is left, who waits, who must be called back by when."""

from streams.instants import DAY, HOUR, MINUTE
from streams.slo.counters import OFFERED, Promise
from streams.slo.dashboards.frame import Board, Row, link_to
from streams.slo.dashboards.look import Look, at_least, at_most, plain
from streams.slo.dashboards.parts import Ask, Panel, bars, lines, number, states, tabled
from streams.slo.dashboards.queries import (
    ANSWER,
    CALLBACK,
    WHOLE,
    age,
    budget_left,
    by_queue,
    first,
    grown,
    kept,
    kept_by_queue,
    live,
    objective,
    total,
)
from streams.slo.durations import brief, last
from streams.slo.names import objective_of
from streams.slo.objective import Objective
from streams.slo.timing import PERIOD

__all__ = ["callback_columns", "promise_board", "share"]

_HALF_HOUR = 30 * MINUTE
_BUDGET = at_least("percentunit", 0.25, 0, decimals=0, most=1)


def promise_board(objective: Objective) -> Board:
    """Return the dashboard for the first look."""
    return Board(
        uid="callsla-promise",
        title="Call centre: Promise",
        description="Is the promise kept now? Who waits, and who must be called back by when?",
        rows=(
            Row("Is it kept?", _kept(objective)),
            Row("Now", [*_waiting(objective), *_owed()]),
            Row("Budget", _budget(objective.links.runbooks)),
            Row("Where", _where(objective)),
        ),
    )


def share(promise: Promise, objective: Objective) -> Look:
    """Return the look of a share of kept promises: its objective is the threshold."""
    wanted = _wanted(promise, objective)
    almost = round(1 - 2 * (1 - wanted), 6)
    return at_least("percentunit", wanted, max(almost, 0), decimals=1, most=1)


def _wanted(promise: Promise, slo: Objective) -> float:
    if promise is CALLBACK:
        return slo.promises.callback.objective
    whole = slo.promises.whole.objective
    return whole if promise is WHOLE and whole is not None else slo.promises.answer.objective


def _kept(objective: Objective) -> list[Panel]:
    answer, callback = objective.promises.answer, objective.promises.callback
    return [
        number(
            "Answered in time",
            Ask(kept(ANSWER, _HALF_HOUR), "answered in time"),
            share(ANSWER, objective),
            f"Of the calls decided in {last(_HALF_HOUR)}, those answered by a human within "
            f"{brief(answer.target)} (a queue may have its own target). Below the objective of "
            f"{answer.objective:.0%}: find the queue in the table below and bring agents in.",
            6,
        ),
        number(
            "Called back in time",
            Ask(kept(CALLBACK, HOUR), "called back in time"),
            share(CALLBACK, objective),
            f"Of the callbacks decided in {last(HOUR)}, those made within "
            f"{brief(callback.target)}. Below the objective of {callback.objective:.0%}: put "
            "people on callbacks, overdue ones first; see dashboard Callbacks.",
            6,
        ),
        number(
            "Whole promise",
            Ask(kept(WHOLE, DAY), "kept"),
            share(WHOLE, objective),
            f"Of the calls decided in {last(DAY)}, those answered in time or else called back in "
            "time. Below the objective: customers were let down twice; look at both halves.",
            6,
        ),
        number(
            "Numbers are behind by",
            Ask(age("min(max by (partition) (callcenter_tick_decided_timestamp_seconds > 0))")),
            at_most("s", int(objective.alerts.blind.behind) / 1e6, 10, least=0),
            "How far the verdicts are behind the clock. High or grey: do not believe the other "
            "panels, nobody knows what happens now; see dashboard Worker.",
            6,
        ),
    ]


def _waiting(objective: Objective) -> list[Panel]:
    target = int(objective.promises.answer.target) / 1e6
    waiting = total("callcenter_calls_waiting")
    oldest = age(first("callcenter_oldest_waiting_timestamp_seconds"))
    return [
        number(
            "Waiting",
            Ask(waiting, "waiting"),
            plain(),
            "Callers waiting now. Rising while agents are free: the routing does not reach them.",
        ),
        number(
            "Waiting too long",
            Ask(total("callcenter_calls_waiting_beyond_target"), "too long"),
            at_most("short", 1, least=0),
            "Callers whose wait is over the target already: promises broken as you look. "
            "Answer these first; each will be owed a callback if they hang up.",
        ),
        number(
            "Longest wait",
            Ask(f"{oldest} or {waiting} * 0", "longest wait"),
            at_most("s", target, least=0),
            "How long the unluckiest caller has waited; 0 if nobody waits. Over the target: "
            "somebody is stuck; take that call by hand.",
        ),
    ]


def _owed() -> list[Panel]:
    due = first("callcenter_callback_next_due_timestamp_seconds")
    return [
        number(
            "Callbacks due in 15 min",
            Ask(total("callcenter_callbacks_due", 'within="900"'), "due"),
            plain(),
            "Callbacks that break the promise unless made in the next 15 minutes. More than your "
            "people can make in that time: get help now, not when they are overdue.",
        ),
        number(
            "Callbacks overdue",
            Ask(total("callcenter_callbacks_overdue"), "overdue"),
            at_most("short", 1, least=0),
            "Callbacks promised, not made, and the time is up. Call these customers first.",
        ),
        number(
            "Next callback due in",
            Ask(f"{due} - time()", "left"),
            at_least("s", 900, 0),
            "Time left for the most urgent callback; no data if none is owed. Short: make it now.",
        ),
    ]


def _budget(runbooks: str) -> list[Panel]:
    lefts = [
        Ask(budget_left(promise, PERIOD), name)
        for promise, name in ((ANSWER, "answer"), (CALLBACK, "callback"), (WHOLE, "whole promise"))
    ]
    shares = Ask(kept_by_queue(ANSWER, _HALF_HOUR), "{{queue}}")
    return [
        bars(
            "Budget left of 30 days",
            lefts,
            _BUDGET,
            "How much of what the objectives allow to be broken in 30 days is left; below 0 they "
            "are missed. Going down fast: stop changes that can wait and fix the worst queue.",
            8,
        ),
        lines(
            "Answered in time, by queue",
            [shares, Ask(objective(ANSWER), "objective", dashed=True)],
            plain("percentunit", 0),
            f"Share of calls answered in time in {last(_HALF_HOUR)}, and the strictest objective. "
            "One line falls: that queue's agents. All fall together: trunk, routing or network.",
            16,
        ),
        states(
            "Alerts that fire",
            Ask(
                'max by (alertname, queue) (ALERTS{queue=~"$queue|",app="callsla",'
                'alertstate="firing",alertname!="Watchdog"})',
                "{{alertname}} {{queue}}",
            ),
            at_most("short", 1),
            "Each alert while it fires; empty if all is well. Open its runbook "
            f"({runbooks}) and do what it says.",
        ),
    ]


def _where(objective: Objective) -> list[Panel]:
    return [
        tabled(
            "Worst queues",
            _queue_columns(objective),
            "queue",
            "Queues with their promises of the last half hour, the most broken ones first. Follow "
            "the link of the worst one and act there.",
            sort="broken",
            link=link_to("callsla-queue", "This queue in depth"),
        ),
        tabled(
            "Customers to call back, and by when",
            callback_columns(),
            "queue",
            "Callbacks by queue and by when they must be made. Give people to the queue with most "
            "in the left columns.",
            sort="overdue",
            link=link_to("callsla-callbacks", "Callbacks of this queue"),
        ),
    ]


def _queue_columns(objective: Objective) -> list[Ask]:
    oldest = age(f"min by (queue) ({live('callcenter_oldest_waiting_timestamp_seconds')})")
    target = int(objective.promises.answer.target) / 1e6
    return [
        Ask(_in_table(ANSWER.broken.name), "broken", look=plain()),
        Ask(_in_table(OFFERED.name), "offered", look=plain()),
        Ask(kept_by_queue(ANSWER, _HALF_HOUR), "in time", look=share(ANSWER, objective)),
        Ask(_margin(), "to objective", look=at_least("percentunit", 0, decimals=1)),
        Ask(by_queue("callcenter_calls_waiting"), "waiting", look=plain()),
        Ask(oldest, "longest wait", look=at_most("s", target)),
    ]


def _in_table(name: str) -> str:
    """Without the name of the recording, which would keep rows of several queries apart."""
    return f"sum by (queue) ({grown(name, _HALF_HOUR)})"


def _margin() -> str:
    """How far above its own objective a queue is."""
    wanted = live(objective_of(ANSWER))
    return f"({kept_by_queue(ANSWER, _HALF_HOUR)}) - on (queue) {wanted}"


def callback_columns() -> list[Ask]:
    """Return what is owed to whom by when, by queue."""
    next_due = f"min by (queue) ({live('callcenter_callback_next_due_timestamp_seconds')}) - time()"
    return [
        Ask(by_queue("callcenter_callbacks_overdue"), "overdue", look=at_most("short", 1)),
        Ask(by_queue("callcenter_callbacks_due", 'within="300"'), "in 5 min", look=plain()),
        Ask(by_queue("callcenter_callbacks_due", 'within="900"'), "in 15 min", look=plain()),
        Ask(by_queue("callcenter_callbacks_due", 'within="3600"'), "in 1 h", look=plain()),
        Ask(by_queue("callcenter_callbacks_open"), "owed in all", look=plain()),
        Ask(next_due, "next due in", look=at_least("s", 900, 0)),
    ]
