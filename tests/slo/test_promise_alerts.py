"""Alerts about promises: who is told, in which words, and when nobody is."""

from pathlib import Path
from typing import Any

import pytest
from rule_bench import Bench

from streams.slo.objective import parse_slo
from streams.slo.timing import QUICK

pytestmark = pytest.mark.integration

DECIDED = "callcenter_answer_promises_total"
BROKEN = "callcenter_answer_promises_broken_total"
OVERDUE = "CallbacksOverdue"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def alert(name: str, summary: str, words: str, **labels: str) -> dict[str, Any]:
    """An alert as it is to be."""
    return {
        "exp_labels": {"app": "callsla", **labels},
        "exp_annotations": {
            "summary": summary,
            "description": words,
            "runbook_url": f"deploy/runbooks.md#{name.lower()}",
        },
    }


SPENT = "The budget of 30 days is spent."


def fast_burn(
    words: str, summary: str, scope: str = "queue", budget: str = "", **labels: str
) -> dict[str, Any]:
    """A fast burn; the budget is worked out every five minutes, so a young one tells of none."""
    told = alert(
        "AnswerPromiseFastBurn",
        f"{summary}: callers are not answered in time",
        words,
        severity="critical",
        promise="answer",
        scope=scope,
        **labels,
    )
    told["exp_annotations"]["budget"] = budget
    return told


def test_an_outage_is_told_in_numbers_that_fit(bench: Bench) -> None:
    """42 of 61 calls: the words of the alert are the counts, whole and exact."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x3 20x13 40 61x30", queue="sales")
    bench.feed(BROKEN, "0x3 1x13 22 42x30", queue="sales")
    words = (
        "42 of 61 calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    told = fast_burn(words, "Queue sales", budget=SPENT, queue="sales")
    bench.look("AnswerPromiseFastBurn", "5m", told)
    bench.check()


def test_an_outage_that_is_over_is_not_news(bench: Bench) -> None:
    """Bad over five minutes, but good in the last: the short window keeps quiet."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x3 60x9 75+5x40", queue="sales")
    bench.feed(BROKEN, "0x3 60x40", queue="sales")
    bench.look("AnswerPromiseFastBurn", "4m30s")
    bench.check()


