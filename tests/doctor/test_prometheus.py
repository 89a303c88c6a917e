"""What is said of answers that a single Prometheus of the tests does not give."""

import pytest

from streams.doctor.findings import Status
from streams.doctor.prometheus import judge_retention, judge_series, judge_targets
from streams.doctor.rules import OURS, differing, expected_rules, used_names
from streams.metrics.names import BY_NAME
from streams.slo import load_slo

USED = used_names(expected_rules(load_slo()))
ALWAYS = {"callcenter_target_seconds", "callcenter_objective_ratio"}
OF_QUEUES = {name for name in USED if name in BY_NAME and "queue" in BY_NAME[name].labels} - ALWAYS
WAITING = "callcenter_oldest_waiting_timestamp_seconds"
OFFERED = "callcenter_calls_offered_total"


@pytest.mark.parametrize(
    ("present", "shown", "status"),
    [
        (USED, None, "ok"),
        (USED - {WAITING}, USED, "ok"),
        (USED - {OFFERED}, USED, "wrong"),
        (USED - {OFFERED}, None, "wrong"),
        (USED - {OFFERED}, USED - {OFFERED}, "ok"),
        (USED - OF_QUEUES, None, "ok"),
        (USED - OF_QUEUES, USED, "wrong"),
        (set(), None, "wrong"),
    ],
)
def test_a_series_is_missed_where_it_should_be(
    present: set[str], shown: set[str] | None, status: Status
) -> None:
    """Before any call there is none of a queue; what a worker shows has to be there."""
    found = list(judge_series(USED, present, None if shown is None else frozenset(shown)))
    assert [each.status for each in found] == [status], found


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("15d", "warning"),
        ("30d", "ok"),
        ("5w", "ok"),
        ("1y", "ok"),
        ("720h or 10GiB", "ok"),
        ("2w1d12h", "warning"),
        ("10GiB", "not_asked"),
        ("", "not_asked"),
        ("for ever", "not_asked"),
    ],
)
def test_how_long_series_are_kept_is_read(told: str, status: Status) -> None:
    """In every way that Prometheus tells it."""
    assert judge_retention(told).status == status


def test_a_target_of_another_job_is_not_ours() -> None:
    """But workers under its name are, and the alert WorkerDown does not see them."""
    target = {"labels": {"job": "node"}, "health": "down", "scrapeUrl": "u", "lastError": "e"}
    assert [each.status for each in judge_targets([target], [])] == ["wrong"]
    assert [each.status for each in judge_targets([target], ["node"])] == ["warning"]


@pytest.mark.parametrize("wrong", [set(), {0}, {7}, {3, 4, 99}])
def test_what_differs_is_found_by_halves(wrong: set[int]) -> None:
    """Asking about many at once, and about single ones only where something differs."""
    pairs = [(str(n), "x" if n in wrong else str(n)) for n in range(100)]
    asked = []

    def same(some: object) -> bool:
        asked.append(some)
        return all(a == b for a, b in some)  # type: ignore[attr-defined]

    assert set(differing(pairs, same)) == wrong
    assert len(asked) <= 1 + 14 * len(wrong)


def test_our_groups_are_known_by_their_names() -> None:
    """Those of another version as well, so that what is left over is seen."""
    assert all(rule.group.startswith(OURS) for rule in expected_rules(load_slo()))
