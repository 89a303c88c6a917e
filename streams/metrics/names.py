"""Every metric a worker exports: name, kind, labels, help, and the question it answers.

Metrics are named here (those about the worker itself in `worker_names`) and nowhere else.
Add to them; a published name never changes its meaning.
"""

from typing import Final

from streams.metrics.metric import Metric, Per
from streams.metrics.worker_names import WORKER_METRICS

__all__ = ["BY_NAME", "METRICS"]

_TOTALS: Final = ("queue", "partition")
_PER_PAIR: Final[Per] = "queue and partition"

_ANSWER: Final = (
    Metric(
        "callcenter_calls_offered_total",
        "counter",
        _TOTALS,
        "Calls offered to the centre: each one is owed an answer by a human within the target.",
        "How many customers called?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_calls_total",
        "counter",
        ("queue", "outcome", "partition"),
        "Ended calls by their one final outcome. Every service level formula follows from these.",
        "How did the calls end?",
        _PER_PAIR,
        8,
    ),
    Metric(
        "callcenter_answer_promises_total",
        "counter",
        _TOTALS,
        "Answer promises decided, kept or broken. A call abandoned within the target is in "
        "neither. The total of the answer objective.",
        "On how many calls does the answer objective judge us?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_answer_promises_broken_total",
        "counter",
        _TOTALS,
        "Answer promises broken, counted at the deadline while the caller still waits. "
        "The errors of the answer objective.",
        "How many callers were not answered in time?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_answer_wait_seconds",
        "histogram",
        _TOTALS,
        "How long the calls answered by a human waited. Callers nobody answered are not in it: "
        "judge the promise by the promise counters.",
        "How long do callers wait, of those who get an answer?",
        _PER_PAIR,
        15,
    ),
    Metric(
        "callcenter_answers_total",
        "counter",
        ("queue", "usefulness", "partition"),
        "Human answers by whether they were of use to the customer.",
        "Are we quick, or quick and useful?",
        _PER_PAIR,
        3,
    ),
)

_CALLBACK: Final = (
    Metric(
        "callcenter_callback_promises_opened_total",
        "counter",
        _TOTALS,
        "Callbacks owed: a customer was not answered, or asked to be called back.",
        "How many customers do we owe a callback?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_callback_promises_total",
        "counter",
        _TOTALS,
        "Callback promises decided and judged: kept, kept because the customer rang again, or "
        "broken. The total of the callback objective.",
        "On how many callbacks does the callback objective judge us?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_callback_promises_broken_total",
        "counter",
        _TOTALS,
        "Callback promises broken, counted the moment the callback was due. "
        "The errors of the callback objective.",
        "How many customers waited in vain for a callback?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_callback_promises_settled_total",
        "counter",
        ("queue", "state", "partition"),
        "Callback promises by how they were settled. A late one was broken first and is in both.",
        "What became of the callbacks?",
        _PER_PAIR,
        7,
    ),
    Metric(
        "callcenter_callback_delay_seconds",
        "histogram",
        _TOTALS,
        "Time from the failed call to the conversation, of callbacks that led to one.",
        "How soon do we call back, where we do?",
        _PER_PAIR,
        13,
    ),
)

_PROMISE: Final = (
    Metric(
        "callcenter_promises_total",
        "counter",
        _TOTALS,
        "Whole promises decided: answered in time or else called back in time, per call. "
        "Calls whose callback was unreachable, uncallable or cancelled are in neither.",
        "For how many customers is it known whether we kept our word?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_promises_broken_total",
        "counter",
        _TOTALS,
        "Whole promises broken: neither answered in time nor called back in time.",
        "How many customers did we let down?",
        _PER_PAIR,
    ),
    Metric(
        "callcenter_corrections_total",
        "counter",
        ("queue", "verdict", "from", "to", "partition"),
        "Verdicts amended by a fact that came after they had been counted. A counter less what "
        "was corrected from it plus what was corrected to it is the exact truth.",
        "How often did late facts change a verdict, and which way?",
        _PER_PAIR,
        11,
    ),
)

