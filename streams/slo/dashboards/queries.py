"""PromQL that several panels share: selections by queue, counts, ratios, windows.

Counts come from recordings, which are exact to the call over any window. No curve is drawn of what
is exported by queue and partition: of 200 queues that takes seconds. A number of the moment that no
recording has comes from the exporter's rolling windows, which are exact in event time. Nothing is a
mean of ratios, and where nothing was decided there is no ratio.
"""

from collections.abc import Iterable
from typing import Final

from streams.instants import SECOND
from streams.slo.counters import PROMISES, Counter, Promise
from streams.slo.names import allowed, increase
from streams.slo.shown import distributed as recorded_buckets
from streams.slo.shown import settled

__all__ = [
    "ANSWER",
    "CALLBACK",
    "QUEUES",
    "WHOLE",
    "age",
    "budget_left",
    "by_queue",
    "callbacks",
    "callbacks_by_state",
    "counted",
    "distributed",
    "first",
    "grown",
    "kept",
    "kept_by_queue",
    "limit",
    "live",
    "objective",
    "quantile",
    "total",
    "windowed",
]

ANSWER, CALLBACK, WHOLE = PROMISES
HAIR: Final = 0.001
"""Seconds by which the mark of a target is above its bucket: less than any resolution."""
TRACE: Final = "0.000001"
"""Grafana hides cells of less than a thousandth of it."""
QUEUES: Final = 'queue=~"$queue",queue=~"$group"'
"""The queues chosen; the group holds where all queues are chosen."""


def live(name: str, *matchers: str) -> str:
    """Return a gauge of the moment, of the chosen queues."""
    return f"{name}{{{','.join((*matchers, QUEUES))}}}"


def total(name: str, *matchers: str) -> str:
    """Return the sum of a gauge over queues and workers."""
    return f"sum({live(name, *matchers)})"


def by_queue(name: str, *matchers: str) -> str:
    """Return the sum of a gauge over workers, by queue."""
    return f"sum by (queue) ({live(name, *matchers)})"


def grown(name: str, length: int, *matchers: str) -> str:
    """Return the recorded growth of counter `name` in `length` microseconds, by queue."""
    return live(increase("queue", name, length), *matchers)


def kept(promise: Promise, length: int) -> str:
    """Return the share of promises decided in `length` that were kept, of all chosen queues."""
    broken = f"sum({grown(promise.broken.name, length)})"
    return f"1 - {broken} / (sum({grown(promise.decided.name, length)}) > 0)"


def kept_by_queue(promise: Promise, length: int) -> str:
    """Return the same by queue."""
    broken = grown(promise.broken.name, length)
    return f"1 - {broken} / ({grown(promise.decided.name, length)} > 0)"


def budget_left(promise: Promise, length: int) -> str:
    """Return how much of what the objective allows in `length` is left; below 0: overspent."""
    few = live(allowed("queue", promise, length))
    return f"1 - sum({grown(promise.broken.name, length)}) / (sum({few}) > 0)"


def objective(promise: Promise) -> str:
    """Return the strictest objective of the chosen queues."""
    return f"max({live(f'queue:callcenter_{promise.key}_objective:ratio')})"


def limit(promise: Promise) -> str:
    """Return the strictest target of the chosen queues in seconds."""
    return f"min({live(f'queue:callcenter_{promise.key}_target:seconds')})"


def first(name: str) -> str:
    """Return the earliest instant of the chosen queues."""
    return f"min({live(name)})"


def age(instant: str) -> str:
    """Return how long ago `instant` was."""
    return f"time() - {instant}"


def windowed(classes: str, length: str, by: str = "") -> str:
    """Return what happened in a rolling window, all classes together, whoever shows it."""
    chosen = live("callcenter_window_calls", f'window="{length}"', f'class=~"{classes}"')
    return f"sum by ({by}) (max by (partition, queue, class) ({chosen}))"


def counted(counter: Counter, length: str, by: str = "", states: str = "") -> str:
    """Return the recorded growth of `counter` in `length`, of these states of it."""
    chosen = (f'{counter.split}=~"{states}"',) if states else ()
    grown_by = live(f"queue:{counter.name}:increase{length}", *chosen)
    return f"sum by ({by}) ({grown_by})"


def callbacks(classes: str, by: str = "") -> str:
    """Return the recorded callbacks of the last hour, of these classes."""
    chosen = live(settled(), f'class=~"{classes}"')
    return f"sum by ({by}) ({chosen})"


def callbacks_by_state() -> str:
    """Return how callbacks of the last hour were settled."""
    by_class = callbacks("callback_.*", "class")
    return f'label_replace({by_class}, "callback", "$1", "class", "callback_(.*)")'


def distributed(promise: Promise, name: str, targets: Iterable[int]) -> str:
    """Return the buckets of a histogram, and one between them that marks the target.

    Heatmaps have no thresholds. The mark is a bucket a hair above the strictest target of the
    chosen queues, with so little in it that it has the darkest colour and no count changes.
    `targets` are all there are, in microseconds: only their buckets are read a second time.
    """
    bounds = "|".join(str(each / SECOND).replace(".", "[.]") for each in sorted({*targets}))
    counts = f"sum by (le) ({live(recorded_buckets(name))})"
    few = live(recorded_buckets(name), f'le=~"{bounds}"')
    own = f"sum by (le) ({few})"
    target = limit(promise)
    bound = f'label_replace(count_values("le", {target}), "le", "$1.0", "le", "([0-9]+)")'
    below = f"sum({own} and on (le) {bound})"
    mark = f'count_values("le", {target} + {HAIR:g})'
    return f"{counts}\nor\n{mark} * on () group_left () ({below} + {TRACE})"


def quantile(share: float, name: str) -> str:
    """Return a quantile of a histogram over 5 minutes."""
    return f"histogram_quantile({share:g}, sum by (le) ({live(recorded_buckets(name))}))"
