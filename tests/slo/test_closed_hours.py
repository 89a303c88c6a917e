"""In closed hours nothing pages, a call is counted all the same, and verdicts do not change."""

from pathlib import Path

import pytest
from ledger_workers import T0, Worker, answered_call
from rule_bench import Bench
from scraped import scrape

from streams.instants import HOUR, MINUTE, SECOND
from streams.slo import Kept, load_slo, parse_slo, render_slo
from streams.slo.alerts import every_alert
from streams.slo.timing import STANDARD

CENTRE = """
calendar: {time_zone: Europe/Berlin, hours: {mon-fri: "08:00-18:00"}}
queues: {night: {calendar: {hours: {mon-sun: "22:00-06:00"}}}, always: {calendar: {hours: {}}}}
"""
DECIDED = "callcenter_answer_promises_total"
BROKEN = "callcenter_answer_promises_broken_total"
OPENING = "callcenter_opening_timestamp_seconds"
BURN = "AnswerPromiseFastBurn"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, objective=parse_slo(CENTRE))


def outage(bench: Bench, queue: str, opening: str) -> None:
    """Every call is broken: 4 a minute from the start."""
    bench.feed(DECIDED, "0+1x200", queue=queue)
    bench.feed(BROKEN, "0+1x200", queue=queue)
    bench.series.append({"series": f'{OPENING}{{queue="{queue}",instance="a"}}', "values": opening})


def firing(queue: str) -> str:
    return f'count(ALERTS{{alertname="{BURN}",queue="{queue}",alertstate="firing"}})'


@pytest.mark.integration
def test_a_closed_queue_pages_nobody_and_its_calls_are_counted(bench: Bench) -> None:
    """Until it opens at 30:00, and for the short window of a minute after that."""
    bench.owned("0x200")
    outage(bench, "sales", "1800x200")
    outage(bench, "always", "0x200")
    bench.expect("queue:callcenter_answer_promises:increase5m{queue='sales'}", "20m", 20)
    bench.expect(firing("sales"), "20m")
    bench.expect(firing("always"), "20m", 1)
    bench.expect(firing("sales"), "30m45s")
    bench.expect(firing("sales"), "31m15s", 1)
    bench.check()


@pytest.mark.integration
def test_a_worker_that_is_gone_has_said_when_it_opens(bench: Bench) -> None:
    """Its last word holds: quiet until the hour of opening, and then it is told."""
    bench.owned("0x200")
    outage(bench, "sales", "1800x20 stale")
    bench.expect(firing("sales"), "25m")
    bench.expect(firing("sales"), "31m15s", 1)
    bench.check()


@pytest.mark.integration
def test_the_whole_centre_is_closed_when_every_queue_is(bench: Bench) -> None:
    """Many small queues together page only if one of them is open."""
    bench.owned("0x200")
    for queue, opening in (("a", "1800x200"), ("b", "2400x200"), ("c", "3000x200")):
        bench.feed(DECIDED, "0x4 6x200", queue=queue)
        bench.feed(BROKEN, "0x4 5x200", queue=queue)
        bench.series.append(
            {"series": f'{OPENING}{{queue="{queue}",instance="a"}}', "values": opening}
        )
    centre = f'count(ALERTS{{alertname="{BURN}",scope="centre",alertstate="firing"}})'
    bench.expect(centre, "2m")
    bench.expect("centre:callcenter_opening:timestamp", "2m", 1800)
    bench.check()


def test_every_alert_about_people_knows_the_hours() -> None:
    """Those about promises now; budgets and useful answers are no page and count every hour."""
    objective = parse_slo(CENTRE)
    without = {
        alert.name
        for alert in every_alert(objective, STANDARD)
        if "callcenter_opening:timestamp" not in alert.expression and "promise" in alert.labels
    }
    assert without == {"BudgetExhausted", "BudgetRunsOut", "AnswersLessUseful"}


def test_without_hours_no_rule_asks_for_them() -> None:
    """Who names no hours is always open and pays nothing for it."""
    for alert in every_alert(load_slo(), STANDARD):
        assert "opening" not in alert.expression


def test_a_worker_exports_when_each_queue_opens() -> None:
    """T0 is Monday 21 September 2026, 16:13 in Berlin: the office is open, the night is not."""
    worker = Worker(rules=parse_slo(CENTRE).rules())
    worker.keeping = Kept(parse_slo(CENTRE))
    owned = worker.assign(0)
    owned.take(*answered_call("c1", "sales", T0, wait=1))
    owned.tick(T0 + HOUR)
    told = {dict(labels)["queue"] for name, labels in scrape(worker) if name == OPENING}
    assert told >= {"__none__", "sales", "night", "always"}
    worker.keeping = Kept(load_slo())
    assert not [name for name, _ in scrape(worker) if name == OPENING]
    kept = Kept(parse_slo(CENTRE))
    day = T0 - T0 % (24 * HOUR)
    assert kept.opening_at("sales", T0) == day + 6 * HOUR
    assert kept.opening_at("night", T0) == day + 20 * HOUR
    assert kept.opening_at("always", T0) == 0
    assert Kept(load_slo()).opening_at("sales", T0) is None
    assert kept.opening_at("__none__", T0 + 59 * SECOND) == kept.opening_at("sales", T0 + MINUTE)


def test_what_a_worker_serves_reads_back_as_what_it_uses() -> None:
    """With every default filled in."""
    for text in ("{}", CENTRE, "promises: {answer: {target: 1h30m}, whole: {objective: 0.97}}"):
        objective = parse_slo(text)
        assert parse_slo(render_slo(objective)) == objective


def test_closed_hours_change_no_verdict() -> None:
    """The ledger does not know of them."""
    with_hours, always = parse_slo(CENTRE), parse_slo("queues: {night: {}, always: {}}")
    assert with_hours.rules() == always.rules()
