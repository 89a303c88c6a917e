"""The counters that rules read, and PromQL that counts exactly with them.

`increase()` extrapolates, so it says 44.2 of 64.1 where 42 of 61 is true, and it misses the first
call of a new queue. Here each evaluation records a *step*: what each series has grown by since the
last evaluation. Steps add up to whole, exact numbers over any window.

A step is taken per `partition` and `queue`, from the highest value any worker shows: a partition
that moves takes its totals along, so neither a take-over nor a moment with two owners counts twice,
and the last value is remembered while a partition is without an owner. A value lower than before is
a counter that began anew at zero. What was counted before Prometheus first saw a partition is in no
window; a queue that appears later in a known partition counts from zero.
"""

from dataclasses import dataclass
from typing import Final

from streams.slo.durations import compact
from streams.slo.timing import Pace

__all__ = [
    "ANSWERS",
    "CALLS",
    "CORRECTIONS",
    "COUNTERS",
    "DEALT_WITH",
    "KNOWN",
    "OFFERED",
    "PROMISES",
    "Counter",
    "Promise",
    "memory_rules",
    "step_rules",
    "stepped",
    "window",
]


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of the exposition; `states` are those of `verdict` that it counts.

    `split` is the label whose values are states; `source`, if given, what is counted instead of
    the metric of that name.
    """

    name: str
    verdict: str = ""
    states: tuple[str, ...] = ()
    labels: tuple[str, ...] = ("queue",)
    split: str = ""
    source: str = ""

    @property
    def metric(self) -> str:
        """The name as exported."""
        return f"{self.name}_total"

    def step(self, pace: Pace) -> str:
        """The recorded growth since the last evaluation."""
        return f"queue:{self.name}:step{pace.suffix}"

    def level(self, pace: Pace) -> str:
        """The recorded value at this evaluation."""
        return f"partition_queue:{self.name}:level{pace.suffix}"

    def memory(self, pace: Pace) -> str:
        """The recorded value at the last evaluation."""
        return f"partition_queue:{self.name}:max{pace.suffix}"


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise by the name it has in `slo.yaml`: all that were decided and the broken ones."""

    key: str
    decided: Counter
    broken: Counter


def _promise(key: str, name: str, verdict: str, *kept: str) -> Promise:
    return Promise(
        key,
        Counter(f"callcenter_{name}", verdict, (*kept, "broken")),
        Counter(f"callcenter_{name}_broken", verdict, ("broken",)),
    )


PROMISES: Final = (
    _promise("answer", "answer_promises", "answer", "kept"),
    _promise("callback", "callback_promises", "callback", "kept", "kept_by_recall"),
    _promise("whole", "promises", "promise", "kept"),
)
OFFERED: Final = Counter("callcenter_calls_offered", "offered", ("offered",))
ANSWERS: Final = Counter(
    "callcenter_answers", "usefulness", labels=("queue", "usefulness"), split="usefulness"
)
CALLS: Final = Counter("callcenter_calls", "outcome", labels=("queue", "outcome"), split="outcome")
_DEALT: Final = ("kept", "kept_by_recall", "late", "unreachable", "cancelled")
DEALT_WITH: Final = Counter(
    "callcenter_callbacks_dealt_with",
    "callback|late",
    _DEALT,
    source="sum without (state) (callcenter_callback_promises_settled_total"
    f'{{state=~"{"|".join(_DEALT)}"}})',
)
"""Callbacks that somebody has dealt with: the rate at which a backlog is worked off."""
CORRECTIONS: Final = Counter("callcenter_corrections", labels=("queue", "verdict", "from", "to"))
COUNTERS: Final = (
    *(counter for promise in PROMISES for counter in (promise.decided, promise.broken)),
    OFFERED,
    ANSWERS,
)
"""What is counted over every window."""

KNOWN: Final = "partition:callcenter_events:max"
"""Remembers each partition ever seen; every worker exports it for every partition it owns."""

