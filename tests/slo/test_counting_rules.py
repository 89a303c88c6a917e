"""What the recording rules count is what happened: to the call, under every accident."""

from pathlib import Path

import pytest
from rule_bench import Bench

from streams.slo.objective import parse_slo

pytestmark = pytest.mark.integration

DECIDED = "callcenter_answer_promises_total"
BROKEN = "callcenter_answer_promises_broken_total"
IN_5M = "queue:callcenter_answer_promises:increase5m"
BROKEN_IN_5M = "queue:callcenter_answer_promises_broken:increase5m"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_window_holds_whole_calls_and_neither_more_nor_fewer(bench: Bench) -> None:
    """61 calls, 42 of them broken, are 61 and 42: nothing is extrapolated."""
    bench.owned("0x60")
    bench.feed(DECIDED, "0x9 7 30 61x50", queue="sales")
    bench.feed(BROKEN, "0x9 2 20 42x50", queue="sales")
    bench.expect(IN_5M, "5m", 61)
    bench.expect(BROKEN_IN_5M, "5m", 42)
    bench.expect("queue:callcenter_answer_promises_broken_per_decided:ratio5m", "5m", 42 / 61)
    bench.expect("centre:callcenter_answer_promises:increase5m", "5m", 61)
    bench.expect(IN_5M, "10m", 0)
    bench.check()


def test_the_edge_of_a_window_belongs_to_one_window(bench: Bench) -> None:
    """A steady stream of 4 a minute is 20 in five minutes, not 21."""
    bench.owned("0x60")
    bench.feed(DECIDED, "0+1x60", queue="sales")
    bench.expect(IN_5M, "10m", 20)
    bench.expect("queue:callcenter_answer_promises:increase1m", "10m", 4)
    bench.check()


def test_a_partition_that_moves_takes_its_total_along(bench: Bench) -> None:
    """A take-over with a gap, and a moment with two owners, counts nothing twice."""
    bench.owned("0x10 _x70")
    bench.owned("_x15 0x60", instance="b")
    bench.feed(DECIDED, "100+2x10 _x70", queue="sales")
    bench.feed(DECIDED, "_x16 126+2x60", queue="sales", instance="b")
    bench.feed(DECIDED, "_x20 130x3 _x70", queue="sales", instance="zombie")
    bench.expect("queue:callcenter_answer_promises:increase30m", "4m", 20 + 6)
    bench.expect(IN_5M, "10m", 40)
    bench.check()


def test_calls_of_an_outage_longer_than_every_lookback_are_counted_on_return(bench: Bench) -> None:
    """A worker away for two hours comes back with what happened meanwhile."""
    bench.owned("0x4 _x480 0x20")
    bench.feed(DECIDED, "10x4 _x480 500x20", queue="sales")
    bench.expect(IN_5M, "2h2m", 490)
    bench.check()


def test_a_counter_that_begins_anew_counts_from_zero(bench: Bench) -> None:
    """State lost and begun again: neither a negative count nor the old total once more."""
    bench.owned("0x40")
    bench.feed(DECIDED, "1000+5x4 3 6x30", queue="sales")
    bench.expect(IN_5M, "2m", 20 + 6)
    bench.check()


def test_what_was_before_prometheus_came_is_in_no_window(bench: Bench) -> None:
    """A first look at a worker that has counted for a year is no event."""
    bench.owned("70000x20")
    bench.feed(DECIDED, "1000000x20", queue="sales")
    bench.expect(IN_5M, "4m", 0)
    bench.check()


def test_the_first_call_of_a_new_queue_counts(bench: Bench) -> None:
    """A queue that turns up later counts from zero; `increase()` would miss its first calls."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x40", queue="sales")
    bench.feed(DECIDED, "_x8 3x30", queue="new")
    bench.expect(f'{IN_5M}{{queue="new"}}', "4m", 3)
    bench.check()


def test_partitions_add_up(bench: Bench) -> None:
    """The same queue in two partitions on two workers is one queue."""
    bench.owned("0x40")
    bench.owned("0x40", partition="1", instance="b")
    bench.feed(DECIDED, "0+1x40", queue="sales")
    bench.feed(DECIDED, "0+2x40", queue="sales", partition="1", instance="b")
    bench.expect(IN_5M, "6m", 60)
    bench.check()


def test_corrections_amend_the_counts(bench: Bench) -> None:
    """A late fact turns a broken call into a kept one, and an excluded one into a broken one."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x4 10x30", queue="sales")
    bench.feed(BROKEN, "0x4 6x30", queue="sales")
    shape = {"verdict": "answer", "queue": "sales"}
    bench.feed(
        "callcenter_corrections_total", "_x6 2x30", **{**shape, "from": "broken", "to": "kept"}
    )
    bench.feed(
        "callcenter_corrections_total", "0x6 1x30", **{**shape, "from": "excluded", "to": "broken"}
    )
    bench.feed(
        "callcenter_corrections_total",
        "_x6 5x30",
        **{**shape, "verdict": "outcome", "from": "broken", "to": "kept"},
    )
    bench.expect(IN_5M, "4m", 11)
    bench.expect(BROKEN_IN_5M, "4m", 5)
    bench.check()


