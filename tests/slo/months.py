"""Two months of a centre: a healthy one, in which nobody may be paged, and one with outages.

    PYTHONPATH=tests/integration:tests/metrics:tests/slo python tests/slo/months.py [--days 30]

(`make months`). The simulated centre of `callsla simulate` works by day, is closed by night, on
Sundays and on a holiday, and customers call all the same. The records are applied by the real
ledger, each minute is shown by the real exporter, and Prometheus' rule engine (`promtool test
rules`) evaluates the generated rules that pages depend on, once a minute, day by day, each with the
two hours before it. The rule that compares with a week ago is played over the month at once.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from centre_months import QUARTER, Month, Span, Stretch, stretch, stretches
from exported_names import exported_names
from rule_windows import Page, pages

from streams.instants import DAY, MINUTE, SECOND
from streams.simulate import CentreConfig, Outage, QueueConfig, small_centre
from streams.simulate.config import BUSINESS_DAY, DeskConfig, HandlingConfig
from streams.slo import Timing, parse_slo
from streams.slo.alerts import every_alert
from streams.slo.counters import PROMISES
from streams.slo.needed import Groups, needed_rules
from streams.slo.rulesfile import rule_groups

BEGIN: Final = round(datetime(2026, 2, 23, tzinfo=UTC).timestamp()) * SECOND
"""A Monday; until the end of March London's time is UTC, which the simulation's days are in."""
HOLIDAY: Final = date(2026, 3, 17)
DAY_MINUTES: Final = 24 * 60
WARM: Final = 120
"""Minutes of the day before that a day begins with."""
LATE: Final = 5
"""Minutes after its end in which an outage may still be told."""
BROKEN: Final = PROMISES[0].broken.metric
OBJECTIVE: Final = parse_slo(
    'calendar: {time_zone: Europe/London, hours: {mon-sat: "07:00-22:00"}, '
    f"holidays: [{HOLIDAY}]}}"
)
PAGES: Final = frozenset(
    alert.name for alert in every_alert(OBJECTIVE, Timing()) if alert.severity == "critical"
)
WEEK_AGO: Final = "BlindNoCalls"
Outages = dict[int, tuple[int, tuple[str, ...]]]
"""By the minute in which one begins: how many minutes it lasts, and which queues it is of."""


@dataclass(frozen=True)
class Played:
    """`found` are the pages of the whole month, or of the outages.

    `broken` are the most calls of an outage that were broken within the window of the alert, by
    when it began. `kept` is the least share of calls answered in time on any day, and in any hour,
    that is open.
    """

    days: int
    calls: int
    found: list[Page]
    broken: dict[int, int]
    kept: tuple[float, float]


def is_closed(at: int) -> bool:
    """Whether that day is closed all day."""
    day = datetime.fromtimestamp(at / SECOND, UTC).date()
    return day.weekday() == 6 or day == HOLIDAY


def centre(outages: Outages) -> CentreConfig:
    """Return two queues that are staffed for what they promise; some call by night.

    With a staff for 98.5 % on average there is a five minutes on every other day in which most
    callers do wait too long: what is told then is true, and such a month not healthy.
    """
    return CentreConfig(
        sources=small_centre().sources,
        queues=tuple(
            QueueConfig(name=name, source="pbx-north", share=share, opens=7, closes=22)
            for name, share in (("service", 0.7), ("sales", 0.3))
        ),
        start=BEGIN,
        calls_per_hour=420,
        profile=tuple(max(weight, 0.02) for weight in BUSINESS_DAY),
        day_variation=0.05,
        outages=tuple(
            Outage(queue=queue, begins=begins * MINUTE, lasts=lasts * MINUTE)
            for begins, (lasts, queues) in outages.items()
            for queue in queues
        ),
        handling=HandlingConfig(staffing_objective=0.9999, ring_no_answer=0.01),
        desk=DeskConfig(agents=14, forgotten=0.0, lead=(MINUTE, 4 * MINUTE)),
    )


def random_outages(days: int, seed: int) -> Outages:
    """Return one or two outages for each open day, of 5 to 30 minutes, of `service` or of both.

    In hours in which 15 calls or more come in 5 minutes: the alerts ask for 10 broken ones.
    """
    rng = random.Random(seed)
    found: Outages = {}
    for day in range(days):
        if is_closed(BEGIN + day * DAY):
            continue
        for first, last in sorted(rng.sample(((8, 12), (14, 17)), rng.choice((1, 2)))):
            begins = day * DAY_MINUTES + rng.randrange(first * 60, last * 60)
            lasts = rng.choice((5, 5, 6, 8, 10, 15, 20, 30))
            found[begins] = lasts, rng.choice((("service",), ("service", "sales")))
    return found


def play(days: int, outages: Outages, jobs: int) -> Played:
    """Play the month and return the pages that are asked for."""
    groups = rule_groups(OBJECTIVE, Timing(interval=MINUTE))
    daily = needed_rules(groups, PAGES - {WEEK_AGO}, words=False)
    weekly = needed_rules(groups, {WEEK_AGO}, words=False)
    month = Month(OBJECTIVE, centre(outages), is_closed, seed=7)
    metrics = exported_names(daily) | exported_names(weekly)
    spans = _spans(days, outages)
    with ThreadPoolExecutor(jobs) as pool, tempfile.TemporaryDirectory() as name:
        waiting, broken = [], {}
        for span, each in zip(spans, stretches(month, spans, WARM, metrics), strict=True):
            if span[0] in outages:
                broken[span[0]] = _most_broken(each, *outages[span[0]])
            waiting.append(pool.submit(_pages, each, daily, span, Path(name)))
            _report(f"{len(waiting)} of {len(spans)} simulated")
        if not outages:
            whole = stretch(month.quarters, BEGIN, 0, QUARTER)
            span = (0, (whole.looks - 1) * QUARTER)
            waiting.append(pool.submit(_pages, whole, weekly, span, Path(name)))
        found = [page for future in waiting for page in future.result()]
    return Played(days, month.calls, found, broken, (month.health.worst(24), month.health.worst(1)))


def _most_broken(each: Stretch, lasts: int, queues: tuple[str, ...]) -> int:
    """The most promises to the callers of `queues` that were broken in the window of the alert."""
    rows = [
        [0.0 if value in {"_", "stale"} else float(value) for value in values]
        for name, values in each.series.items()
        if name.startswith(BROKEN) and any(f'queue="{queue}"' in name for queue in queues)
    ]
    window = int(OBJECTIVE.alerts.answer.window) // MINUTE
    totals: list[float] = [sum(shown) for shown in zip(*rows, strict=True)]
    ends = range(len(totals) - lasts - LATE, len(totals))
    return round(max(totals[end] - totals[end - window] for end in ends))


def _spans(days: int, outages: Outages) -> list[Span]:
    """The minutes in which to look for pages: each outage and a little more, or every day."""
    if outages:
        return [(begins, begins + lasts + LATE) for begins, (lasts, _) in outages.items()]
    return [(day * DAY_MINUTES, (day + 1) * DAY_MINUTES - 1) for day in range(days)]


def _pages(each: Stretch, rules: Groups, span: Span, parent: Path) -> list[Page]:
    with tempfile.TemporaryDirectory(dir=parent) as name:
        found = pages(each, rules, span, Path(name))
    told = ", ".join(f"{page.alert} {page.place} {_when(page.minute)}" for page in found)
    _report(f"{_when(span[0])} to {_when(span[1])}: {told or 'no page'}")
    return found


def _report(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def told(played: Played, outages: Outages) -> dict[int, Page]:
    """Return the first page about each outage: that answers are late, or a caller waits."""
    found: dict[int, Page] = {}
    for page in sorted(played.found, key=lambda page: page.minute):
        if page.asked_from in outages and page.alert.startswith(("AnswerPromise", "CallerWaits")):
            found.setdefault(page.asked_from, page)
    return found


def too_few(played: Played, outages: Outages) -> set[int]:
    """Return the outages nobody was told of that broke fewer calls than the alert asks for."""
    least, found = OBJECTIVE.alerts.answer.min_broken, told(played, outages)
    return {each for each in outages if each not in found and played.broken[each] < least}


def result(played: Played, outages: Outages) -> Iterator[str]:
    """Return the row of the table, and what is wrong."""
    if not outages:
        wrong = [f"{each.alert} {each.place} {_when(each.minute)}" for each in played.found]
        day, hour = (f"{100 * share:.1f} %" for share in played.kept)
        yield (
            f"| healthy | {played.days} | {played.calls} | - | {len(wrong)} pages; answered in "
            f"time: {day} on the worst day, {hour} in the worst hour |"
        )
        if played.kept[0] < OBJECTIVE.promises.answer.objective:
            wrong.append("not a healthy month: on a day less than the objective was kept")
    else:
        found, few = told(played, outages), too_few(played, outages)
        delays = sorted(page.minute - begins for begins, page in found.items())
        least, middle, most = (delays[0], delays[len(delays) // 2], delays[-1]) if delays else "---"
        yield (
            f"| outages | {played.days} | {played.calls} | {len(outages)} | {len(found)} found, "
            f"after {least} to {most} min, half of them within {middle}; {len(few)} of too few "
            "calls for an alert |"
        )
        wrong = [
            f"{_when(begins)}, {lasts} min of {', '.join(queues)}: not told"
            for begins, (lasts, queues) in outages.items()
            if begins not in found and begins not in few
        ]
    yield from wrong


def _when(minute: int) -> str:
    day, rest = divmod(minute, DAY_MINUTES)
    return f"day {day + 1} {rest // 60:02}:{rest % 60:02}"


def main() -> None:
    """Play both months; exit code 3 for a false page or an outage that nobody was told of."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", choices=("healthy", "outages"))
    given = parser.parse_args()
    months: dict[str, Outages] = {"healthy": {}, "outages": random_outages(given.days, given.seed)}
    wrong = False
    for kind, outages in months.items():
        if given.only in {None, kind}:
            played = play(given.days, outages, given.jobs)
            row, *faults = result(played, outages)
            few = sorted(too_few(played, outages))
            noted = [f"{_when(each)}: {played.broken[each]} calls broken" for each in few]
            print("\n".join((row, *noted, *faults)), flush=True)
            wrong |= bool(faults)
    raise SystemExit(3 if wrong else 0)


if __name__ == "__main__":
    main()
