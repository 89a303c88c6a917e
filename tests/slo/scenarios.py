"""The scenario matrix: what fires in simulated hours of a centre, and how soon.

`python tests/slo/scenarios.py` prints the table of `tests/slo/RESULTS.md`.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import yaml
from centre_days import Centre, Day
from programs import run

from streams.instants import MINUTE, SECOND
from streams.slo import Objective, Timing, parse_slo
from streams.slo.alerts import every_alert
from streams.slo.needed import needed_rules
from streams.slo.rulesfile import dump, rule_groups

__all__ = ["SCENARIOS", "Found", "Scenario", "play"]

FOUR: Final = {"sales": 6.0, "support": 4.0, "billing": 3.0, "vip": 0.5}
OFFICE: Final = """
calendar:
  time_zone: Europe/Berlin
  hours: {mon-sun: "08:00-18:00"}
  holidays: [2026-05-25]
"""
_GOT: Final = re.compile(r"\{([^{}]*)\} ([0-9.]+E[+-][0-9]+)")

Found = dict[tuple[str, str], int]
"""By alert and queue (or scope): the minute at which it began to fire."""


def _berlin(text: str) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return round(local.timestamp()) * SECOND


@dataclass(frozen=True)
class Scenario:
    """`fires`: alert and queue -> (begin of the fault, latest minute of the alert)."""

    name: str
    day: Day
    fires: dict[tuple[str, str], tuple[int, int]]
    also: frozenset[str] = frozenset()
    """alerts that may or may not fire beside; every other must not"""
    slo: str = "{}"
    begin: int = field(default_factory=lambda: _berlin("2026-09-21T09:00"))


def _between(first: int, last: int) -> Callable[[str, int], float]:
    return lambda _queue, minute: 1.0 if first <= minute < last else 0.04


def _bad(queue: str, first: int, last: int) -> Callable[[str, int], float]:
    return lambda name, minute: 1.0 if name == queue and first <= minute < last else 0.04


FAST, SLOW = "AnswerPromiseFastBurn", "AnswerPromiseSlowBurn"
AFTER: Final = frozenset(
    {SLOW, "AnswerServiceLevelBelowTarget", "BudgetExhausted", "BudgetRunsOut", "PromiseFastBurn"}
    | {"CallbacksDueFasterThanMade", "CallbackBacklogCannotBeCleared", "PromiseSlowBurn"}
)
"""What a real outage may bring along, in the centre or its queues."""

SCENARIOS: Final = [
    Scenario(
        "total outage of 10 minutes",
        Day(150, FOUR, late=_between(90, 100)),
        {(FAST, "sales"): (90, 94), (FAST, "centre"): (90, 94)},
        AFTER,
    ),
    Scenario(
        "total outage of 5 minutes",
        Day(120, FOUR, late=_between(90, 95)),
        {(FAST, "sales"): (90, 95), (FAST, "centre"): (90, 95)},
        AFTER,
    ),
    Scenario(
        "slow bleed of 2 % at an objective of 99 %",
        Day(480, {"sales": 20.0}, late=lambda _q, minute: 0.02 if minute >= 60 else 0.002),
        {(SLOW, "sales"): (60, 400)},
        AFTER - {FAST},
        "promises: {answer: {objective: 0.99}}",
    ),
    Scenario(
        "one bad queue among forty",
        Day(150, {f"q{number:02}": 3.0 for number in range(40)}, late=_bad("q07", 90, 105)),
        {(FAST, "q07"): (90, 94)},
        AFTER,
    ),
    Scenario(
        "night with three calls, none answered",
        Day(
            180,
            {"sales": 1.0},
            late=lambda _q, _m: 1.0,
            busy=lambda _q, minute: minute in {20, 70, 71},
        ),
        {},
    ),
    Scenario(
        "replayed backlog of 30 minutes",
        Day(180, FOUR, behind=lambda minute: minute - 89 if 90 <= minute < 120 else 0),
        {("BlindBehind", ""): (90, 94)},
        frozenset({"CallerWaitsTooLong", "BlindHeartbeat"}),
    ),
    Scenario(
        "worker down for 15 minutes",
        Day(150, FOUR, seen=lambda minute: not 90 <= minute < 105),
        {("BlindNoWorker", ""): (90, 92), ("WorkerDown", ""): (90, 92)},
        frozenset({"BlindPartition"}),
    ),
    Scenario(
        "worker lagging by 3 minutes",
        Day(150, FOUR, behind=lambda minute: 3 if 90 <= minute < 120 else 0),
        {("BlindBehind", ""): (90, 95)},
        frozenset({"BlindHeartbeat"}),
    ),
    Scenario(
        "closed day with calls, none answered",
        Day(150, FOUR, late=lambda _q, _m: 1.0),
        {},
        frozenset({"BudgetExhausted"}),
        OFFICE,
        _berlin("2026-05-25T10:00"),
    ),
    Scenario(
        "the morning before summer time ends",
        Day(120, FOUR, late=lambda _q, _m: 1.0),
        {(FAST, "sales"): (60, 62)},
        AFTER,
        OFFICE,
        _berlin("2026-10-24T07:00"),
    ),
    Scenario(
        "the morning after summer time ended",
        Day(120, FOUR, late=lambda _q, _m: 1.0),
        {(FAST, "sales"): (60, 62)},
        AFTER,
        OFFICE,
        _berlin("2026-10-25T07:00"),
    ),
    Scenario("four healthy hours", Day(240, FOUR), {}),
]


def play(scenario: Scenario, folder: Path) -> tuple[Found, Centre]:
    """Return when each alert began to fire, as Prometheus' rule engine evaluates the rules."""
    objective = parse_slo(scenario.slo)
    centre = Centre(objective, scenario.day, scenario.begin)
    series = centre.run()
    return fired(objective, series, scenario.day.minutes, folder), centre