def test_a_correction_that_moves_a_call_to_another_queue_moves_its_verdict(bench: Bench) -> None:
    """`none` on one side means the verdict appeared in, or vanished from, a queue."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x4 4x30", queue="sales")
    bench.feed(DECIDED, "0x40", queue="vip")
    moved = {"verdict": "answer"}
    bench.feed(
        "callcenter_corrections_total",
        "_x6 1x30",
        queue="sales",
        **{**moved, "from": "kept", "to": "none"},
    )
    bench.feed(
        "callcenter_corrections_total",
        "_x6 1x30",
        queue="vip",
        **{**moved, "from": "none", "to": "kept"},
    )
    bench.expect(f'{IN_5M}{{queue="sales"}}', "4m", 3)
    bench.expect(f'{IN_5M}{{queue="vip"}}', "4m", 1)
    bench.check()


def test_usefulness_is_counted_by_state_with_its_corrections(bench: Bench) -> None:
    """Eight useful answers, of which a call that came again made one useless, of 20 offered."""
    bench.interval = "5m"
    bench.owned("0x300")
    bench.feed("callcenter_calls_offered_total", "0x4 20x290", queue="sales")
    bench.feed("callcenter_answers_total", "0x4 8x290", queue="sales", usefulness="useful")
    bench.feed("callcenter_answers_total", "0x4 1x290", queue="sales", usefulness="useless")
    shape = {"verdict": "usefulness", "from": "useful", "to": "useless"}
    bench.feed("callcenter_corrections_total", "_x6 1x290", queue="sales", **shape)
    name = "queue:callcenter_answers:increase1d"
    bench.expect(f'{name}{{usefulness="useful"}}', "2h", 7)
    bench.expect(f'{name}{{usefulness="useless"}}', "2h", 2)
    bench.expect("queue:callcenter_useful_answers_per_call_offered:ratio1d", "2h", 7 / 20)
    bench.check()


def test_a_day_is_weighed_by_calls_and_quiet_hours_do_not_poison_it(bench: Bench) -> None:
    """10 h closed, 12 h of 10 good calls a minute, 2 h of one bad call a minute: 1.6 % are bad.

    The mean of the ratios of five minutes would say 13.8 %, or NaN.
    """
    bench.interval = "5m"
    bench.owned("0x288")
    bench.feed(DECIDED, "0x120 50+50x143 7205+5x23 7320x9", queue="sales")
    bench.feed(BROKEN, "0x120 0x143 5+5x23 120x10", queue="sales")
    ratio = "callcenter_answer_promises_broken_per_decided:ratio1d"
    bench.expect(f"queue:{ratio}", "1d", 120 / 7320)
    bench.expect(f"centre:{ratio}", "1d", 120 / 7320)
    bench.expect("queue:callcenter_answer_budget_left:ratio30d", "1d", 1 - 120 / 732)
    bench.check()


def test_no_calls_are_no_ratio(bench: Bench) -> None:
    """Without traffic there is no service level: neither 100 % nor NaN."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x40", queue="sales")
    bench.feed(BROKEN, "0x40", queue="sales")
    bench.expect("queue:callcenter_answer_promises_broken_per_decided:ratio5m", "6m")
    bench.check()


def test_the_centre_weighs_its_queues_by_their_calls(bench: Bench) -> None:
    """9 of 10 in a small queue and none of 990 in a large one are 0.9 %, not 45 %."""
    bench.owned("0x40")
    bench.feed(DECIDED, "0x4 10x30", queue="small")
    bench.feed(BROKEN, "0x4 9x30", queue="small")
    bench.feed(DECIDED, "0x4 990x30", queue="large")
    bench.feed(BROKEN, "0x40", queue="large")
    bench.expect("centre:callcenter_answer_promises_broken_per_decided:ratio5m", "4m", 9 / 1000)
    bench.check()


def test_a_queue_is_judged_by_its_own_objective_as_the_worker_tells_it(bench: Bench) -> None:
    """The allowance follows `callcenter_objective_ratio`; without it the default holds."""
    bench.objective = parse_slo("promises: {answer: {objective: 0.8}}")
    bench.owned("0x40")
    for queue in ("vip", "sales"):
        bench.feed(DECIDED, "0x4 100x30", queue=queue)
    bench.feed("callcenter_objective_ratio", "0.95x40", promise="answer", queue="vip")
    allowed = "queue:callcenter_answer_promises_broken_allowed:increase5m"
    bench.expect(f'{allowed}{{queue="vip"}}', "4m", 5)
    bench.expect(f'{allowed}{{queue="sales"}}', "4m", 20)
    bench.expect("centre:callcenter_answer_promises_broken_allowed:increase5m", "4m", 25)
    bench.check()