def test_an_alert_stays_for_two_minutes_so_that_it_does_not_flap(bench: Bench) -> None:
    """It is there a minute after the condition is gone, and gone after three."""
    bench.owned("0x60")
    bench.feed(DECIDED, "0x3 30x3 30x60", queue="sales")
    bench.feed(BROKEN, "0x3 30x3 30x60", queue="sales")
    words = (
        "30 of 30 calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    there = fast_burn(words, "Queue sales", queue="sales")
    bench.look("AnswerPromiseFastBurn", "1m", there)
    later = fast_burn(words, "Queue sales", budget=SPENT, queue="sales")
    bench.look("AnswerPromiseFastBurn", "3m", later)
    bench.look("AnswerPromiseFastBurn", "5m")
    bench.check()


def test_many_small_queues_are_told_as_one_centre(bench: Bench) -> None:
    """No queue alone has ten broken calls; together they have, and that is told once."""
    bench.owned("0x40")
    for queue in ("a", "b", "c"):
        bench.feed(DECIDED, "0x4 6x30", queue=queue)
        bench.feed(BROKEN, "0x4 5x30", queue=queue)
    words = (
        "15 of 18 calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    bench.look(
        "AnswerPromiseFastBurn", "1m15s", fast_burn(words, "All queues together", scope="centre")
    )
    bench.check()


def test_a_queue_that_tells_it_keeps_the_centre_quiet(bench: Bench) -> None:
    """One page for one outage."""
    bench.owned("0x40")
    for queue, broken in (("a", 12), ("b", 4)):
        bench.feed(DECIDED, f"0x4 {broken}x30", queue=queue)
        bench.feed(BROKEN, f"0x4 {broken}x30", queue=queue)
    words = (
        "12 of 12 calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    bench.look("AnswerPromiseFastBurn", "1m15s", fast_burn(words, "Queue a", queue="a"))
    bench.check()


def test_an_outage_of_many_queues_is_told_as_one_of_the_centre(bench: Bench) -> None:
    """From three queues on; Alertmanager then keeps the queues quiet. Its words count them all."""
    bench.owned("0x40")
    for queue in ("a", "b", "c"):
        bench.feed(DECIDED, "0x4 12x30", queue=queue)
        bench.feed(BROKEN, "0x4 12x30", queue=queue)
    words = (
        "{0} of {0} calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    centre = fast_burn(words.format(36), "All queues together", scope="centre")
    queues = [
        fast_burn(words.format(12), f"Queue {queue}", queue=queue) for queue in ("a", "b", "c")
    ]
    bench.look("AnswerPromiseFastBurn", "1m15s", centre, *queues)
    bench.check()


def test_severity_owner_and_links_are_those_of_slo_yaml(bench: Bench) -> None:
    """The name of a queue is made fit for the address of its dashboard."""
    bench.objective = parse_slo(
        "severities: {AnswerPromiseFastBurn: warning}\nowner: team lead\n"
        "links: {runbooks: 'https://wiki.example/callsla', dashboards: 'https://grafana.example'}"
    )
    bench.owned("0x40")
    bench.feed(DECIDED, "0x4 12x30", queue="a b")
    bench.feed(BROKEN, "0x4 12x30", queue="a b")
    words = (
        "12 of 12 calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    told = fast_burn(words, "Queue a b", queue="a b", owner="team lead")
    told["exp_labels"]["severity"] = "warning"
    told["exp_annotations"] |= {
        "runbook_url": "https://wiki.example/callsla#answerpromisefastburn",
        "dashboard_url": "https://grafana.example/d/callsla-queue?var-queue=a+b&from=now-6h&to=now",
    }
    bench.look("AnswerPromiseFastBurn", "1m15s", told)
    bench.check()


@pytest.mark.parametrize(
    ("label", "summary"),
    [
        ("__none__", "Calls without a queue"),
        ("__other__", "Queues beyond max_queues"),
        ('odd "name" \\\\ {{ $labels.queue }}', None),
    ],
)
def test_every_queue_has_words(bench: Bench, label: str, summary: str | None) -> None:
    """The labels for no queue and for further queues are put into words; odd names survive."""
    plain = label.replace("\\\\", "\\")
    bench.owned("0x40")
    written = label.replace('"', '\\"')
    bench.feed(DECIDED, "0x4 12x30", queue=written)
    bench.feed(BROKEN, "0x4 12x30", queue=written)
    words = (
        "12 of 12 calls in the last 5 minutes waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    told = fast_burn(words, summary or f"Queue {plain}", queue=plain)
    bench.look("AnswerPromiseFastBurn", "1m15s", told)
    bench.check()


def test_the_words_name_the_target_of_the_queue(bench: Bench) -> None:
    """A queue with its own target and objective is told with them, the others with the default."""
    bench.objective = parse_slo("queues: {vip*: {answer: {target: 5s, objective: 0.99}}}")
    bench.owned("0x40")
    for queue, target, objective in (("vip-1", 5, 0.99), ("sales", 10, 0.9)):
        bench.feed("callcenter_target_seconds", f"{target}x40", promise="answer", queue=queue)
        bench.feed("callcenter_objective_ratio", f"{objective}x40", promise="answer", queue=queue)
        bench.feed(DECIDED, "0x4 100x30", queue=queue)
        bench.feed(BROKEN, "0x4 15x30", queue=queue)
    words = (
        "15 of 100 calls in the last 5 minutes waited longer than 5 s for a human or never got "
        "one; the promise allows 1 %."
    )
    bench.look("AnswerPromiseFastBurn", "1m15s", fast_burn(words, "Queue vip-1", queue="vip-1"))
    bench.check()


def test_overdue_callbacks_are_told_after_a_minute(bench: Bench) -> None:
    """The sum over workers counts; after a minute it is told, and one is `one callback is`."""
    bench.feed("callcenter_callbacks_overdue", "0x4 2x30", queue="sales")
    bench.feed("callcenter_callbacks_overdue", "0x4 1x30", queue="sales", instance="b")
    bench.feed("callcenter_callbacks_overdue", "0x4 1x30", queue="vip")
    bench.feed("callcenter_callbacks_overdue", "0x40", queue="quiet")
    rest = "overdue: promised, not made, and the time is up. Call these customers now."
    expected = [
        alert(
            OVERDUE,
            f"Queue {queue}: callbacks are overdue",
            f"{number} {rest}",
            severity="warning",
            promise="callback",
            scope="queue",
            queue=queue,
        )
        for queue, number in (("sales", "3 callbacks are"), ("vip", "1 callback is"))
    ]
    bench.look(OVERDUE, "1m30s")
    bench.look(OVERDUE, "2m30s", *expected)
    bench.check()


def test_callbacks_that_were_forgotten_are_no_backlog(bench: Bench) -> None:
    """Eight of this morning stay overdue for a day; of the two that are due each is made in time.

    Few fall due, so few are dealt with: that is no rate at which the others could not be made.
    """
    bench.interval = "1m"
    bench.owned("0x60")
    bench.feed("callcenter_callbacks_overdue", "8x60", queue="sales")
    bench.feed("callcenter_callbacks_due", "2x60", queue="sales", within="3600")
    bench.feed("callcenter_callbacks_open", "2x60", queue="sales")
    settled = "callcenter_callback_promises_settled_total"
    bench.feed(settled, "0x10 1x20 2x40", queue="sales", state="kept")
    bench.look("CallbackBacklogCannotBeCleared", "50m")
    bench.check()


def test_the_quick_timing_tells_an_outage_within_half_a_minute(bench: Bench) -> None:
    """For the demo: one call a second, all kept; then none is. 25 s later somebody is told.

    10 s pass before the first promise breaks, and half of 30 s before half of them are broken.
    """
    bench.timing, bench.interval = QUICK, "1s"
    bench.owned("0x100")
    bench.feed(DECIDED, "0+1x100", queue="sales")
    bench.feed(BROKEN, "0x50 0+1x50", queue="sales")
    words = (
        "16 of 30 calls in the last 30 seconds waited longer than 10 s for a human or never got "
        "one; the promise allows 10 %."
    )
    bench.look("AnswerPromiseFastBurn", "66s")
    told = fast_burn(words, "Queue sales", budget=SPENT, queue="sales")
    bench.look("AnswerPromiseFastBurn", "67s", told)
    bench.check()
