"""*Formulas*: the same calls by the seven definitions of service level in use.

F5 leaves out calls abandoned within 5 s and F6 counts callbacks asked for within the target; the
exporter has no class for either. F5 is shown with the target as the bound of a short abandonment,
as its vendors let one set it, and F6 as what it is at least.
"""

from typing import Final

from streams.ledger import VERDICTS
from streams.slo.counters import ANSWERS, CALLS
from streams.slo.dashboards.frame import Board, Row, link_to
from streams.slo.dashboards.look import Look, at_most, plain
from streams.slo.dashboards.parts import Ask, Panel, bars, lines, number, stacked, tabled
from streams.slo.dashboards.queries import counted
from streams.slo.dashboards.sdk import dashboard
from streams.slo.durations import compact
from streams.slo.formulas import FORMULAS, SHOWN_WINDOWS
from streams.slo.objective import Objective

__all__ = ["formulas_board"]

WINDOWS: Final = tuple(compact(length) for length in SHOWN_WINDOWS)
CHOSEN: Final = "1h"

_NAMES: Final = {
    "F1": "F1 of the answered",
    "F2": "F2 of all (the promise)",
    "F3": "F3 early abandons left out",
    "F4": "F4 early abandons as good",
    "F5": "F5 short abandons removed",
    "F6": "F6 left the queue, at least",
    "F7": "F7 of answered and abandoned",
}
_SHARE: Final = Look("percentunit", decimals=1, least=0, most=1)
_APART: Final = Look("percentunit", decimals=1)
"""From the lowest to the highest there is: seven lines close together must be told apart."""


def formulas_board(objective: Objective) -> Board:
    """Return the dashboard that ends the talk about which number is right."""
    return Board(
        uid="callsla-formulas",
        title="Call centre: Formulas",
        description="One set of calls by seven definitions of service level, and its worth.",
        rows=(
            Row("Service level", _levels()),
            Row("Spread and worth", _worth(objective.usefulness.weight)),
            Row("Calls", _calls()),
        ),
        variables=(_window(),),
    )


def _formula(name: str, by: str = "") -> str:
    above, below = FORMULAS[name.lower()]
    return f"{_calls_of(above, by)} / ({_calls_of(below, by)} > 0)"


def _calls_of(outcomes: str, by: str = "") -> str:
    return counted(CALLS, "$window", by, outcomes)


def _levels() -> list[Panel]:
    asks = [Ask(_formula(name), words) for name, words in _NAMES.items()]
    return [
        bars(
            "Service level by formula",
            asks,
            _SHARE,
            "One set of calls, seven numbers. When somebody names a service level, find theirs "
            "here; judge the centre by F2, which no call can leave unseen.",
            10,
        ),
        lines(
            "Service level by formula over time",
            asks,
            _APART,
            "Lines drift apart: calls are abandoned, diverted or turned away, and the flattering "
            "formulas forget them. Look at the outcomes below.",
            14,
            slow=True,
        ),
    ]


def _worth(weight: float) -> list[Panel]:
    named = " or ".join(
        f'label_replace({_formula(name)}, "formula", "{name}", "", "")' for name in _NAMES
    )
    useful, useless = (counted(ANSWERS, "$window", states=state) for state in ("useful", "useless"))
    return [
        number(
            "Highest less lowest",
            Ask(f"max({named}) - min({named})", "spread"),
            at_most("percentunit", 0.1, 0.05, decimals=1, least=0),
            "How far the formulas are apart. Large: say which formula a number was made with "
            "whenever you report it.",
            8,
            over_time=False,
        ),
        number(
            "Useful answers per call",
            Ask(f"{useful} / ({counted(CALLS, '$window')} > 0)", "useful"),
            _SHARE,
            "Answers that helped, of all calls that ended; known an hour after a call. Far below "
            "F2: calls are answered in time and to no avail; look at what happens in them.",
            8,
        ),
        number(
            "Net value",
            Ask(f"{useful} - {weight:g} * {useless}", "answers"),
            plain(least=None),
            f"Useful answers less {weight:g} for each useless one. Below 0 or falling: speed is "
            "bought with usefulness; stop rewarding short talks.",
            8,
        ),
    ]


def _calls() -> list[Panel]:
    columns = [Ask(counted(CALLS, "$window", "queue"), "calls", look=plain())]
    columns += [Ask(_formula(name, "queue"), name, look=_SHARE) for name in _NAMES]
    return [
        stacked(
            "Calls by outcome",
            [Ask(counted(CALLS, "$window", "outcome"), "{{outcome}}")],
            plain(),
            "What all formulas are made of, in the chosen window. A formula that looks too good "
            "leaves one of these out; diverted and rejected calls are customers, too.",
            24,
            states=VERDICTS["outcome"],
            slow=True,
        ),
        tabled(
            "Formulas by queue",
            columns,
            "queue",
            "The same by queue. A queue whose columns differ most loses most of its callers before "
            "they are answered; open it.",
            sort="calls",
            link=link_to("callsla-queue", "This queue in depth"),
        ),
    ]


def _window() -> dashboard.VariableModel:
    options = [
        dashboard.VariableOption(selected=length == CHOSEN, text=length, value=length)
        for length in WINDOWS
    ]
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name="window",
        label="Window",
        description="Rolling windows, exact to the call and up to 5 minutes old",
        query=",".join(WINDOWS),
        options=options,
        current=dashboard.VariableOption(text=CHOSEN, value=CHOSEN),
    )
