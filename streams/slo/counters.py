"""The counters that rules read, and PromQL that counts exactly with them.

`increase()` extrapolates, so it says 44.2 of 64.1 where 42 of 61 is true, and it misses the first
call of a new queue. Here each evaluation records a *step*: what each series has grown by since the
last evaluation. Steps add up to whole, exact numbers over any window.

A step is taken per `partition` and `queue`, from the highest value any worker shows: a partition
that moves takes its totals along, so neither a take-over nor a moment with two owners counts twice,
and the last value is held while a partition is without an owner. A value lower than before is
a counter that began anew at zero. What was counted before Prometheus first saw a partition is in no
window; a queue that appears later in a known partition counts from zero.

Series of partitions are dear: 200 queues in 12 partitions are 2,400 of each counter, and looking
one up costs some 4 us. So each is recorded once, and all that follows is made of sums by queue.
"""

from dataclasses import dataclass
from typing import Final

from streams.slo.durations import compact
from streams.slo.timing import Pace

__all__ = [
    "ANSWERS",
    "ARRIVALS",
    "BACKLOG",
    "CALLS",
    "COUNTERS",
    "DEALT_WITH",
    "OFFERED",
    "OUTCOMES",
    "PROMISES",
    "USEFULNESS",
    "Counter",
    "Family",
    "Promise",
    "Rule",
    "family_of",
    "step_rules",
    "window",
]

EARLIER: Final = "offset 1ms"
"""What stood before this evaluation, however often there is one."""


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

    @property
    def held(self) -> str:
        """The recorded value of each partition; its last one while it is without an owner."""
        return f"partition_queue:{self.name}:held"

    def step(self, pace: Pace) -> str:
        """The recorded growth since the last evaluation."""
        return f"queue:{self.name}:step{pace.suffix}"


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise by the name it has in `slo.yaml`: all that were decided and the broken ones."""

    key: str
    decided: Counter
    broken: Counter


@dataclass(frozen=True, slots=True)
class Family:
    """Counters that are followed together, in one group of rules, with what corrects them."""

    name: str
    counters: tuple[Counter, ...]

    @property
    def known(self) -> str:
        """Remembers each partition ever seen; a worker exports its events whatever they are."""
        return f"partition:callcenter_{self.name}_events:max"

    @property
    def corrections(self) -> Counter:
        """The corrections of the verdicts that these counters count, whatever they are.

        One that appears counts from zero; the zeros beside it are left out.
        """
        verdicts = sorted({each for c in self.counters for each in c.verdict.split("|")})
        matches = "=~" if len(verdicts) > 1 else "="
        return Counter(
            f"callcenter_{self.name}_corrections",
            labels=("queue", "verdict", "from", "to"),
            source=f'callcenter_corrections_total{{verdict{matches}"{"|".join(verdicts)}"}} > 0',
        )


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
"""Calls by outcome, as they are shown; followed in two halves, see `OUTCOMES`."""
_DEALT: Final = ("kept", "kept_by_recall", "late", "unreachable", "cancelled")
DEALT_WITH: Final = Counter(
    "callcenter_callbacks_dealt_with",
    "callback|late",
    _DEALT,
    source="sum without (state) (callcenter_callback_promises_settled_total"
    f'{{state=~"{"|".join(_DEALT)}"}})',
)
"""Callbacks that somebody has dealt with: the rate at which a backlog is worked off."""
COUNTERS: Final = (
    *(counter for promise in PROMISES for counter in (promise.decided, promise.broken)),
    OFFERED,
)
"""What is counted over every window."""


def _calls(name: str, *outcomes: str) -> Family:
    matcher = f'outcome=~"{"|".join(outcomes)}"'
    counter = Counter(
        f"callcenter_calls_{name}",
        CALLS.verdict,
        outcomes,
        CALLS.labels,
        CALLS.split,
        f"{CALLS.metric}{{{matcher}}}",
    )
    return Family(name, (counter,))


_FAMILIES: Final = {
    promise.key: Family(promise.key, (promise.decided, promise.broken)) for promise in PROMISES
}
ARRIVALS: Final = Family("offered", (OFFERED,))
BACKLOG: Final = Family("backlog", (DEALT_WITH,))
OUTCOMES: Final = (
    _calls(
        "waited", "answered_in_target", "answered_late", "abandoned_in_target", "abandoned_late"
    ),
    _calls("sent_away", "diverted", "callback_requested", "rejected", "lost"),
)
"""Calls that waited for an agent until one came or the caller gave up, and those that were not let.