def fired(objective: Objective, series: dict[str, list[str]], minutes: int, folder: Path) -> Found:
    """Return the first minute at which each alert fires, over the whole of `series`.

    What no alert reads is left out of the rules: forty queues would take promtool too long.
    """
    timing = Timing(interval=MINUTE)
    every = {alert.name for alert in every_alert(objective, timing)}
    rules = needed_rules(rule_groups(objective, timing), every, words=False)
    (folder / "rules.yaml").write_text(dump({"groups": rules}))
    firing = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'
    begin = f"min_over_time(timestamp({firing})[{minutes}m:1m])"
    test = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "group_eval_order": [group["name"] for group in rules],
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": " ".join(values)} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {"expr": begin, "eval_time": f"{minutes - 1}m", "exp_samples": []}
                ],
            }
        ],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    code, said = run("promtool", "test", "rules", "test.yaml", cwd=folder)
    assert code == 0 or "got:" in said, said
    return _read(said)


def _read(said: str) -> Found:
    """promtool tells what it got where nothing was expected."""
    found: Found = {}
    for inside, value in _GOT.findall(said):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', inside))
        scope = labels.get("scope", "")
        key = labels["alertname"], labels["queue"] if scope == "queue" else scope
        found[key] = min(found.get(key, 1 << 30), round(float(value)) // 60)
    return found


def verdicts(scenario: Scenario, found: Found) -> list[str]:
    """Return what is wrong: late, missing, or false."""
    wrong = []
    for key, (_, latest) in scenario.fires.items():
        if key not in found:
            wrong.append(f"{key} does not fire")
        elif found[key] > latest:
            wrong.append(f"{key} fires at {found[key]}, after {latest}")
    for key, minute in found.items():
        begin = min((since for since, _ in scenario.fires.values()), default=1 << 30)
        expected = {name for name, _ in scenario.fires} | scenario.also
        if key[0] not in expected:
            wrong.append(f"{key} fires at {minute}")
        if minute < begin and key[0] not in scenario.also:
            wrong.append(f"{key} fires at {minute}, before {begin}")
    return wrong


def _row(scenario: Scenario, found: Found, wrong: list[str]) -> str:
    told = "; ".join(
        f"{name} {place}".rstrip()
        + f" after {found[name, place] - since} min (at most {most - since})"
        for (name, place), (since, most) in scenario.fires.items()
        if (name, place) in found
    )
    beside = ", ".join(sorted({name for name, _ in found} - {name for name, _ in scenario.fires}))
    return (
        f"| {scenario.name} | {told or 'nothing'} | {beside or '-'} | {'; '.join(wrong) or 'yes'} |"
    )


def main() -> None:
    """Play every scenario whose name has all the words given."""
    print("| scenario | fired, after | beside it | as it should |\n|---|---|---|---|")
    for scenario in SCENARIOS:
        if all(word in scenario.name for word in sys.argv[1:]):
            with tempfile.TemporaryDirectory() as name:
                found, _ = play(scenario, Path(name))
            print(_row(scenario, found, verdicts(scenario, found)), flush=True)


if __name__ == "__main__":
    main()
