"""An objective in words: what is promised, when somebody is called, and how soon."""

from collections.abc import Iterator
from math import floor

from streams.instants import MINUTE
from streams.slo.alerts import burn_name
from streams.slo.counters import PROMISES, Promise
from streams.slo.durations import brief, last, words
from streams.slo.keys import AnswerPromise, Burn, CallbackPromise
from streams.slo.objective import Objective
from streams.slo.ruletests import threshold
from streams.slo.timing import STANDARD, Timing, burns, slow_burns

__all__ = ["explain", "least_broken"]

EXAMPLES = (10, 20, 61, 200, 1000)

_NAMES = {
    "answer": ("AnswerPromiseFastBurn", "calls", "were not answered by a human in time"),
    "callback": ("CallbackPromiseFastBurn", "callbacks due", "were not made in time"),
    "whole": ("PromiseFastBurn", "calls", "were neither answered nor called back in time"),
}


def explain(objective: Objective, timing: Timing = STANDARD) -> str:
    """Return the objective in words, with how many of how many calls make each alert fire."""
    return "\n".join([*_promised(objective), "", *_alerts(objective, timing)]) + "\n"


def least_broken(limit: float, total: int, at_least: int) -> int | None:
    """Return how many of `total` must be broken for an alert; none if even all are too few."""
    needed = max(floor(limit * total + 1e-9) + 1, at_least)
    return needed if needed <= total else None


def _promised(objective: Objective) -> Iterator[str]:
    promises = objective.promises
    yield "The promise"
    yield f"  {_answer(promises.answer)}"
    yield f"  {_callback(promises.callback)}"
    for name, queue in objective.queues.items():
        yield f"  In queue {name}:"
        yield f"    {_answer(queue.answer)}"
        yield f"    {_callback(queue.callback)}"
    grace = objective.time.grace
    yield f"  A broken promise is seen within {brief(grace)} of its deadline (time.grace)."
    if grace > promises.answer.target:
        yield "  Note: that is longer than the answer target; lower time.grace to see it sooner."


def _answer(answer: AnswerPromise) -> str:
    """The answer promise of a queue, or of all that have none of their own."""
    share, allowed = _percent(answer.objective), _allowed(answer.objective)
    kept = f"{share} of calls are answered by a human within {brief(answer.target)}"
    return f"{kept}: of 1000, {allowed} may not be."


def _callback(callback: CallbackPromise) -> str:
    share, allowed = _percent(callback.objective), _allowed(callback.objective)
    kept = f"{share} of the others are called back within {brief(callback.target)}"
    return f"{kept}: of 1000, {allowed} may not be."


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _allowed(objective: float) -> str:
    return f"{1000 * (1 - objective):.4g}"


def _alerts(objective: Objective, timing: Timing) -> Iterator[str]:
    yield f"When somebody is called (what to do then: {objective.links.runbooks})"
    for promise, burn in zip(PROMISES, burns(objective.alerts), strict=True):
        for place, share in _objectives(promise, objective):
            yield from _burn(promise, burn, place, share, objective, timing)
    yield from _slow(objective, timing)
    yield from _interval(objective, timing)
    yield from _people(objective, timing)
    yield from _budgets(objective)
    yield from _sight(objective, timing)


def _objectives(promise: Promise, objective: Objective) -> Iterator[tuple[str, float]]:
    """The objective everywhere, and those of queues that differ from it."""
    promises, whole = objective.promises, objective.promises.whole.objective
    if promise.key == "callback":
        default = promises.callback.objective
        own = {name: queue.callback.objective for name, queue in objective.queues.items()}
    else:
        fixed = whole if promise.key == "whole" else None
        default = fixed or promises.answer.objective
        own = {name: fixed or queue.answer.objective for name, queue in objective.queues.items()}
    yield "", default
    for name, share in own.items():
        if share != default:
            yield f" in queue {name}", share


def _burn(
    promise: Promise, burn: Burn, place: str, share: float, objective: Objective, timing: Timing
) -> Iterator[str]:
    name, things, fate = _NAMES[promise.key]
    window, short = timing.wait(burn.window), timing.wait(burn.short)
    limit, least = threshold(burn, share), timing.at_least(burn.min_broken)
    yield ""
    yield f"  {name}{place} (critical): objective {_percent(share)}"
    yield (
        f"    fires when more than {_percent(limit)} of the {things} in {last(window)}, and in "
        f"{last(short)} too, {fate}, and at least {least} of them."
    )
    if burn.factor * (1 - share) >= burn.cap:
        yield _capped(burn, share)
    yield f"    That is {_examples(limit, least)}."
    yield (
        f"    If everything fails from one moment on, at steady traffic: after about "
        f"{words(_detection(promise, limit, window, objective))}."
    )


