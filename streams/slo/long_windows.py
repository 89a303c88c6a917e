"""Windows of days and of the period, from what the short ones have already counted.

A month of 15 s steps would be 172,800 samples a series, of 5 minutes still 8,640 at some 90 ns
each. So the growth of 5 minutes is taken from a running sum, whole hours are put together, and a
month is its 720 hours and what the hour that has begun adds to them: exact at its near end, and to
the hour at its far one.
"""

from collections.abc import Iterable, Iterator

from streams.instants import DAY, HOUR
from streams.slo.counters import EARLIER, Counter, Rule, window
from streams.slo.durations import compact
from streams.slo.timing import Pace

__all__ = [
    "hour_rules",
    "hour_step",
    "long_window",
    "settled_window",
    "slow_step_rules",
    "sum_rules",
]


def sum_rules(counters: tuple[Counter, ...], fast: Pace, slow: Pace) -> Iterator[Rule]:
    """Return the running sums of what `counters` grow by, for whoever looks less often.

    A gap longer than the memory is bridged by what the slow pace has seen last.
    """
    for counter in counters:
        step, name = counter.step(fast), _running(counter)
        before = f"last_over_time({name}[{compact(fast.memory)}])"
        seen = f"last_over_time({_running(counter, slow)}[{compact(slow.memory)}])"
        yield name, f"{step} + ({before} or {seen} or {step} * 0)"


def slow_step_rules(counters: tuple[Counter, ...], slow: Pace) -> Iterator[Rule]:
    """Return the growth of running sums since the last look; the sum itself is read once."""
    for counter in counters:
        name = _running(counter, slow)
        before = f"last_over_time({name}[{compact(slow.memory)}] {EARLIER})"
        yield name, _running(counter)
        yield counter.step(slow), f"{name} - ({before} or {name} * 0)"


def hour_rules(group: str, counters: tuple[Counter, ...], slow: Pace) -> Iterator[Rule]:
    """Return the growth of each whole hour, and of the one that has begun.

    An hour is over at the first look after it; a look that is missed moves no call out of a month.
    """
    clock, over = _clock(group), _over(group)
    memory = compact(slow.memory)
    yield clock, "floor(vector(time() / 3600))"
    yield over, f"({clock} > bool last_over_time({clock}[{memory}] {EARLIER})) or {clock} * 0"
    for counter in counters:
        step, now, begun = counter.step(slow), _now(counter), _begun(counter)
        yield now, f"{step} + (last_over_time({begun}[{memory}]) or {step} * 0)"
        yield hour_step(counter), f"{now} and on () ({over} == 1)"
        yield begun, f"{now} unless on () ({over} == 1) or {now} * 0"


def long_window(counter: Counter, slow: Pace, length: int, ago: str = "") -> str:
    """Return what `counter` has grown by in the last `length` microseconds, up to `ago`."""
    if length <= DAY:
        return window(counter, slow, length, ago)
    hours = f"sum_over_time({hour_step(counter)}[{compact(length - 1_000)}]{ago})"
    begun = _begun(counter)
    if ago:
        begun = f"last_over_time({begun}[{compact(slow.memory)}]{ago})"
    return f"clamp_min(({hours} or {begun} * 0) + {begun}, 0)"


def settled_window(counters: Iterable[Counter], slow: Pace, length: int) -> str:
    """Return the same of `counters` whose steps another group records, at a moment of its own.

    Up to a tenth of its interval ago: then it has written all it had to, and every window holds
    the same number of steps, however close the moments of the two groups are.
    """
    ago = f" offset {compact(slow.interval // 10)}"
    return "\nor\n".join(long_window(counter, slow, length, ago) for counter in counters)


def _running(counter: Counter, pace: Pace | None = None) -> str:
    return f"queue:{counter.name}:sum{pace.suffix if pace else ''}"


def hour_step(counter: Counter) -> str:
    """Return the name of the recorded growth of each whole hour."""
    return f"queue:{counter.name}:step{compact(HOUR)}"


def _now(counter: Counter) -> str:
    return f"queue:{counter.name}:since_hour"


def _begun(counter: Counter) -> str:
    return f"queue:{counter.name}:begun_hour"


def _clock(group: str) -> str:
    return f"centre:callcenter_{group}_hour:number"


def _over(group: str) -> str:
    return f"centre:callcenter_{group}_hour:over"
