"""*Callbacks*: what is owed, what is overdue, how soon it is made, what became of it."""

from streams.instants import DAY, HOUR
from streams.ledger import VERDICTS
from streams.slo.dashboards.frame import Board, Row, link_to
from streams.slo.dashboards.look import at_least, at_most, plain
from streams.slo.dashboards.parts import Ask, Panel, distribution, lines, number, stacked, tabled
from streams.slo.dashboards.promise import callback_columns, share
from streams.slo.dashboards.queries import (
    CALLBACK,
    callbacks,
    callbacks_by_state,
    distributed,
    first,
    kept,
    kept_by_queue,
    limit,
    objective,
    quantile,
    total,
    windowed,
)
from streams.slo.durations import brief, last
from streams.slo.objective import Objective
from streams.slo.shown import DELAYS

__all__ = ["callbacks_board"]

_MADE = "callback_kept|callback_kept_by_recall|late"


def callbacks_board(objective: Objective) -> Board:
    """Return the dashboard of those who call customers back."""
    return Board(
        uid="callsla-callbacks",
        title="Call centre: Callbacks",
        description="Which customers must be called back by when, and is it done in time?",
        rows=(
            Row("Owed now", [*_due(), *_overdue()]),
            Row("Kept", _kept(objective)),
            Row("Delay", _delays(objective)),
            Row("What became of them", _states()),
        ),
    )


def _due() -> list[Panel]:
    return [
        number(
            f"Due in {words}",
            Ask(total("callcenter_callbacks_due", f'within="{seconds}"'), "due"),
            plain(),
            f"Callbacks that break the promise unless made within {words}, overdue ones not "
            f"counted. {advice}",
        )
        for seconds, words, advice in (
            (300, "5 min", "Drop everything else for these."),
            (900, "15 min", "More than your people can make: get help now."),
            (3600, "1 h", "Plan the next hour with this number."),
        )
    ]


def _overdue() -> list[Panel]:
    due = first("callcenter_callback_next_due_timestamp_seconds")
    made = windowed(_MADE, "1h")
    needed = total("callcenter_callbacks_due", 'within="3600"')
    return [
        number(
            "Overdue",
            Ask(total("callcenter_callbacks_overdue"), "overdue"),
            at_most("short", 1, least=0),
            "Promised, not made, and the time is up. Call these first, the oldest before others; "
            "a late callback does not mend the promise, but the customer.",
        ),
        number(
            "Next due in",
            Ask(f"{due} - time()", "left"),
            at_least("s", 900, 0),
            "Time left for the most urgent one; no data if none is owed. Short: make it now.",
        ),
        number(
            "Load of the next hour",
            Ask(f"{needed} / ({made} > 0)", "load"),
            at_most("percentunit", 1, 0.8, decimals=0, least=0),
            "Callbacks due within the hour for each one made in the last hour. Over 100 %: at "
            "this pace they cannot all be made in time; put more people on callbacks.",
            over_time=False,
        ),
    ]


def _kept(slo: Objective) -> list[Panel]:
    shares = Ask(kept_by_queue(CALLBACK, HOUR), "{{queue}}")
    return [
        number(
            f"Kept, {last(length).removeprefix('the ')}",
            Ask(kept(CALLBACK, length), "kept"),
            share(CALLBACK, slo),
            f"Of the callbacks decided in {last(length)}, those made in time; customers who could "
            f"not be reached, withheld their number or waived it are left out. {advice}",
            height=8,
        )
        for length, advice in (
            (HOUR, "Low: the desk does not keep up; give it people."),
            (DAY, "Low while the last hour is good: it was an incident; learn from it."),
        )
    ] + [
        lines(
            "Kept, by queue",
            [shares, Ask(objective(CALLBACK), "objective", dashed=True)],
            plain("percentunit", 0),
            "Share of callbacks of the last hour made in time. One line falls: that queue's "
            "callbacks are not worked; all fall: the dialler or its list stands still.",
            16,
        )
    ]


def _delays(slo: Objective) -> list[Panel]:
    target = brief(slo.promises.callback.target)
    own = (queue.callback.target for queue in slo.queues.values())
    targets = [slo.promises.callback.target, *own]
    quantiles = [Ask(quantile(part, DELAYS), f"{part:.0%}") for part in (0.5, 0.9)]
    return [
        distribution(
            "Delay of callbacks",
            Ask(distributed(CALLBACK, DELAYS, targets), "{{le}}"),
            "s",
            "Time from the failed call to the conversation, of callbacks that led to one. The "
            f"dark line is the target ({target}, or what a chosen queue has): what is above it "
            "came too late. A band just below it: the list is worked in order of due time and "
            "there is no slack; start earlier.",
        ),
        lines(
            "Delay against the target",
            [*quantiles, Ask(limit(CALLBACK), "target", dashed=True)],
            plain("s"),
            "Half and nine in ten of the callbacks came at most this late. The 90 % line near the "
            "target: the next rush will break the promise; take more people now.",
            slow=True,
        ),
    ]


def _states() -> list[Panel]:
    return [
        stacked(
            "Callbacks by how they were settled, last hour",
            [Ask(callbacks_by_state(), "{{callback}}")],
            plain(),
            "unreachable grows: customers do not pick up; show a caller id they know. uncallable "
            "grows: numbers are withheld. broken grows: nobody calls.",
            states=VERDICTS["callback"],
            slow=True,
        ),
        lines(
            "Owed and made, last hour",
            [Ask(callbacks("opened"), "owed"), Ask(callbacks(_MADE), "made")],
            plain(),
            "Callbacks that arose and callbacks made, per hour. Owed over made for long: the "
            "backlog grows; the cause is in the queues, see dashboard Promise.",
            slow=True,
        ),
        tabled(
            "Customers to call back, and by when",
            callback_columns(),
            "queue",
            "Callbacks by queue and by when they must be made. Give people to the queue with most "
            "in the left columns.",
            sort="overdue",
            link=link_to("callsla-queue", "This queue in depth"),
        ),
    ]