def _capped(burn: Burn, share: float) -> str:
    asked = 100 * burn.factor * (1 - share)
    never = ", which could never happen" if asked >= 100 else ""
    return (
        f"    ({burn.factor:g} times what is allowed would be {asked:.4g} %{never}; "
        f"it is capped at {_percent(burn.cap)}.)"
    )


def _examples(limit: float, least: int) -> str:
    needed = [(total, least_broken(limit, total, least)) for total in EXAMPLES]
    known = [f"{count} of {total}" for total, count in needed if count is not None]
    never = [str(total) for total, count in needed if count is None]
    text = ", ".join(known)
    return f"{text}; never with {' or '.join(never)}" if never else text


def _detection(promise: Promise, limit: float, window: int, objective: Objective) -> int:
    """How long after the failure began: the deadline itself, then enough of the window."""
    promises = objective.promises
    deadline = promises.answer.target if promise.key == "answer" else promises.callback.target
    exact = deadline + objective.time.grace + limit * window
    return round(exact / 1_000_000) * 1_000_000


def _slow(objective: Objective, timing: Timing) -> Iterator[str]:
    """The slow burns, and how soon a bleed of twice the allowed share is told."""
    yield ""
    for promise, burn in zip(PROMISES, slow_burns(objective.alerts), strict=True):
        name = burn_name(promise.key, "Slow")
        share = next(share for _, share in _objectives(promise, objective))
        limit, window = threshold(burn, share), timing.wait(burn.window)
        bleed = 2 * (1 - share)
        line = (
            f"  {name} (warning): more than {_percent(limit)} in {last(window)} and in "
            f"{last(timing.wait(burn.short))}, at least {timing.at_least(burn.min_broken)}"
        )
        if bleed > limit:
            soon = words(round(limit / bleed * window / MINUTE) * MINUTE)
            line += f"; a bleed of {_percent(bleed)} is told after about {soon}"
        yield f"{line}."


def _people(objective: Objective, timing: Timing) -> Iterator[str]:
    alerts = objective.alerts
    least = alerts.backlog.min_due
    yield ""
    yield (
        "  CallerWaitsTooLong (critical): one caller has been waiting for "
        f"{brief(timing.wait(alerts.longest_wait))}."
    )
    yield (
        f"  CallbacksDueFasterThanMade (warning): at least {least} callbacks fall due in 15 "
        "minutes, more than were dealt with in the last 15."
    )
    yield (
        f"  CallbackBacklogCannotBeCleared (critical): at least {least} fall due within "
        "the hour, more than twice what the last 30 minutes have done."
    )


def _budgets(objective: Objective) -> Iterator[str]:
    """What the objective allows in a month, for months of a few sizes."""
    budget = objective.alerts.budget
    yield ""
    for promise in PROMISES:
        share = next(share for _, share in _objectives(promise, objective))
        sizes = ", ".join(
            f"{floor((1 - share) * calls + 1e-6):,} of {calls:,}" for calls in (3_000, 30_000)
        )
        things = "callbacks" if promise.key == "callback" else "calls"
        yield f"  The budget of 30 days ({promise.key}): {sizes} {things} may be broken."
    yield (
        f"  BudgetExhausted, BudgetRunsOut (warning): it is spent, or gone within "
        f"{brief(budget.gone_within)} at the rate of the last day; at least {budget.min_broken} "
        "broken."
    )


def _interval(objective: Objective, timing: Timing) -> Iterator[str]:
    interval = objective.alerts.below_target
    window = timing.wait(interval.window)
    share = objective.promises.answer.objective
    yield ""
    yield f"  AnswerServiceLevelBelowTarget (warning): objective {_percent(share)}"
    yield (
        f"    fires when for {words(window)} the service level of {last(window)} has been below "
        f"the objective, with at least {timing.at_least(interval.min_calls)} calls."
    )
    yield f"    That is {_examples(1 - share, 1)} calls not answered in time."


def _sight(objective: Objective, timing: Timing) -> Iterator[str]:
    blind = objective.alerts.blind
    yield ""
    yield "  CallbacksOverdue (warning): fires while any callback is past its time."
    yield (
        "  Blind... (critical): no worker, a partition nobody watches, numbers more than "
        f"{brief(timing.wait(blind.behind))} behind, or no heartbeat for "
        f"{brief(timing.wait(blind.heartbeat))}. They keep the alerts above quiet, for those "
        "would be made of stale numbers."
    )
