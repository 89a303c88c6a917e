"""*Queue*: one queue in depth: waits, outcomes, arrivals against answers, usefulness."""

from streams.instants import DAY, MINUTE
from streams.ledger import VERDICTS
from streams.slo.counters import ANSWERS, CALLS, OFFERED
from streams.slo.dashboards.frame import Board, Row
from streams.slo.dashboards.look import at_least, at_most, plain
from streams.slo.dashboards.parts import Ask, Panel, distribution, lines, number, stacked
from streams.slo.dashboards.promise import share
from streams.slo.dashboards.queries import (
    ANSWER,
    age,
    counted,
    distributed,
    first,
    grown,
    kept,
    kept_by_queue,
    limit,
    live,
    objective,
    quantile,
    total,
)
from streams.slo.durations import brief, last
from streams.slo.objective import Objective
from streams.slo.shown import SPAN, WAITS, amended
from streams.slo.shown import distributed as recorded_buckets

__all__ = ["queue_board"]

_HALF_HOUR = 30 * MINUTE


def queue_board(objective: Objective) -> Board:
    """Return the dashboard that is opened when a queue is in trouble."""
    return Board(
        uid="callsla-queue",
        title="Call centre: Queue",
        description="One queue in depth: who waits, how calls end, and whether answers are of use.",
        rows=(
            Row("Now", [*_calls_now(objective), *_lately(objective)]),
            Row("Waits", _waits(objective)),
            Row("Calls", _calls()),
            Row("Use", _use()),
        ),
    )


def _calls_now(objective: Objective) -> list[Panel]:
    target = int(objective.promises.answer.target) / 1e6
    waiting = total("callcenter_calls_waiting")
    oldest = age(first("callcenter_oldest_waiting_timestamp_seconds"))
    return [
        number(
            "Waiting",
            Ask(waiting, "waiting"),
            plain(),
            "Callers waiting now. Compare with the agents at work: more callers than agents means "
            "that the next ones wait for a whole conversation.",
        ),
        number(
            "Longest wait",
            Ask(f"{oldest} or {waiting} * 0", "longest wait"),
            at_most("s", target, least=0),
            "How long the unluckiest caller has waited; 0 if nobody waits. Over the target: take "
            "that call by hand.",
        ),
        number(
            "Offered, last 30 min",
            Ask(f"sum({grown(OFFERED.name, _HALF_HOUR)})", "offered"),
            plain(),
            "Calls that came. More than usual: open the overflow before the queue grows.",
        ),
    ]


def _lately(objective: Objective) -> list[Panel]:
    useful = grown(ANSWERS.name, DAY, 'usefulness="useful"')
    known = grown(ANSWERS.name, DAY, 'usefulness=~"useful|useless"')
    worst = live("callcenter_window_wait_seconds_max", 'window="1d"')
    target = int(objective.promises.answer.target) / 1e6
    return [
        number(
            "Answered in time",
            Ask(kept(ANSWER, _HALF_HOUR), "answered in time"),
            share(ANSWER, objective),
            f"Of the calls decided in {last(_HALF_HOUR)}, those answered by a human in time. Low: "
            "see below whether calls wait, are turned away or hang up.",
        ),
        number(
            "Worst wait of the day",
            Ask(f"max({worst})", "worst wait"),
            at_most("s", 6 * target, target, least=0),
            "The longest wait of a call answered today. Long while the average is good: somebody "
            "was forgotten; look for that call with callsla explain.",
            over_time=False,
        ),
        number(
            "Useful answers",
            Ask(f"sum({useful}) / (sum({known}) > 0)", "useful"),
            at_least("percentunit", 0.9, 0.8, decimals=1, most=1),
            f"Of the answers of {last(DAY)} whose use is known, those that helped. Falling while "
            "speed looks good: calls are picked up and cut short; talk to the team.",
        ),
    ]


def _waits(slo: Objective) -> list[Panel]:
    target = brief(slo.promises.answer.target)
    own = (queue.answer.target for queue in slo.queues.values())
    targets = [slo.promises.answer.target, *own]
    quantiles = [Ask(quantile(part, WAITS), f"{part:.0%}") for part in (0.5, 0.9, 0.99)]
    return [
        distribution(
            "Waits of answered calls",
            Ask(distributed(ANSWER, WAITS, targets), "{{le}}"),
            "s",
            f"How many calls waited how long. The dark line is the target ({target}, or what a "
            "chosen queue has): colour above it is promises broken; a bright band far up is "
            "callers who are passed over. Check the routing.",
        ),
        lines(
            "Waits against the target",
            [*quantiles, Ask(limit(ANSWER), "target", dashed=True)],
            plain("s"),
            "Half, nine in ten and 99 in 100 of the answered calls waited at most this long. The "
            "90 % line over the target: the promise is being broken; bring agents in.",
            slow=True,
        ),
    ]


def _calls() -> list[Panel]:
    minutes = SPAN // MINUTE
    answered = live(recorded_buckets(WAITS), 'le="+Inf"')
    came, broken = grown(OFFERED.name, SPAN), grown(ANSWER.broken.name, SPAN)
    return [
        stacked(
            "How calls ended, last 5 min",
            [Ask(counted(CALLS, "5m", "outcome"), "{{outcome}}")],
            plain(),
            "Calls by their one final outcome over the last 5 minutes. abandoned_late grows: "
            "waits; diverted or rejected grow: the routing sends calls away.",
            states=VERDICTS["outcome"],
            slow=True,
        ),
        lines(
            "Arrivals against answers, per minute",
            [
                Ask(f"sum({came}) / {minutes}", "offered"),
                Ask(f"sum({answered}) / {minutes}", "answered"),
                Ask(f"sum({broken}) / {minutes}", "broken"),
            ],
            plain(),
            "Over 5 minutes. Answers below arrivals: the queue grows by the difference each "
            "minute. Nothing is answered: the agents' telephones or logins are broken.",
        ),
    ]


def _use() -> list[Panel]:
    shares = Ask(kept_by_queue(ANSWER, _HALF_HOUR), "{{queue}}")
    return [
        stacked(
            "Use of answers, last hour",
            [Ask(counted(ANSWERS, "1h", "usefulness"), "{{usefulness}}")],
            plain(),
            "Answers by whether they helped; known an hour after the call. useless grows: very "
            "short talks ended by the agent, or customers who had to ring again.",
            8,
            states=VERDICTS["usefulness"],
            slow=True,
        ),
        lines(
            "Answered in time against the objective",
            [shares, Ask(objective(ANSWER), "objective", dashed=True)],
            plain("percentunit", 0),
            f"Over {last(_HALF_HOUR)}. Below the dashed line for long: the roster does not fit "
            "this hour of the day; plan another one.",
            8,
        ),
        lines(
            "Verdicts amended",
            [Ask(f"sum by (verdict) ({live(amended())})", "{{verdict}}")],
            plain(),
            "Verdicts that a late fact has changed, over 5 minutes. Many: a source delivers late; "
            "the counts are right in the end, but alerts come too early or too late. Find the "
            "slow feed.",
            8,
            slow=True,
        ),
    ]
