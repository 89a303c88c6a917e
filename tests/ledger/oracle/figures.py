"""The figures that follow from the verdicts: counts, waits, the formulas of service level."""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .verdicts import CallVerdict, PromiseVerdict

__all__ = ["figures_of"]

SHORT_ABANDON: Final = 5_000_000
"""Microseconds; the usual bound of the formulas that leave short abandons out."""


def figures_of(
    calls: "list[CallVerdict]",
    promises: "list[PromiseVerdict]",
    states: dict[str, tuple[str, ...]],
) -> dict[str, Any]:
    """Return the object that `replay --json` prints for one queue or in total."""

    def count(verdict: str, found: list[str]) -> dict[str, int]:
        return {name: found.count(name) for name in (*states[verdict], "open")}

    answered = [c for c in calls if c.answered]
    late = sum(p.late_at is not None for p in promises)
    return {
        "offered": len(calls),
        "outcomes": count("outcome", [c.outcome for c in calls]),
        "answer": count("answer", [c.answer for c in calls]),
        "callback": {
            "opened": len(promises),
            **count("callback", [p.state for p in promises]),
            "late": late,
        },
        "promise": count("promise", [c.promise for c in calls]),
        "usefulness": count("usefulness", [str(c.usefulness) for c in answered]),
        "wait_seconds": {"answered": _waits(sorted(c.wait for c in answered))},
        "service_level": _service_levels(calls),
    }


def _waits(ordered: list[int]) -> dict[str, float]:
    """Return count, mean, nearest-rank quantiles and maximum in seconds."""
    if not ordered:
        return {"count": 0, "mean": 0.0, "p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0}
    mean = sum(ordered) / 1_000_000 / len(ordered)
    quantiles = {f"p{p}": _nearest_rank(ordered, p) / 1_000_000 for p in (50, 90, 99)}
    return {"count": len(ordered), "mean": mean, **quantiles, "max": ordered[-1] / 1_000_000}


def _nearest_rank(ordered: list[int], percent: int) -> int:
    rank = 1
    while rank * 100 < percent * len(ordered):
        rank += 1
    return ordered[rank - 1]


def _service_levels(calls: "list[CallVerdict]") -> dict[str, float | None]:
    """Return F1 to F7 as ratios, None where there is nothing to divide by."""

    def number(*outcomes: str) -> int:
        return sum(call.outcome in outcomes for call in calls)

    in_time = number("answered_in_target")
    answered = number("answered_in_target", "answered_late")
    gone_in_time = number("abandoned_in_target")
    abandoned = number("abandoned_in_target", "abandoned_late")
    everything = sum(call.outcome != "open" for call in calls)
    short = sum(c.outcome.startswith("abandoned") and c.wait <= SHORT_ABANDON for c in calls)
    asked_in_time = sum(
        c.outcome == "callback_requested" and c.wait <= c.rules["answer_target"] for c in calls
    )
    return {
        "F1": _ratio(in_time, answered),
        "F2": _ratio(in_time, everything),
        "F3": _ratio(in_time, answered + abandoned - gone_in_time),
        "F4": _ratio(in_time + gone_in_time, everything),
        "F5": _ratio(in_time, everything - short),
        "F6": _ratio(in_time + gone_in_time + asked_in_time, everything),
        "F7": _ratio(in_time, answered + abandoned),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