Eight outcomes of 200 queues in 12 partitions are 19,200 series, too many for one evaluation.
"""
USEFULNESS: Final = Family("usefulness", (ANSWERS,))
"""A matter of hours: these are followed at the slow pace alone."""

Rule = tuple[str, str]
"""A record and its expression."""


def family_of(promise: Promise) -> Family:
    """Return the counters that are followed beside those of `promise`."""
    return _FAMILIES[promise.key]


def step_rules(family: Family, pace: Pace) -> list[Rule]:
    """Return the rules that record values and steps of `family`.

    What is exported is read once and recorded: a scrape that becomes visible between two readings
    would be in the second alone and so in no window, ever. Which partitions there are is read
    before their counters: one that appears in between is known from the next time on.
    """
    corrections = family.corrections
    seen = "max by (partition) (callcenter_events_total)"
    rules = [(family.known, f"{seen} or {_carried(family.known, pace)}")]
    rules += [(c.held, _held(c, pace)) for c in (corrections, *family.counters)]
    rules.append((corrections.step(pace), _sum(corrections, [_grown(corrections, family, pace)])))
    for counter in family.counters:
        parts = [_grown(counter, family, pace), *_corrected(counter, corrections, pace)]
        rules.append((counter.step(pace), _sum(counter, parts)))
    return rules


def window(counter: Counter, pace: Pace, length: int, ago: str = "") -> str:
    """Return what `counter` has grown by in the last `length` microseconds, corrections included.

    A range takes in both its ends before Prometheus 3 and only one since; a millisecond less
    makes it the same number of steps on both. `ago` is how long ago it ended, as PromQL has it.
    """
    steps = f"{counter.step(pace)}[{compact(length - 1_000)}]{ago}"
    return f"clamp_min(sum_over_time({steps}), 0)"


def _sum(counter: Counter, parts: list[str]) -> str:
    inside = "\n  or\n".join(_indented(part) for part in parts)
    return f"sum by ({', '.join(counter.labels)}) (\n{inside}\n)"


def _held(counter: Counter, pace: Pace) -> str:
    """The highest value that any worker shows; what was held where none shows any."""
    by = ", ".join(("partition", *counter.labels))
    shown = f"max by ({by}) ({counter.source or counter.metric})"
    return f"{shown} or {_carried(counter.held, pace)}"


def _carried(name: str, pace: Pace) -> str:
    """As long as steps look back: whatever they find there is carried to this very moment.

    What is known goes when what is held goes, or all of its past would count as new.
    """
    return f"last_over_time({name}[{compact(pace.memory)}])"


def _grown(counter: Counter, family: Family, pace: Pace) -> str:
    """The growth of each series: from its last value, or from zero if it is new or began anew."""
    return (
        f"idelta({counter.held}[{compact(pace.memory)}]) >= 0\n"
        f"or\n{counter.held} and on (partition) "
        f"last_over_time({family.known}[{compact(pace.memory)}] {EARLIER})"
    )


def _corrected(counter: Counter, corrections: Counter, pace: Pace) -> list[str]:
    """What corrections add to and take from `counter`; their labels keep them apart from it."""
    step = corrections.step(pace)
    if counter.split:
        verdict = f'verdict="{counter.verdict}"'
        own = f'=~"{"|".join(counter.states)}"' if counter.states else '!="none"'
        to, was = f"{step}{{{verdict},to{own}}}", f"{step}{{{verdict},from{own}}}"
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