_NOW: Final = (
    Metric(
        "callcenter_calls_waiting",
        "gauge",
        ("queue",),
        "Callers waiting now.",
        "How long is the queue?",
        "queue",
    ),
    Metric(
        "callcenter_calls_waiting_beyond_target",
        "gauge",
        ("queue",),
        "Callers waiting now for longer than the target: promises being broken as you look.",
        "Who is being let down right now?",
        "queue",
    ),
    Metric(
        "callcenter_oldest_waiting_timestamp_seconds",
        "gauge",
        ("queue",),
        "When the caller who waits longest arrived; absent if nobody waits. "
        "time() less this is the longest wait.",
        "How long has the unluckiest caller waited?",
        "queue",
    ),
    Metric(
        "callcenter_callbacks_open",
        "gauge",
        ("queue",),
        "Callbacks owed and not due yet.",
        "How many callbacks are still to be made?",
        "queue",
    ),
    Metric(
        "callcenter_callbacks_overdue",
        "gauge",
        ("queue",),
        "Callbacks past due and still not made.",
        "How many customers are overdue a callback?",
        "queue",
    ),
    Metric(
        "callcenter_callbacks_due",
        "gauge",
        ("queue", "within"),
        "Callbacks that fall due within so many seconds from now (each includes the shorter).",
        "How many callbacks must be made in the next minutes?",
        "queue",
        3,
    ),
    Metric(
        "callcenter_callback_next_due_timestamp_seconds",
        "gauge",
        ("queue",),
        "When the next callback is due; absent if none is owed.",
        "How much time is left for the most urgent callback?",
        "queue",
    ),
)

_WINDOWS: Final = (
    Metric(
        "callcenter_window_calls",
        "gauge",
        ("queue", "window", "class", "partition"),
        "What happened within a rolling window of event time, by class. Exported while the "
        "window holds anything; adds up over queues and partitions.",
        "What is the service level of the last minutes, hour, day, period?",
        _PER_PAIR,
        156,
    ),
    Metric(
        "callcenter_window_wait_seconds",
        "histogram",
        ("queue", "window", "partition"),
        "Waits of the calls answered within a rolling window of event time. Goes up and down: "
        "use it as it is, without rate().",
        "How long did callers wait in the last minutes, hour, day, period?",
        _PER_PAIR,
        72,
    ),
    Metric(
        "callcenter_window_wait_seconds_max",
        "gauge",
        ("queue", "window", "partition"),
        "Longest wait of the calls answered within a rolling window of event time.",
        "What was the worst wait of the last minutes, hour, day, period?",
        _PER_PAIR,
        6,
    ),
)

_TARGETS: Final = (
    Metric(
        "callcenter_target_seconds",
        "gauge",
        ("promise", "queue"),
        "Target of each promise in force, so that rules need not repeat it. "
        'queue="__none__" holds the default.',
        "What did we promise?",
        "queue",
        2,
    ),
    Metric(
        "callcenter_objective_ratio",
        "gauge",
        ("promise", "queue"),
        "Share of promises that are to be kept, 0 to 1.",
        "How often must we keep it?",
        "queue",
        2,
    ),
    Metric(
        "callcenter_opening_timestamp_seconds",
        "gauge",
        ("queue",),
        "While it is closed: when it opens next; while it is open: when it opened (0: more than a "
        "week ago). Absent where slo.yaml names no opening hours.",
        "Is anybody supposed to be there?",
        "queue",
    ),
)

METRICS: Final[tuple[Metric, ...]] = (
    *_ANSWER,
    *_CALLBACK,
    *_PROMISE,
    *_NOW,
    *_WINDOWS,
    *_TARGETS,
    *WORKER_METRICS,
)
"""Every metric, in the order of the exposition and of the reference."""

BY_NAME: Final[dict[str, Metric]] = {metric.name: metric for metric in METRICS}
