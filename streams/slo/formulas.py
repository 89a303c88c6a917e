"""Recording rules of the service-level formulas in use, of useful service and of net value.

All are sums over sums, so a quiet hour weighs as little as it has calls, and with nothing to divide
by there is no value rather than a NaN. Numerators and denominators are those of
`streams.ledger.FORMULAS`, but for two counts that no counter tells apart: F5 takes the target for
the bound of a short abandonment, and F6 leaves out callbacks asked for within the target, so it is
what that level is at least. `callsla replay` has both to the call.
"""

from collections.abc import Iterator
from typing import Final

from streams.instants import DAY, HOUR, MINUTE
from streams.ledger import VERDICTS
from streams.slo.counters import ANSWERS, CALLS, OFFERED, Rule
from streams.slo.durations import compact
from streams.slo.names import LEVELS, increase, useful_share
from streams.slo.timing import LONG_WINDOWS, PERIOD

__all__ = [
    "FORMULAS",
    "FORMULA_WINDOWS",
    "SHOWN_WINDOWS",
    "formula",
    "formula_rules",
    "usefulness_rules",
]

FORMULA_WINDOWS: Final = (HOUR, DAY, PERIOD)
SHOWN_WINDOWS: Final = (5 * MINUTE, *FORMULA_WINDOWS)
"""Those that dashboards let one choose from."""

_IN_TARGET: Final = "answered_in_target"
_ANSWERED: Final = "answered_in_target|answered_late"
_GAVE_UP: Final = "abandoned_in_target"

FORMULAS: Final = {
    "f1": (_IN_TARGET, _ANSWERED),
    "f2": (_IN_TARGET, ".+"),
    "f3": (_IN_TARGET, f"{_ANSWERED}|abandoned_late"),
    "f4": (f"{_IN_TARGET}|abandoned_in_target", ".+"),
    "f5": (_IN_TARGET, "|".join(each for each in VERDICTS["outcome"] if each != _GAVE_UP)),
    "f6": (f"{_IN_TARGET}|{_GAVE_UP}", ".+"),
    "f7": (_IN_TARGET, f"{_ANSWERED}|abandoned_in_target|abandoned_late"),
}
"""Outcomes above and below the line."""


def formula(level: str, name: str, length: int) -> str:
    """Return the name under which a service level is recorded."""
    return f"{level}:callcenter_service_level_{name}:ratio{compact(length)}"


def formula_rules() -> Iterator[Rule]:
    """Return the service levels by each formula, per queue and in all."""
    for length in FORMULA_WINDOWS:
        for level in LEVELS:
            for name, (above, below) in FORMULAS.items():
                expression = (
                    f"{_outcomes(level, above, length)} / ({_outcomes(level, below, length)} > 0)"
                )
                yield formula(level, name, length), expression


def usefulness_rules(weight: float) -> Iterator[Rule]:
    """Useful answers per call and per answer of known use, and what they are worth on balance.

    An answer in three seconds that helps nobody is in neither. A verdict on usefulness comes an
    hour after the call, so short windows would say nothing.
    """
    for level in LEVELS:
        for length in LONG_WINDOWS:
            useful = _answers(level, "useful", length)
            offered = increase(level, OFFERED.name, length)
            name = f"{level}:callcenter_useful_answers_per_call_offered:ratio{compact(length)}"
            yield name, f"{useful} / ({offered} > 0)"
            known = _answers(level, "useful|useless", length)
            yield useful_share(level, length), f"{useful} / ({known} > 0)"
            useless = _answers(level, "useless", length)
            worth = increase(level, "callcenter_net_value", length)
            yield worth, f"{useful} - {weight:g} * {useless}"


def _outcomes(level: str, outcomes: str, length: int) -> str:
    calls = increase(level, CALLS.name, length)
    matches = "=~" if {"|", "."} & set(outcomes) else "="
    return f'sum without (outcome) ({calls}{{outcome{matches}"{outcomes}"}})'


def _answers(level: str, states: str, length: int) -> str:
    answers = increase(level, ANSWERS.name, length)
    matches = "=~" if "|" in states else "="
    return f'sum without (usefulness) ({answers}{{usefulness{matches}"{states}"}})'