_SEEN: Final = "partition:callcenter_events:level"
"""The partitions that have an owner at this evaluation."""

Rule = tuple[str, str]
"""A record and its expression."""


def stepped(pace: Pace) -> tuple[Counter, ...]:
    """Return the counters that are followed at this pace; outcomes are a matter of hours."""
    return (*COUNTERS, CALLS if pace.suffix else DEALT_WITH)


def step_rules(pace: Pace) -> list[Rule]:
    """Return the rules that record steps; they must come before those that remember.

    What is exported is read once and recorded: a scrape that becomes visible between a step and
    its memory would be in the memory alone and so in no window, ever. Which partitions there are
    is read before their counters: one that appears in between is known from the next time on.
    """
    rules = [
        (_SEEN + pace.suffix, "max by (partition) (callcenter_events_total)"),
        *((each.level(pace), _exported(each)) for each in (CORRECTIONS, *stepped(pace))),
    ]
    rules.append((CORRECTIONS.step(pace), _sum(CORRECTIONS, [_grown(CORRECTIONS, pace)])))
    for counter in stepped(pace):
        parts = [_grown(counter, pace), *_corrected(counter, pace)]
        rules.append((counter.step(pace), _sum(counter, parts)))
    return rules


def memory_rules(pace: Pace) -> list[Rule]:
    """Return the rules that remember the values of this evaluation for the next."""
    known = KNOWN + pace.suffix
    rules = [
        (counter.memory(pace), f"{counter.level(pace)} or {_before(counter.memory(pace), pace)}")
        for counter in (CORRECTIONS, *stepped(pace))
    ]
    return [*rules, (known, f"{_SEEN}{pace.suffix} or {_before(known, pace)}")]


def window(counter: Counter, pace: Pace, length: int) -> str:
    """Return what `counter` has grown by in the last `length` microseconds, corrections included.

    A range takes in both its ends before Prometheus 3 and only one since; a millisecond less
    makes it the same number of steps on both.
    """
    span = compact(length - 1_000)
    return f"clamp_min(sum_over_time({counter.step(pace)}[{span}]), 0)"


def _sum(counter: Counter, parts: list[str]) -> str:
    inside = "\n  or\n".join(_indented(part) for part in parts)
    return f"sum by ({', '.join(counter.labels)}) (\n{inside}\n)"


def _exported(counter: Counter) -> str:
    return (
        f"max by ({', '.join(('partition', *counter.labels))}) ({counter.source or counter.metric})"
    )


def _before(memory: str, pace: Pace) -> str:
    return f"last_over_time({memory}[{compact(pace.memory)}])"


def _grown(counter: Counter, pace: Pace) -> str:
    """The growth of each series: from its last value, or from zero if it is new or began anew."""
    level, before = counter.level(pace), _before(counter.memory(pace), pace)
    return (
        f"({level} - (({before} <= {level}) or {level} * 0))\n"
        f"and on (partition) {_before(KNOWN + pace.suffix, pace)}"
    )


def _corrected(counter: Counter, pace: Pace) -> list[str]:
    """What corrections add to and take from `counter`; their labels keep them apart from it."""
    step = CORRECTIONS.step(pace)
    if counter.split:
        verdict = f'verdict="{counter.verdict}"'
        to = f'{step}{{{verdict},to!="none"}}'
        was = f'{step}{{{verdict},from!="none"}}'
        return [
            f'label_replace({to}, "{counter.split}", "$1", "to", "(.*)")',
            f'label_replace(-{was}, "{counter.split}", "$1", "from", "(.*)")',
        ]
    states = "|".join(counter.states)
    matches = "=~" if "|" in counter.verdict else "="
    verdict = f'verdict{matches}"{counter.verdict}"'
    return [
        f'{step}{{{verdict},from!~"{states}",to=~"{states}"}}',
        f'-{step}{{{verdict},from=~"{states}",to!~"{states}"}}',
    ]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
