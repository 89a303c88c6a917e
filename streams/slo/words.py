"""What an alert says: Prometheus templates that put numbers into words.

The numbers come from the same evaluation as the verdict, so they fit each other.
"""

from streams.instants import DAY, SECOND
from streams.slo.counters import Promise
from streams.slo.durations import brief, last
from streams.slo.names import allowed, budget_left, increase, target_of
from streams.slo.objective import Objective
from streams.slo.timing import PERIOD

__all__ = ["below_target", "broken", "budget", "number", "who"]

NAMES = (
    '{{ if eq $labels.queue "__none__" }}Calls without a queue'
    '{{ else if eq $labels.queue "__other__" }}Queues beyond max_queues'
    "{{ else }}Queue {{ $labels.queue }}{{ end }}"
)


def who(level: str) -> str:
    """Return whom the alert is about."""
    return NAMES if level == "queue" else "All queues together"


def number(expression: str, level: str, form: str = "%.0f") -> str:
    """Return a template that prints one number of the alert's queue, or of all queues."""
    asked = _query(expression, level)
    return "{{ with " + asked + ' }}{{ . | first | value | printf "' + form + '" }}{{ end }}'


def _query(expression: str, level: str) -> str:
    if level == "queue":
        return "printf " + _quoted(_with_queue(expression)) + " $labels.queue | query"
    return "query " + _quoted(expression.replace("{}", ""))


def broken(level: str, promise: Promise, objective: Objective, length: int) -> str:
    """Return the sentence of a promise that is being broken: how many of how many."""
    total = number(increase(level, promise.decided.name, length), level)
    share = number(_percent_allowed(level, promise, length), level, "%.3g")
    start = '{{ printf "%.0f" $value }} of ' + total
    return f"{start} {_what(level, promise, objective, length)}; the promise allows {share} %."


def below_target(level: str, promise: Promise, objective: Objective, length: int) -> str:
    """Return the sentence of a service level below the objective."""
    decided = increase(level, promise.decided.name, length)
    kept = number(f"{decided}{{}} - {increase(level, promise.broken.name, length)}{{}}", level)
    total = number(decided, level)
    wanted = number(f"100 - ({_percent_allowed(level, promise, length)})", level, "%.3g")
    return (
        f"{kept} of {total} calls in {last(length)} were answered by a human within "
        f'{_target(level, promise, objective)} ({{{{ printf "%.1f" $value }}}} %); '
        f"the objective is {wanted} %."
    )


def budget(level: str, promise: Promise) -> str:
    """Return the sentence about the budget of 30 days; nothing while it is not known yet."""
    few, count = allowed(level, promise, PERIOD), increase(level, promise.broken.name, PERIOD)
    day = increase(level, promise.broken.name, DAY)
    left = _query(f"100 * {budget_left(level, promise)}{{}}", level)
    gone = number(f"({few}{{}} - {count}{{}}) / ({day}{{}} > 0)", level, "%.1f")
    return (
        f"{{{{ with {left} }}}}{{{{ if gt (. | first | value) 0.0 }}}}"
        '{{ . | first | value | printf "%.0f" }} % of the budget of 30 days is left; at the rate '
        f"of the last day it is gone in {gone} days."
        "{{ else }}The budget of 30 days is spent.{{ end }}{{ end }}"
    )


def _what(level: str, promise: Promise, objective: Objective, length: int) -> str:
    if promise.key == "whole":
        missed = "were neither answered by a human in time nor called back in time"
        return f"calls in {last(length)} {missed}"
    target = _target(level, promise, objective)
    if promise.key == "callback":
        return f"callbacks due in {last(length)} were not made within {target}"
    return f"calls in {last(length)} waited longer than {target} for a human or never got one"


def _percent_allowed(level: str, promise: Promise, length: int) -> str:
    few = allowed(level, promise, length)
    return f"100 * {few}{{}} / {increase(level, promise.decided.name, length)}{{}}"


def _target(level: str, promise: Promise, objective: Objective) -> str:
    """The target of this queue; for all queues the default one, with a word if some differ."""
    promises = objective.promises
    default = (promises.answer if promise.key == "answer" else promises.callback).target
    own = {getattr(queue, promise.key).target for queue in objective.queues.values()} - {default}
    if not own:
        return brief(default)
    if level == "centre":
        return f"{brief(default)} (or its queue's own target)"
    cases = "".join(
        f"{{{{ else if eq $target {_number(target)} }}}}{brief(target)}" for target in sorted(own)
    )
    asked = "printf " + _quoted(_with_queue(target_of(promise))) + " $labels.queue | query"
    return (
        f"{{{{ with {asked} }}}}{{{{ $target := . | first | value }}}}"
        f"{{{{ if eq $target {_number(default)} }}}}{brief(default)}{cases}"
        f"{{{{ else }}}}{{{{ humanizeDuration $target }}}}{{{{ end }}}}"
        f"{{{{ else }}}}{brief(default)}{{{{ end }}}}"
    )


def _number(target: int) -> str:
    """A template compares a float only with a number that has a point."""
    return f"{target / SECOND!r}"


def _with_queue(expression: str) -> str:
    """Select the queue in every selector; those of a longer expression end with `{}`."""
    marked = expression if "{}" in expression else expression + "{}"
    return marked.replace("{}", "{queue=%[1]q}")


def _quoted(text: str) -> str:
    return "`" + text + "`"
